//! The numbers of a series of invoices have no gap.
//!
//! A series (one a country, one a year) is an entity whose state is its last number. The boundary of [`IssueInvoice`] is the
//! invoice and its series, so the number and the invoice are one fact: a refused invoice uses no number up, as it would that
//! of a database's sequence, and no lock is held while it is decided. One series is one line to wait in; two are two.

use cqrs_runtime::prelude::*;

/// Names an invoice.
#[derive(Id)]
pub struct InvoiceId(Uuid);

/// Names a series of invoices, as the accountants do: `2026-FR`.
#[derive(Id)]
pub struct SeriesId(String);

/// An invoice's number in its series, from 1.
#[derive(Id)]
pub struct InvoiceNumber(u64);

/// An invoice is issued.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct InvoiceIssued {
    /// Which.
    #[tag]
    pub invoice: InvoiceId,
    /// In which series.
    #[tag]
    pub series: SeriesId,
    /// Its number there.
    pub number: InvoiceNumber,
    /// What is to be paid, in cents.
    pub cents: u64,
}

/// Issues an invoice, and returns its number.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = InvoiceError, returns = InvoiceNumber)]
pub struct IssueInvoice {
    /// The new invoice's id.
    pub invoice: InvoiceId,
    /// In which series. A new one begins with its first invoice.
    pub series: SeriesId,
    /// What is to be paid, in cents.
    pub cents: u64,
}

/// Why an invoice is not issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// Nothing to pay.
    #[error("an invoice over nothing is no invoice")]
    Nothing,
    /// The last number is taken.
    #[error("the series has used up its numbers")]
    UsedUp,
}

/// What decisions about a series need to know: its last number.
#[derive(Debug)]
pub struct Series {
    last: u64,
}

#[aggregate(id = SeriesId, on = [InvoiceIssued])]
impl Series {
    fn issued(_before: Option<Self>, event: &InvoiceIssued) -> Self {
        Self { last: event.number.into_inner() }
    }
}

/// An invoice is there, or it is not.
#[derive(Debug)]
pub struct Invoice;

#[aggregate(id = InvoiceId, on = [InvoiceIssued])]
impl Invoice {
    fn issued(_: &InvoiceIssued) -> Self {
        Self
    }
}

/// Consistent over the series: the next number is the next number until it is stored.
#[command]
fn issue(
    cmd: IssueInvoice,
    _invoice: Absent<Invoice>,
    series: Option<&Series>,
) -> Result<Decision<InvoiceIssued, InvoiceNumber>, InvoiceError> {
    if cmd.cents == 0 {
        return Err(InvoiceError::Nothing);
    }
    let last = series.map_or(0, |series| series.last);
    let number = InvoiceNumber::new(last.checked_add(1).ok_or(InvoiceError::UsedUp)?);
    let IssueInvoice { invoice, series, cents } = cmd;
    Ok(emit(InvoiceIssued { invoice, series, number, cents }).returning(number))
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{given, nothing};

    use super::*;

    fn issue(invoice: InvoiceId, series: &str) -> IssueInvoice {
        IssueInvoice { invoice, series: SeriesId::new(series), cents: 12_50 }
    }

    fn issued(invoice: InvoiceId, series: &str, number: u64) -> InvoiceIssued {
        InvoiceIssued { invoice, series: SeriesId::new(series), number: InvoiceNumber::new(number), cents: 12_50 }
    }

    #[test]
    fn each_series_counts_from_one() {
        let invoice = InvoiceId::new();
        let history = || given([issued(InvoiceId::new(), "FR", 1), issued(InvoiceId::new(), "FR", 2)]);
        nothing().when(issue(invoice, "FR")).then(issued(invoice, "FR", 1)).returned(InvoiceNumber::new(1_u64));
        history().when(issue(invoice, "FR")).then(issued(invoice, "FR", 3)).returned(InvoiceNumber::new(3_u64));
        history().when(issue(invoice, "BE")).then(issued(invoice, "BE", 1));
    }

    #[test]
    fn an_invoice_is_issued_once_whatever_the_series() {
        let invoice = InvoiceId::new();
        given(issued(invoice, "FR", 1)).when(issue(invoice, "FR")).already_exists();
        given(issued(invoice, "FR", 1)).when(issue(invoice, "BE")).already_exists();
    }

    #[test]
    fn an_invoice_over_nothing_is_refused() {
        let command = IssueInvoice { cents: 0, ..issue(InvoiceId::new(), "FR") };
        nothing().when(command).rejected(InvoiceError::Nothing);
    }

    #[test]
    fn a_series_ends_at_the_last_number() {
        let last = |number| given(issued(InvoiceId::new(), "FR", number));
        let invoice = InvoiceId::new();
        last(u64::MAX - 1).when(issue(invoice, "FR")).then(issued(invoice, "FR", u64::MAX));
        last(u64::MAX).when(issue(invoice, "FR")).rejected(InvoiceError::UsedUp);
    }
}
