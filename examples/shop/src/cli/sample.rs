//! Sample orders, always the same ones.

use std::io::{self, Write};

use cqrs_runtime::{Command, Uuid};
use serde::Serialize;
use serde_json::json;
use shop::contracts::{
    CancelOrder, ConfirmOrder, CreateOrder, CustomerId, Line, Money, OrderId, ProductId, RegisterCustomer,
    RenameCustomer, ShipOrder,
};

/// The number of orders in the sample file.
pub const ORDERS: u32 = 300;

const FIRST: [&str; 12] = [
    "Ada",
    "Alan",
    "Barbara",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "John",
    "Katherine",
    "Margaret",
    "Niklaus",
    "Tony",
];
const LAST: [&str; 8] = ["Abbott", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad"];
const PRODUCTS: [(&str, &str, i64); 10] = [
    ("cup-white", "Espresso cup, white", 6_50),
    ("cup-blue", "Espresso cup, blue", 6_90),
    ("beans-250", "Coffee beans, 250 g", 8_49),
    ("beans-1000", "Coffee beans, 1 kg", 27_95),
    ("tea-green", "Green tea, 100 g", 9_20),
    ("filter-100", "Paper filters, 100", 3_99),
    ("kettle", "Kettle with a long spout", 64_00),
    ("grinder", "Hand grinder", 89_90),
    ("scale", "Scale, 0.1 g", 24_50),
    ("spoon", "Measuring spoon", 4_15),
];

/// Writes the commands for `orders` orders and what happens with them. The shop accepts all of them.
pub fn write(out: &mut impl Write, orders: u32) -> io::Result<()> {
    let mut chance = Chance(0x5EED);
    let mut lines = Lines { out: io::BufWriter::new(out), number: 0 };
    let mut customers = Vec::new();
    for number in 0..orders {
        // Every sixth order has a new customer.
        if number % 6 == 0 {
            let customer = CustomerId::from(chance.uuid());
            let name = format!("{} {}", chance.pick(&FIRST), chance.pick(&LAST));
            customers.push((customer, name.clone()));
            lines.write(&RegisterCustomer { customer, name })?;
        }
        let place = chance.below(customers.len());
        let (customer, name) = &mut customers[place];
        let (customer, order) = (*customer, OrderId::from(chance.uuid()));
        let items = (0..=chance.below(4)).map(|_| {
            let (product, name, cents) = *chance.pick(&PRODUCTS);
            let quantity = *chance.pick(&[1, 2, 3]);
            let unit_price = Money::from_cents(cents);
            Line { product: ProductId::new(product), product_name: name.into(), quantity, unit_price }
        });
        lines.write(&CreateOrder { order, customer, lines: items.collect() })?;
        match chance.below(20) {
            0 | 1 => {}
            2 => lines.write(&CancelOrder { order, reason: "ordered by mistake".into() })?,
            end => {
                lines.write(&ConfirmOrder { order })?;
                match end {
                    3 | 4 => {}
                    5 => lines.write(&CancelOrder { order, reason: "out of stock".into() })?,
                    _ => lines.write(&ShipOrder { order, tracking_number: format!("PARCEL-{:05}", number + 1) })?,
                }
            }
        }
        if number % 40 == 39 {
            *name = format!("{name}-{}", chance.pick(&LAST));
            lines.write(&RenameCustomer { customer, name: name.clone() })?;
        }
    }
    lines.out.flush()
}

/// Numbers its lines, so that each command has an id.
struct Lines<W: Write> {
    out: W,
    number: u32,
}

impl<W: Write> Lines<W> {
    fn write<C: Command + Serialize>(&mut self, command: &C) -> io::Result<()> {
        self.number += 1;
        let line = json!({ "id": format!("sample-{:05}", self.number), "command": C::NAME, "data": command });
        writeln!(self.out, "{line}")
    }
}

/// A `SplitMix64`: random enough for a sample, and the same on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("the remainder is less than `end`")
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }
}
