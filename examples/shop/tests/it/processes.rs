//! Two processes load into one file at once: both finish, and no command is lost or doubled.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::support::{Shop, sample};

fn load(shop: &Shop, file: &std::path::Path) -> Child {
    let mut load = Command::new(env!("CARGO_BIN_EXE_shop"));
    load.arg("--db").arg(shop.db()).arg("load").arg(file).stdout(Stdio::piped()).stderr(Stdio::piped());
    load.spawn().unwrap()
}

/// Waits for both, and returns how many commands each accepted and how many it found done.
fn finish(loads: [Child; 2]) -> [(usize, usize); 2] {
    loads.map(|load| {
        let output = load.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}{err}");
        let summary = out.lines().find(|line| line.starts_with("accepted")).unwrap().to_owned();
        let numbers: Vec<usize> =
            summary.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        assert_eq!(numbers[2], 0, "{summary}");
        (numbers[0], numbers[1])
    })
}

#[test]
fn different_commands_are_all_there() {
    let shop = Shop::new();
    let folder = tempfile::tempdir().unwrap();
    let files = ["a", "b"].map(|name| {
        let mut text = String::new();
        for number in 0..150_u32 {
            // Two digits distinguish the files, so that the ids differ.
            let file = u32::from(name.as_bytes()[0]);
            let customer = format!("00000000-0000-7000-8000-{file:04x}0000{number:04x}");
            let order = format!("00000000-0000-7000-9000-{file:04x}0000{number:04x}");
            let lines = json!([{ "product": "cup", "product_name": "Cup", "quantity": 1, "unit_price": 100 }]);
            let commands = [
                json!({ "command": "RegisterCustomer", "data": { "customer": customer, "name": name } }),
                json!({ "command": "CreateOrder", "data": { "order": order, "customer": customer, "lines": lines } }),
                json!({ "command": "ConfirmOrder", "data": { "order": order } }),
            ];
            for command in commands {
                text.push_str(&command.to_string());
                text.push('\n');
            }
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    let accepted = finish([load(&shop, &files[0]), load(&shop, &files[1])]);
    assert_eq!(accepted, [(450, 0), (450, 0)]);
    assert_eq!(shop.events(), 900);
    shop.succeeds(&["check"]);
}

#[test]
fn the_same_commands_take_effect_once() {
    let shop = Shop::new();
    let lines = std::fs::read_to_string(sample()).unwrap().lines().count();
    let [one, other] = finish([load(&shop, &sample()), load(&shop, &sample())]);
    assert_eq!(one.0 + one.1, lines);
    assert_eq!(other.0 + other.1, lines);
    assert_eq!(one.0 + other.0, lines, "each command was accepted by one of them, and known to the other");
    assert_eq!(shop.events(), lines);
    shop.succeeds(&["check"]);
}
