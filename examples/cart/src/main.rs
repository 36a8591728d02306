//! The cart on the screen: each command, and what the queries then say.

use std::io::{self, Write};

use cart::{CartError, Money, ShoppingCart};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    match tour(&mut out) {
        // With `cart | head` the reader closes the pipe early, which is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn tour(out: &mut impl Write) -> io::Result<()> {
    let cup = Money::from_cents(6_90);
    let mut cart = ShoppingCart::new();
    writeln!(out, "A cart. Its commands (>) change it and tell nothing; its queries (?) tell and change nothing.")?;
    show(out, &cart)?;

    step(out, 1, "Things go in. `add` does not return the new total: that is a question, and it has its own method.")?;
    let done = cart.add("Espresso cup", cup, 4);
    command(out, "add(\"Espresso cup\", 6.90, 4)", &done)?;
    let done = cart.add("Coffee beans, 1 kg", Money::from_cents(27_95), 1);
    command(out, "add(\"Coffee beans, 1 kg\", 27.95, 1)", &done)?;
    show(out, &cart)?;

    step(out, 2, "Asked again, the same question has the same answer.")?;
    show(out, &cart)?;

    step(out, 3, "A command may refuse. Then it says why, and the cart is as it was.")?;
    let done = cart.change_quantity("Espresso cup", 0);
    command(out, "change_quantity(\"Espresso cup\", 0)", &done)?;
    let done = cart.remove("Measuring spoon");
    command(out, "remove(\"Measuring spoon\")", &done)?;
    show(out, &cart)?;

    step(out, 4, "Two cups will do, and there is a discount of 10 %.")?;
    let done = cart.change_quantity("Espresso cup", 2);
    command(out, "change_quantity(\"Espresso cup\", 2)", &done)?;
    let done = cart.apply_discount(10);
    command(out, "apply_discount(10)", &done)?;
    show(out, &cart)?;

    step(out, 5, "No beans, and in the end nothing at all.")?;
    let done = cart.remove("Coffee beans, 1 kg");
    command(out, "remove(\"Coffee beans, 1 kg\")", &done)?;
    show(out, &cart)?;
    cart.clear();
    command(out, "clear()", &Ok(()))?;
    show(out, &cart)?;

    writeln!(
        out,
        "
Try next, in examples/cart/src/lib.rs:
  let `add` return the total            CQRS702: a command answers nothing
  let `total` take `&mut self`          CQRS704: a query changes nothing
  take a `#[query]` away                CQRS701: each public method is one or the other"
    )
}

fn step(out: &mut impl Write, number: u32, text: &str) -> io::Result<()> {
    writeln!(out, "\n{number}. {text}")
}

/// Shows a command, and whether it was done.
fn command(out: &mut impl Write, text: &str, done: &Result<(), CartError>) -> io::Result<()> {
    writeln!(out, "   > {text}")?;
    match done {
        Ok(()) => Ok(()),
        Err(why) => writeln!(out, "     refused: {why}"),
    }
}

/// Asks the cart everything.
fn show(out: &mut impl Write, cart: &ShoppingCart) -> io::Result<()> {
    writeln!(out, "   ? items()")?;
    for item in cart.items() {
        let (quantity, product, price, total) = (item.quantity(), item.product(), item.price(), item.total());
        writeln!(out, "     {quantity:>4} {product:<22} {price:>9} {total:>9}")?;
    }
    if cart.is_empty() {
        writeln!(out, "     none")?;
    }
    writeln!(out, "   ? item_count() {}, discount() {} %, total() {}", cart.item_count(), cart.discount(), cart.total())
}
