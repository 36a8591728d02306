use super::*;

const CUP: Money = Money::from_cents(6_90);
const BEANS: Money = Money::from_cents(27_95);

/// Four cups and a bag of beans.
fn filled() -> ShoppingCart {
    let mut cart = ShoppingCart::new();
    cart.add("cup", CUP, 4).unwrap();
    cart.add("beans", BEANS, 1).unwrap();
    cart
}

/// The command is refused, and the cart is as it was.
#[track_caller]
fn refused(command: impl FnOnce(&mut ShoppingCart) -> Result<(), CartError>, why: &CartError) {
    let mut cart = filled();
    assert_eq!(command(&mut cart).as_ref(), Err(why));
    assert_eq!(cart, filled());
}

#[test]
fn what_is_added_is_there() {
    let cart = filled();
    let items: Vec<_> = cart.items().iter().map(|item| (item.product(), item.price(), item.quantity())).collect();
    assert_eq!(items, [("cup", CUP, 4), ("beans", BEANS, 1)]);
    assert_eq!(cart.item_count(), 5);
    assert_eq!(cart.total(), Money::from_cents(4 * 6_90 + 27_95));
    assert!(!cart.is_empty());
}

#[test]
fn more_of_the_same_is_one_item() {
    let mut cart = filled();
    cart.add("cup", CUP, 2).unwrap();
    assert_eq!(cart.items().len(), 2);
    assert_eq!(cart.items()[0].quantity(), 6);
    assert_eq!(cart.items()[0].total(), Money::from_cents(6 * 6_90));
}

#[test]
fn what_is_removed_is_gone() {
    let mut cart = filled();
    cart.remove("cup").unwrap();
    assert_eq!(cart.items().iter().map(Item::product).collect::<Vec<_>>(), ["beans"]);
}

#[test]
fn a_quantity_is_replaced() {
    let mut cart = filled();
    cart.change_quantity("cup", 2).unwrap();
    assert_eq!(cart.item_count(), 3);
}

#[test]
fn a_discount_is_off_the_whole_and_replaces_the_one_before() {
    let mut cart = filled();
    cart.apply_discount(50).unwrap();
    cart.apply_discount(10).unwrap();
    assert_eq!(cart.discount(), 10);
    // 90 % of 55.55 are 49.995.
    assert_eq!(cart.total(), Money::from_cents(49_99));
    cart.apply_discount(100).unwrap();
    assert_eq!(cart.total(), Money::default());
}

#[test]
fn a_cleared_cart_is_a_new_one() {
    let mut cart = filled();
    cart.apply_discount(10).unwrap();
    cart.clear();
    assert!(cart.is_empty());
    assert_eq!(cart, ShoppingCart::new());
}

#[test]
fn what_is_refused_changes_nothing() {
    let cup = || "cup".to_owned();
    refused(|cart| cart.add(" ", CUP, 1), &CartError::NoProduct);
    refused(|cart| cart.add("cup", CUP, 0), &CartError::NoQuantity(cup()));
    refused(|cart| cart.add("cup", CUP, 997), &CartError::TooMany { product: cup(), quantity: 1_001 });
    refused(|cart| cart.add("cup", CUP, u32::MAX), &CartError::TooMany { product: cup(), quantity: u32::MAX.into() });
    refused(|cart| cart.add("cup", BEANS, 1), &CartError::OtherPrice { product: cup(), price: CUP });
    let dear = HIGHEST_PRICE + Money::from_cents(1);
    refused(|cart| cart.add("cup", dear, 1), &CartError::PriceTooHigh { product: cup(), price: dear });
    refused(|cart| cart.remove("spoon"), &CartError::NotInCart("spoon".into()));
    refused(|cart| cart.change_quantity("spoon", 1), &CartError::NotInCart("spoon".into()));
    refused(|cart| cart.change_quantity("cup", 0), &CartError::NoQuantity(cup()));
    refused(|cart| cart.apply_discount(101), &CartError::DiscountTooHigh(101));
}

#[test]
fn the_fullest_cart_has_a_total() {
    let mut cart = ShoppingCart::new();
    for product in 0..MOST_PRODUCTS {
        cart.add(&product.to_string(), HIGHEST_PRICE, MOST_OF_ONE).unwrap();
    }
    assert_eq!(cart.add("one more", CUP, 1), Err(CartError::Full));
    assert_eq!(cart.total().to_string(), "1000000000000.00");
    assert_eq!(cart.item_count(), 1_000_000);
}

#[test]
fn money_is_shown_with_two_decimals() {
    assert_eq!([1299, 5, 0].map(|cents| Money::from_cents(cents).to_string()), ["12.99", "0.05", "0.00"]);
    assert_eq!(format!("{CUP:>8}|"), "    6.90|");
}
