//! The guide: first steps, levels and their operation, what a query can ask, performance, tests of your own rules, and the terms of other systems.

#[doc = include_str!("first_steps.md")]
pub mod first_steps {}

#[doc = include_str!("levels.md")]
pub mod levels {}

#[doc = include_str!("queries.md")]
pub mod queries {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("how_fast.md")]
pub mod how_fast {}

#[doc = include_str!("your_own_rules.md")]
pub mod your_own_rules {}
