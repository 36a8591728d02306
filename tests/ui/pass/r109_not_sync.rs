//! CQRS109: an error crosses threads: what to write instead.

include!("../shop.rs");

#[derive(Debug)]
pub struct Local(std::sync::atomic::AtomicU8);

impl std::fmt::Display for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Local {}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Local)]
pub struct Open {}
