//! Rules over several entities at once: the problems that dynamic consistency boundaries are for.
//!
//! A rule that concerns one entity is easy to keep. These concern several, or things that do not exist yet, and are often
//! kept by a second mechanism: a saga that undoes, a table of reserved names, a counter with a lock. Here each is a decision
//! whose parameters name what it is decided on, and that is all. (They follow the examples of <https://dcb.events>.)
//!
//! | module | the rule | decided on |
//! | --- | --- | --- |
//! | [`enrolment`] | a course has so many places, and a student takes ten courses at most | the course and the student |
//! | [`username`] | no two accounts have one name | the account and the name |
//! | [`invoice`] | the numbers of a series have no gap | the invoice and its series |
//! | [`price`] | who put something into the cart pays what was shown, for a while | every product in the cart |

pub mod enrolment;
pub mod invoice;
pub mod price;
pub mod username;
