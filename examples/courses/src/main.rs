//! The rules on the screen: each command, its events, and where it is refused, why.

use std::fmt::Debug;
use std::io::{self, Write};

use courses::enrolment::{ChangeCapacity, CourseId, DefineCourse, RegisterStudent, StudentId, Subscribe};
use courses::invoice::{InvoiceId, IssueInvoice, SeriesId};
use courses::price::{CartLine, ChangePrice, OfferProduct, OrderId, PlaceOrder, ProductId};
use courses::username::{AccountId, ChangeUsername, RegisterAccount};
use cqrs_runtime::log::{EventQuery, MemoryLog};
use cqrs_runtime::{App, Command, Handled, Meta, Position, Timestamp};
use serde::Serialize;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().log(MemoryLog::new()).build().await?;
    let mut tour = Tour { app: &app, out: io::stdout(), names: Vec::new() };
    tour.enrolment().await?;
    tour.username().await?;
    tour.invoice().await?;
    tour.price().await
}

struct Tour<'a> {
    app: &'a App,
    out: io::Stdout,
    /// The text that is printed for an id.
    names: Vec<(String, &'static str)>,
}

impl Tour<'_> {
    async fn enrolment(&mut self) -> Result<(), Failure> {
        self.title("1. A course has so many places: decided on the course and the student, one event about both.")?;
        let course = CourseId::new();
        let (ada, grace) = (StudentId::new(), StudentId::new());
        self.names([(course.to_string(), "algebra"), (ada.to_string(), "ada"), (grace.to_string(), "grace")]);
        self.execute(DefineCourse { course, capacity: 1 }).await?;
        self.execute(RegisterStudent { student: ada }).await?;
        self.execute(RegisterStudent { student: grace }).await?;
        self.execute(Subscribe { student: ada, course }).await?;
        self.refused(Subscribe { student: grace, course }).await?;
        self.execute(ChangeCapacity { course, capacity: 2 }).await?;
        self.execute(Subscribe { student: grace, course }).await
    }

    async fn username(&mut self) -> Result<(), Failure> {
        self.title("2. No two accounts have one name: the name is an entity, loaded by its text.")?;
        let (first, second) = (AccountId::new(), AccountId::new());
        self.names([(first.to_string(), "first account"), (second.to_string(), "second account")]);
        let register = |account, username: &str| RegisterAccount { account, username: username.into() };
        self.execute(register(first, "Ada")).await?;
        self.refused(register(second, "ada ")).await?;
        self.execute(ChangeUsername { account: first, username: "Countess".into() }).await?;
        self.execute(register(second, "ada")).await
    }

    async fn invoice(&mut self) -> Result<(), Failure> {
        self.title("3. Invoice numbers have no gap: a refused invoice uses none up.")?;
        let (first, second) = (InvoiceId::new(), InvoiceId::new());
        self.names([(first.to_string(), "first invoice"), (second.to_string(), "second invoice")]);
        let issue = |invoice, cents| IssueInvoice { invoice, series: SeriesId::new("2026-FR"), cents };
        self.execute(issue(first, 12_50)).await?;
        self.refused(issue(second, 0)).await?;
        self.execute(issue(second, 99_00)).await
    }

    async fn price(&mut self) -> Result<(), Failure> {
        self.title(
            "4. The price changes while the cup is in the cart: the one that was shown is good for ten minutes.",
        )?;
        let (product, first, second) = (ProductId::new(), OrderId::new(), OrderId::new());
        self.names([
            (product.to_string(), "cup"),
            (first.to_string(), "first order"),
            (second.to_string(), "second order"),
        ]);
        let order = |order, cents| PlaceOrder { order, lines: vec![CartLine { product, cents }] };
        self.execute(OfferProduct { product, cents: 5_00 }).await?;
        self.execute(ChangePrice { product, cents: 6_00 }).await?;
        self.execute(order(first, 5_00)).await?;
        self.refused(order(second, 4_00)).await?;

        writeln!(self.out, "   An hour later:")?;
        let mut later = Meta::new();
        let hour = 60 * 60 * 1_000_000;
        later.at = Timestamp::from_micros(later.at.as_micros() + hour).ok_or("the calendar has ended")?;
        self.refused_of(later, order(second, 5_00)).await
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}")
    }

    fn names<const N: usize>(&mut self, names: [(String, &'static str); N]) {
        self.names.extend(names);
    }

    /// Writes a line, with names for ids.
    fn line(&mut self, text: &str) -> io::Result<()> {
        let text = self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
        writeln!(self.out, "{text}")
    }

    fn show<C: Command + Serialize>(&mut self, command: &C) -> Result<(), Failure> {
        Ok(self.line(&format!("   > {} {}", C::NAME, serde_json::to_string(command)?))?)
    }

    /// Sends a command, and shows its events.
    async fn execute<C: Handled<H> + Serialize, H: 'static>(&mut self, command: C) -> Result<(), Failure> {
        self.show(&command)?;
        let receipt = self.app.commands().execute(command).await?;
        let after = Position::new(receipt.position().get() - u64::from(receipt.events()));
        for event in self.app.log().read(&EventQuery::all(), after, receipt.events() as usize).await?.events {
            self.line(&format!("     {} {} {}", event.position(), event.name(), event.data()))?;
        }
        Ok(())
    }

    /// Sends a command that must be refused, and shows why it is.
    async fn refused<C: Handled<H> + Serialize, H: 'static>(&mut self, command: C) -> Result<(), Failure>
    where
        C::Returns: Debug,
    {
        self.refused_of(Meta::new(), command).await
    }

    /// The same, of a request made at another time.
    async fn refused_of<C: Handled<H> + Serialize, H: 'static>(&mut self, meta: Meta, command: C) -> Result<(), Failure>
    where
        C::Returns: Debug,
    {
        self.show(&command)?;
        match self.app.commands().with_meta(meta).execute(command).await {
            Ok(receipt) => Err(format!("that should have been refused: {receipt:?}").into()),
            Err(error) => Ok(self.line(&format!("     refused: {error}"))?),
        }
    }
}
