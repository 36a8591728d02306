//! CQRS308: views are sorted by an index
//!
//! The fault: `desc`

include!("../shop.rs");

pub fn find(summaries: Views<Summary>, customer: CustomerId) {
    let _ = summaries.find(Summary::CUSTOMER.eq(customer)).order_by(Summary::TOTAL.desc());
}

fn main() {}
