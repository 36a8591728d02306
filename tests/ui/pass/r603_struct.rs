//! CQRS603: functions, or a block of them: what to write instead.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship) -> Result<Shipped, Refused> {
    Ok(Shipped { order: cmd.order })
}

pub struct Answers;

#[policy(on = [Created])]
impl Answers {
    fn created(_: &Created) {}
}
