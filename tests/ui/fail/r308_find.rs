//! CQRS308: views are found by an index
//!
//! The fault: `eq`

include!("../shop.rs");

pub fn find(summaries: Views<Summary>, customer: CustomerId) {
    let _ = (customer, summaries.find(Summary::TOTAL.eq(7)));
}

fn main() {}
