//! The tour: each command, its events, and what the read models show then.

use std::fmt::Debug;
use std::io::{self, Write};

use cqrs_runtime::log::EventQuery;
use cqrs_runtime::{Answered, App, CommandId, Handled, Meta, Position, Query};
use serde::Serialize;
use shop::Place;
use shop::contracts::{
    CancelOrder, ConfirmOrder, CreateOrder, CustomerId, Line, Money, OrderId, ProductId, RegisterCustomer,
    RenameCustomer, ShipOrder,
};
use shop::read::{OrderDetails, OrderHistory};

use super::Failure;
use super::databases::Databases;

/// Gives the tour. Every tour has new ids, so a database may have many.
pub async fn run(app: &App, databases: &Databases) -> Result<(), Failure> {
    let mut tour = Tour { app, out: io::stdout(), step: 0 };
    let head = app.log().head().await?;
    writeln!(tour.out, "The shop is open on {}. Its log holds {head} events.", databases.write())?;
    if let Some(views) = databases.read() {
        writeln!(tour.out, "Its views follow the log in {views}.")?;
    }

    let (customer, order, other) = (CustomerId::new(), OrderId::new(), OrderId::new());
    tour.step("A customer registers. A command emits events; the log stores them.")?;
    tour.execute(RegisterCustomer { customer, name: "Ada Byron".into() }).await?;

    tour.step("She orders. The decision is consistent over the order and the customer, its two parameters.")?;
    let lines = vec![line("beans-1000", "Coffee beans, 1 kg", 1, 27_95), line("cup-blue", "Espresso cup", 4, 6_90)];
    tour.execute(CreateOrder { order, customer, lines }).await?;
    let lines = vec![line("spoon", "Measuring spoon", 1, 4_15)];
    let at = tour.execute(CreateOrder { order: other, customer, lines }).await?;
    tour.history(customer, at).await?;

    tour.step("She changes her name. One event, and every summary of hers shows it.")?;
    let at = tour.execute(RenameCustomer { customer, name: "Ada Lovelace".into() }).await?;
    tour.history(customer, at).await?;

    tour.step("Shipping comes after confirming: refused, and nothing is stored.")?;
    tour.refused(ShipOrder { order, tracking_number: "PARCEL-0001".into() }).await?;

    tour.step("So the order is confirmed, and then shipped. The other one is cancelled.")?;
    tour.execute(ConfirmOrder { order }).await?;
    tour.execute(ShipOrder { order, tracking_number: "PARCEL-0001".into() }).await?;
    let at = tour.execute(CancelOrder { order: other, reason: "has a spoon".into() }).await?;
    tour.history(customer, at).await?;

    tour.step("A command may carry an id. Sent twice, it takes effect once.")?;
    let again = CreateOrder { order: OrderId::new(), customer, lines: vec![line("scale", "Scale, 0.1 g", 1, 24_50)] };
    tour.execute_twice(again).await?;

    tour.step("All about one order: another view, folded from the same events. Amounts are cents.")?;
    tour.ask(OrderDetails { order }, at).await?;

    if *databases.write() == Place::Memory {
        return Ok(writeln!(
            tour.out,
            "\nThe shop was in memory and is gone. Without `--write memory:` it is stored."
        )?);
    }
    let options = databases.options();
    writeln!(
        tour.out,
        "
Try next, each after `cargo run -p shop --{options}`:
  load examples/shop/data/sample.ndjson        a few hundred orders more
  ask CustomersNamed '{{\"name\": \"Ada Lovelace\"}}'
  ask OrderHistory '{{\"customer\": \"{customer}\", \"limit\": 10}}'
  events --after {head}                             the log, an event a line
  describe                                     who handles what
  check                                        do the views agree with the log?
  status                                       the progress of each projection"
    )?;
    Ok(())
}

struct Tour<'a> {
    app: &'a App,
    out: io::Stdout,
    step: u32,
}

impl Tour<'_> {
    fn step(&mut self, text: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {text}", self.step)
    }

    /// Sends a command, shows its events, and returns the log's new position.
    async fn execute<C: Handled<H> + Serialize, H: 'static>(&mut self, command: C) -> Result<Position, Failure> {
        self.show_command(&command)?;
        let receipt = self.app.commands().execute(command).await?;
        self.show_events(receipt.position(), receipt.events()).await?;
        Ok(receipt.position())
    }

    async fn execute_twice<C: Handled<H> + Serialize + Clone, H: 'static>(
        &mut self,
        command: C,
    ) -> Result<(), Failure> {
        let bus = self.app.commands().with_meta(Meta::new().command_id(CommandId::random()));
        for _ in 0..2 {
            self.show_command(&command)?;
            let receipt = bus.execute(command.clone()).await?;
            if receipt.is_repeated() {
                writeln!(self.out, "     already executed: the original receipt, position {}", receipt.position())?;
            } else {
                self.show_events(receipt.position(), receipt.events()).await?;
            }
        }
        Ok(())
    }

    async fn refused<C: Handled<H> + Serialize, H: 'static>(&mut self, command: C) -> Result<(), Failure>
    where
        C::Returns: Debug,
    {
        self.show_command(&command)?;
        match self.app.commands().execute(command).await {
            Ok(receipt) => Err(format!("that should have been refused: {receipt:?}").into()),
            Err(error) => Ok(writeln!(self.out, "     refused: {error}")?),
        }
    }

    fn show_command<C: cqrs_runtime::Command + Serialize>(&mut self, command: &C) -> Result<(), Failure> {
        Ok(writeln!(self.out, "   > {} {}", C::NAME, serde_json::to_string(command)?)?)
    }

    async fn show_events(&mut self, up_to: Position, count: u32) -> Result<(), Failure> {
        let after = Position::new(up_to.get() - u64::from(count));
        for event in self.app.log().read(&EventQuery::all(), after, count as usize).await?.events {
            writeln!(self.out, "     {} {} {}", event.position(), event.name(), event.data())?;
        }
        Ok(())
    }

    /// Queries a customer's orders at a position, and prints them as a table.
    async fn history(&mut self, customer: CustomerId, at: Position) -> Result<(), Failure> {
        let query = OrderHistory { customer, limit: 10, offset: 0 };
        self.show_query(&query)?;
        for order in self.app.queries().after(at).ask(query).await? {
            let (items, total, status) = (order.item_count, order.total, order.status);
            writeln!(
                self.out,
                "     {}  {:<14}items {items:>2} {total:>9}  {status}",
                order.order, order.customer_name
            )?;
        }
        Ok(())
    }

    /// Asks any query, and shows the answer as JSON.
    async fn ask<Q: Answered<H, Returns: Serialize> + Serialize, H: 'static>(
        &mut self,
        query: Q,
        at: Position,
    ) -> Result<(), Failure> {
        self.show_query(&query)?;
        let answer = self.app.queries().after(at).ask(query).await?;
        let json = serde_json::to_string_pretty(&answer)?;
        Ok(writeln!(self.out, "     {}", json.replace('\n', "\n     "))?)
    }

    fn show_query<Q: Query + Serialize>(&mut self, query: &Q) -> Result<(), Failure> {
        Ok(writeln!(self.out, "   ? {} {}", Q::NAME, serde_json::to_string(query)?)?)
    }
}

fn line(product: &str, product_name: &str, quantity: u32, cents: i64) -> Line {
    let unit_price = Money::from_cents(cents);
    Line { product: ProductId::new(product), product_name: product_name.into(), quantity, unit_price }
}
