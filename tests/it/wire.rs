//! Bad input over the wire gives an error that names the fault and its location, and changes nothing.

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::AccountId;
use serde_json::json;

use crate::logs::{bank, banks};

#[tokio::test]
async fn a_command_and_a_query_by_name() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        let opening = json!({ "account": account, "owner": Uuid::nil() }).to_string();
        let receipt = app.commands().execute_json("OpenAccount", &opening, Meta::new()).await.unwrap();
        assert_eq!(receipt.returned(), &json!(account));
        let asked = json!({ "account": account }).to_string();
        let answer = app.queries().ask_json("BalanceOf", &asked, Meta::new()).await.unwrap();
        assert_eq!(answer, json!({ "account": account, "owner": Uuid::nil(), "balance": 0, "movements": 0 }));
    }
}

#[tokio::test]
async fn every_kind_of_bad_input_has_its_own_answer() {
    let builder = App::builder().log(cqrs_runtime::log::MemoryLog::new()).max_message_bytes(2_000);
    let app = bank(builder).await;
    let deep = format!("{}{}", "[".repeat(900), "]".repeat(900));
    let nil = Uuid::nil();
    let cases = [
        ("PayInn", "{}", "Unknown", "there is no command `PayInn`; did you mean `PayIn`?"),
        ("BalanceOf", "{}", "Unknown", "there is no command `BalanceOf`"),
        ("PayIn", "{", "Malformed", "`PayIn` cannot be read: EOF while parsing an object at line 1 column 1"),
        (
            "PayIn",
            &format!(r#"{{"account":"{nil}","amount":"much"}}"#),
            "Malformed",
            "amount: invalid type: string \"much\"",
        ),
        ("PayIn", r#"{"account":"7","amount":1}"#, "Malformed", "account: "),
        ("PayIn", &format!(r#"{{"account":"{nil}"}}"#), "Malformed", "missing field `amount`"),
        ("PayIn", &deep, "Malformed", "invalid type"),
        ("PayIn", &" ".repeat(2_001), "TooLarge", "2001 bytes"),
        ("PayIn", &format!(r#"{{"account":"{nil}","amount":1}}"#), "NotFound", "Account `00000000"),
    ];
    for (name, data, kind, message) in cases {
        let error = app.commands().execute_json(name, data, Meta::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(app.log().head().await.unwrap(), 0);
    let error = app.queries().ask_json("BalancesOf", "{}", Meta::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no query `BalancesOf`; did you mean `BalanceOf`?");
}

#[tokio::test]
async fn a_domain_error_keeps_its_name() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        let opening = json!({ "account": account, "owner": Uuid::nil() }).to_string();
        app.commands().execute_json("OpenAccount", &opening, Meta::new()).await.unwrap();
        let nothing = json!({ "account": account, "amount": 0 }).to_string();
        let error = app.commands().execute_json("PayIn", &nothing, Meta::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), ("Rejected", "NoAmount"));
        assert_eq!(error.to_string(), "an amount is more than nothing");
    }
}
