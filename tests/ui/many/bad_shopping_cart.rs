//! A shopping cart with the classic mistakes: each is an error of its own, and all of them show at once.

use std::cell::RefCell;

use cqrs_runtime::cqs;

pub struct Item {
    pub name: String,
    pub cents: u64,
}

pub struct BadShoppingCart {
    items: Vec<Item>,
    asked: u32,
    log: RefCell<Vec<String>>,
}

#[cqs]
impl BadShoppingCart {
    /// Changes the cart, and answers.
    #[command]
    pub fn add_item(&mut self, item: Item) -> u64 {
        self.items.push(item);
        self.items.iter().map(|item| item.cents).sum()
    }

    /// The same, with what was removed.
    #[command]
    pub fn remove_last(&mut self) -> Option<Item> {
        self.items.pop()
    }

    /// Changes its neighbours.
    #[command]
    pub fn note(&self, line: String) {
        self.log.borrow_mut().push(line);
    }

    /// Counts the questions.
    #[query]
    pub fn total(&mut self) -> u64 {
        self.asked += 1;
        self.items.iter().map(|item| item.cents).sum()
    }

    /// Hands out the inside.
    #[query]
    pub fn item_mut(&mut self, at: usize) -> Option<&mut Item> {
        self.items.get_mut(at)
    }

    /// Answers nothing.
    #[query]
    pub fn print(&self) {
        self.items.iter().for_each(|item| println!("{}", item.name));
    }

    /// Does not say what it is.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Says both.
    #[command]
    #[query]
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

fn main() {}
