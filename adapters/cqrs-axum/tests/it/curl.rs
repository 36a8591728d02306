//! The README's lines, by `curl` where it is installed.

use serde_json::Value;
use tokio::process::Command;

use crate::client::Server;
use crate::domain::app;

/// The answer of `curl`: its head and its body.
async fn curl(arguments: &[&str]) -> Option<(String, String)> {
    let output = Command::new("curl").args(["-sS", "-i", "--max-time", "20"]).args(arguments).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{output:?}"));
    Some((head.to_lowercase(), body.to_owned()))
}

#[tokio::test]
async fn an_order_is_placed_and_shipped_by_hand() {
    let app = app().await;
    let server = Server::of(&app).await;
    let url = format!("http://{}", server.address);
    let json = ["-H", "Content-Type: application/json"];
    let order = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3";
    let data = format!(r#"{{"order": "{order}"}}"#);
    let create = format!("{url}/commands/CreateOrder");
    let Some((head, body)) = curl(&[&json[..], &["-d", &data, &create]].concat()).await else { return };
    assert!(head.starts_with("http/1.1 201") && head.contains("cqrs-position: 1"), "{head}");
    assert_eq!(body, format!("\"{order}\""));
    // Without the header: `curl -d` sends a form.
    let (head, body) = curl(&["-d", &data, &create]).await.unwrap();
    assert!(head.starts_with("http/1.1 415") && body.contains("Content-Type: application/json"), "{head}\n{body}");
    let data = format!(r#"{{"order": "{order}", "tracking_number": "TN-1"}}"#);
    let ship = format!("{url}/commands/ShipOrder");
    let (head, _) = curl(&[&json[..], &["-H", "Idempotency-Key: 1", "-d", &data, &ship]].concat()).await.unwrap();
    assert!(head.starts_with("http/1.1 204") && head.contains("cqrs-position: 2"), "{head}");
    let parcel = format!("{url}/queries/ParcelOf?order={order}");
    let (head, body) = curl(&["-H", "Cqrs-After: 2", &parcel]).await.unwrap();
    let parcel: Value = serde_json::from_str(&body).unwrap();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(parcel["tracking_number"], "TN-1");
}
