//! Customers.

use cqrs_runtime::prelude::*;

use crate::contracts::{
    CustomerError, CustomerId, CustomerRegistered, CustomerRenamed, OrderCreated, RegisterCustomer, RenameCustomer,
};

/// What decisions about a customer need to know.
#[derive(Debug)]
pub struct Customer {
    name: String,
}

#[aggregate(id = CustomerId, on = [CustomerRegistered, CustomerRenamed], ignore = [OrderCreated])]
impl Customer {
    fn registered(event: &CustomerRegistered) -> Self {
        Self { name: event.name.clone() }
    }

    fn renamed(&mut self, event: &CustomerRenamed) {
        self.name.clone_from(&event.name);
    }
}

#[command]
fn register_customer(cmd: RegisterCustomer, _customer: Absent<Customer>) -> Result<CustomerRegistered, CustomerError> {
    let name = trimmed(&cmd.name)?;
    Ok(CustomerRegistered { customer: cmd.customer, name })
}

/// The name that a customer has already is no news: accepted, and no event.
#[command]
fn rename_customer(cmd: RenameCustomer, customer: &Customer) -> Result<Option<CustomerRenamed>, CustomerError> {
    let name = trimmed(&cmd.name)?;
    Ok((name != customer.name).then_some(CustomerRenamed { customer: cmd.customer, name }))
}

fn trimmed(name: &str) -> Result<String, CustomerError> {
    match name.trim() {
        "" => Err(CustomerError::NoName),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{given, nothing};

    use super::*;

    #[test]
    fn a_customer_is_registered_once() {
        let customer = CustomerId::new();
        let register = || RegisterCustomer { customer, name: " Ada ".into() };
        let registered = CustomerRegistered { customer, name: "Ada".into() };
        nothing().when(register()).then(registered.clone());
        given(registered).when(register()).already_exists();
    }

    #[test]
    fn a_rename_that_changes_nothing_states_nothing() {
        let customer = CustomerId::new();
        let registered = CustomerRegistered { customer, name: "Ada".into() };
        let rename = |name: &str| RenameCustomer { customer, name: name.into() };
        let renamed = |name: &str| CustomerRenamed { customer, name: name.into() };
        given(registered.clone()).when(rename("Ada L.")).then(renamed("Ada L."));
        given(registered.clone()).when(rename("Ada")).then_nothing();
        given((registered, renamed("Ada L."))).when(rename("Ada L.")).then_nothing();
        nothing().when(rename("Ada")).not_found();
    }

    #[test]
    fn a_customer_needs_a_name() {
        let customer = CustomerId::new();
        nothing().when(RegisterCustomer { customer, name: "\t".into() }).rejected(CustomerError::NoName);
    }
}
