//! The shop over HTTP, as a process: served, and stopped while a request is under way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::Shop;

const ADA: &str = "00000000-0000-7000-8000-00000000000a";
const ORDER: &str = "00000000-0000-7000-8000-000000000001";

/// A server that ends with its test.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn at(shop: &Shop) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_shop"));
        program.args(["serve", "--address", "127.0.0.1:0", "--db"]).arg(shop.db()).stdout(Stdio::piped());
        let mut process = program.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.split("http://").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default().to_owned();
        assert!(!address.is_empty(), "{line}");
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// The status and the rest of an answer.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        stream.write_all(request(method, path, headers, body).as_bytes()).unwrap();
        answer(stream)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head = "HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n";
    format!("{method} {path} {head}{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    (status, text)
}

#[test]
fn an_order_is_placed_and_shipped_and_each_wrong_turn_says_what_to_do() {
    let shop = Shop::new();
    let served = Served::at(&shop);
    let ada = format!(r#"{{"customer": "{ADA}", "name": "Ada"}}"#);
    let line = r#"{"product": "cup", "product_name": "Cup", "quantity": 2, "unit_price": 650}"#;
    let order = format!(r#"{{"order": "{ORDER}", "customer": "{ADA}", "lines": [{line}]}}"#);
    let (confirmation, shipment) = (format!("/orders/{ORDER}/confirmation"), format!("/orders/{ORDER}/shipment"));
    let parcel = r#"{"tracking_number": "TN-1"}"#;
    let details = format!("/orders/{ORDER}");
    for (method, path, body, status, part) in [
        ("POST", "/customers", r#"{"customer": 7}"#, 400, "\"path\":\"customer\""),
        ("POST", "/customers", &*ada, 204, "cqrs-position: 1"),
        ("POST", "/customers", &*ada, 409, "already exists"),
        ("GET", &*details, "", 404, "`OrderDetails` found nothing"),
        ("PUT", &*confirmation, "", 404, "not found"),
        ("POST", "/orders", &*order, 204, "cqrs-position: 2"),
        ("PUT", &*shipment, parcel, 409, "\"code\":\"NotShippable\""),
        ("PUT", &*confirmation, "", 204, "cqrs-position: 3"),
        ("PUT", &*shipment, r#"{"tracking_number": ""}"#, 422, "\"code\":\"NoTrackingNumber\""),
        ("PUT", &*shipment, parcel, 204, "cqrs-position: 4"),
        ("GET", &*details, "", 200, "\"tracking_number\":\"TN-1\""),
        ("POST", "/queries/OrderHistry", "{}", 404, "did you mean `OrderHistory`?"),
        ("GET", "/health/ready", "", 200, "healthy"),
    ] {
        let (found, text) = served.send(method, path, "", body);
        assert_eq!(found, status, "{method} {path} {body}: {text}");
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let history = format!("/customers/{ADA}/orders?limit=10");
    let (status, text) = served.send("GET", &history, "Cqrs-After: 4\r\n", "");
    assert!(status == 200 && text.contains(ORDER), "{text}");
}

#[cfg(unix)]
#[test]
fn a_request_under_way_is_answered_before_the_server_stops() {
    let shop = Shop::new();
    let mut served = Served::at(&shop);
    let whole = request("POST", "/customers", "", &format!(r#"{{"customer": "{ADA}", "name": "Ada"}}"#));
    let (begun, rest) = whole.split_at(whole.len() - 10);
    let mut under_way = served.connect();
    // The server asks for the body once it handles the request: from then on it is under way.
    let begun = begun.replace("Connection: close\r\n", "Connection: close\r\nExpect: 100-continue\r\n");
    let (head, body) = begun.split_once("\r\n\r\n").unwrap();
    under_way.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    let mut asked = [0; 25];
    under_way.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&asked));
    let stopped = Command::new("kill").args(["-TERM", &served.process.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    under_way.write_all(format!("{body}{rest}").as_bytes()).unwrap();
    let (status, text) = answer(under_way);
    assert_eq!(status, 204, "{text}");
    assert!(served.process.wait().unwrap().success());
    assert_eq!(shop.events(), 1);
}
