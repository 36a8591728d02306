//! The price of an order. Plain domain code that every write side of the shop shares.

use crate::contracts::{Line, Money, OrderError};

/// Tax, in percent of the lines' total.
const TAX_PERCENT: i64 = 8;
/// The price of shipping an order.
const SHIPPING: Money = Money::from_cents(490);
/// The total of lines from which shipping is free.
const FREE_SHIPPING_FROM: Money = Money::from_cents(5_000);
/// The highest total of the lines of an order.
const LIMIT: Money = Money::from_cents(100_000_000);

/// The charges of an order, in addition to its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charges {
    /// The tax on the lines, rounded to the nearest cent.
    pub tax: Money,
    /// The price of shipping.
    pub shipping: Money,
}

/// Checks the lines of a new order, and returns its charges.
pub fn charges(lines: &[Line]) -> Result<Charges, OrderError> {
    if lines.is_empty() {
        return Err(OrderError::NoLines);
    }
    let mut subtotal = 0;
    for Line { product, quantity, unit_price, .. } in lines {
        if *quantity == 0 {
            return Err(OrderError::NoQuantity(product.clone()));
        }
        if *unit_price < Money::ZERO {
            return Err(OrderError::NegativePrice { product: product.clone(), price: *unit_price });
        }
        subtotal += i128::from(unit_price.cents()) * i128::from(*quantity);
    }
    let subtotal = i64::try_from(subtotal)
        .map(Money::from_cents)
        .ok()
        .filter(|subtotal| *subtotal <= LIMIT)
        .ok_or(OrderError::TooLarge { limit: LIMIT })?;
    let tax = Money::from_cents((subtotal.cents() * TAX_PERCENT + 50) / 100);
    let shipping = if subtotal < FREE_SHIPPING_FROM { SHIPPING } else { Money::ZERO };
    Ok(Charges { tax, shipping })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::ProductId;

    fn line(quantity: u32, cents: i64) -> Line {
        let unit_price = Money::from_cents(cents);
        Line { product: ProductId::new("cup"), product_name: "Cup".into(), quantity, unit_price }
    }

    #[test]
    fn tax_is_rounded_to_the_nearest_cent() {
        let tax = |cents| charges(&[line(1, cents)]).map(|charges| charges.tax.cents());
        assert_eq!([tax(6), tax(7), tax(100)], [Ok(0), Ok(1), Ok(8)]);
    }

    #[test]
    fn shipping_is_free_from_fifty() {
        let shipping = |cents| charges(&[line(1, cents)]).map(|charges| charges.shipping);
        assert_eq!(shipping(4_999), Ok(SHIPPING));
        assert_eq!(shipping(5_000), Ok(Money::ZERO));
    }

    #[test]
    fn lines_that_make_no_sense_are_refused() {
        let cup = ProductId::new("cup");
        assert_eq!(charges(&[]), Err(OrderError::NoLines));
        assert_eq!(charges(&[line(0, 1)]), Err(OrderError::NoQuantity(cup.clone())));
        let price = Money::from_cents(-1);
        assert_eq!(charges(&[line(1, -1)]), Err(OrderError::NegativePrice { product: cup, price }));
    }

    #[test]
    fn no_number_overflows() {
        let refused = Err(OrderError::TooLarge { limit: LIMIT });
        assert_eq!(charges(&[line(1, LIMIT.cents() + 1)]), refused);
        assert_eq!(charges(&vec![line(u32::MAX, i64::MAX); 3]), refused);
    }
}
