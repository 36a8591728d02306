//! Who is who.

use cqrs_runtime::prelude::*;
use schemars::JsonSchema;

use crate::contracts::{CustomerId, CustomerRegistered, CustomerRenamed};

/// A customer's name, to look up by id and to find an id by.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct CustomerCard {
    /// Who.
    #[key]
    pub customer: CustomerId,
    /// The present name.
    #[index]
    pub name: String,
}

#[projection(on = [CustomerRegistered, CustomerRenamed])]
impl CustomerCard {
    fn registered(event: &CustomerRegistered) -> Self {
        Self { customer: event.customer, name: event.name.clone() }
    }

    fn renamed(&mut self, event: &CustomerRenamed) {
        self.name.clone_from(&event.name);
    }
}

/// Which customers have this name? There may be several.
#[derive(Query, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(returns = Vec<CustomerCard>, http = "GET /customers")]
pub struct CustomersNamed {
    /// The whole name.
    pub name: String,
}

#[query]
async fn customers_named(q: CustomersNamed, cards: Views<CustomerCard>) -> Result<Vec<CustomerCard>, QueryError> {
    cards.find(CustomerCard::NAME.eq(q.name)).all().await
}
