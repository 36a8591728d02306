//! Many orders at once: what the read models say must be what can be summed up from the input by itself.
//!
//! `NORTHWIND_DIR` names a folder with the tables of the Northwind sample shop as CSV (`customers.csv`, `products.csv`,
//! `orders.csv`, `order-details.csv`). Without it the same is verified on the shop's own sample file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cqrs_runtime::{Meta, Uuid};
use serde_json::{Value, json};

use crate::support::{Shop, sample};

/// What there is to know about a customer's orders.
#[derive(Debug, Default, PartialEq)]
struct Account {
    orders: usize,
    lines: i64,
    totals: i64,
    shipped: usize,
    open: usize,
}

/// An order, as far as the sums go.
#[derive(Default)]
struct Known {
    customer: String,
    subtotal: i64,
    status: &'static str,
}

type Accounts = BTreeMap<String, Account>;

#[test]
fn read_models_agree_with_sums_over_the_input() {
    let (commands, expected) = if let Ok(folder) = std::env::var("NORTHWIND_DIR") {
        northwind(Path::new(&folder))
    } else {
        println!("NORTHWIND_DIR is not set: the shop's own sample is verified instead");
        let text = fs::read_to_string(sample()).unwrap();
        let expected = sums_of_commands(&text);
        (text, expected)
    };
    let orders: usize = expected.values().map(|account| account.orders).sum();
    println!("{} customers, {orders} orders, {} commands", expected.len(), commands.lines().count());
    assert!(orders >= 300);

    let shop = Shop::new();
    let file = shop.db().with_file_name("commands.ndjson");
    fs::write(&file, commands).unwrap();
    println!("{}", shop.succeeds(&["load", file.to_str().unwrap()]));
    shop.succeeds(&["check"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = runtime.block_on(async {
        let app = shop::open(&shop::Places { write: shop::Place::Sqlite(shop.db()), read: None, details: None })
            .await
            .unwrap();
        let mut read = Accounts::new();
        for customer in expected.keys() {
            read.insert(customer.clone(), account(&app, customer).await);
        }
        read
    });
    assert_eq!(read, expected);
}

/// A customer's account, by the shop's queries, a page at a time.
async fn account(app: &cqrs_runtime::App, customer: &str) -> Account {
    let mut account = Account::default();
    loop {
        let page = json!({ "customer": customer, "limit": 7, "offset": account.orders }).to_string();
        let page = app.queries().ask_json("OrderHistory", &page, Meta::new()).await.unwrap();
        let page = page.as_array().unwrap();
        if page.is_empty() {
            return account;
        }
        for summary in page {
            let detail = json!({ "order": summary["order"] }).to_string();
            let detail = app.queries().ask_json("OrderDetails", &detail, Meta::new()).await.unwrap();
            assert_eq!((&detail["total"], &detail["status"]), (&summary["total"], &summary["status"]));
            account.orders += 1;
            account.lines += detail["subtotal"].as_i64().unwrap();
            account.totals += summary["total"].as_i64().unwrap();
            account.count(summary["status"].as_str().unwrap());
        }
    }
}

impl Account {
    fn count(&mut self, status: &str) {
        match status {
            "Shipped" => self.shipped += 1,
            "Pending" | "Confirmed" => self.open += 1,
            _ => {}
        }
    }
}

/// The shop's prices, once more and by themselves: 8 % tax on the lines, and 4.90 for orders below 50.00.
fn total(subtotal: i64) -> i64 {
    let tax = (subtotal * 8 + 50) / 100;
    subtotal + tax + if subtotal < 50_00 { 4_90 } else { 0 }
}

fn sums(customers: impl IntoIterator<Item = String>, orders: impl IntoIterator<Item = Known>) -> Accounts {
    let mut accounts: Accounts = customers.into_iter().map(|customer| (customer, Account::default())).collect();
    for Known { customer, subtotal, status } in orders {
        let account = accounts.get_mut(&customer).unwrap();
        account.orders += 1;
        account.lines += subtotal;
        account.totals += total(subtotal);
        account.count(status);
    }
    accounts
}

/// What a file of accepted commands comes to.
fn sums_of_commands(text: &str) -> Accounts {
    let mut customers = Vec::new();
    let mut orders: BTreeMap<String, Known> = BTreeMap::new();
    let string = |value: &Value| value.as_str().unwrap().to_owned();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let data = &line["data"];
        let mut set = |status| orders.get_mut(data["order"].as_str().unwrap()).unwrap().status = status;
        match line["command"].as_str().unwrap() {
            "RegisterCustomer" => customers.push(string(&data["customer"])),
            "RenameCustomer" => {}
            "CreateOrder" => {
                let lines = data["lines"].as_array().unwrap().iter();
                let amounts = lines.map(|l| l["quantity"].as_i64().unwrap() * l["unit_price"].as_i64().unwrap());
                let known = Known { customer: string(&data["customer"]), subtotal: amounts.sum(), status: "Pending" };
                orders.insert(string(&data["order"]), known);
            }
            "ConfirmOrder" => set("Confirmed"),
            "ShipOrder" => set("Shipped"),
            "CancelOrder" => set("Cancelled"),
            other => panic!("unknown command {other}"),
        }
    }
    sums(customers, orders.into_values())
}

/// Northwind as commands, and what its tables come to. A line's price is its unit price less its discount, rounded to the
/// nearest cent; an order that has a date of shipment was shipped, all others are confirmed and open.
fn northwind(folder: &Path) -> (String, Accounts) {
    let customers = table(folder, "customers.csv");
    let orders = table(folder, "orders.csv");
    let products: BTreeMap<_, _> =
        table(folder, "products.csv").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let mut lines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut subtotals: BTreeMap<String, i64> = BTreeMap::new();
    for row in table(folder, "order-details.csv") {
        let [order, product, price, quantity, discount] = &row[..] else { panic!("a line of {} fields", row.len()) };
        let quantity: i64 = quantity.parse().unwrap();
        let price = (hundredths(price) * (100 - hundredths(discount)) + 50) / 100;
        lines.entry(order.clone()).or_default().push(json!({
            "product": product, "product_name": products[product], "quantity": quantity, "unit_price": price,
        }));
        *subtotals.entry(order.clone()).or_default() += quantity * price;
    }

    let mut commands = String::new();
    let mut command = |name: &str, data: Value| {
        commands += &json!({ "command": name, "data": data }).to_string();
        commands.push('\n');
    };
    for row in &customers {
        command("RegisterCustomer", json!({ "customer": uuid(&row[0]), "name": row[1] }));
    }
    let known = orders.iter().map(|row| {
        let (number, customer, shipped) = (&row[0], uuid(&row[1]), row[5] != "NULL");
        let order = uuid(number);
        command("CreateOrder", json!({ "order": order, "customer": customer, "lines": lines[number] }));
        command("ConfirmOrder", json!({ "order": order }));
        if shipped {
            command("ShipOrder", json!({ "order": order, "tracking_number": format!("NW-{number}") }));
        }
        Known { customer, subtotal: subtotals[number], status: if shipped { "Shipped" } else { "Confirmed" } }
    });
    let known: Vec<_> = known.collect();
    (commands, sums(customers.iter().map(|row| uuid(&row[0])), known))
}

/// The rows below the heading. The fields that matter come before the first that may hold a comma.
fn table(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

/// `0.15` as 15, `14.00` as 1400.
fn hundredths(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<2}").parse().unwrap()
}

/// An id made of a short text: the text's own bytes.
fn uuid(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Uuid::from_bytes(bytes).to_string()
}
