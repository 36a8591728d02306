//! Linked items that lead nowhere are found by `verify!()`. They do not prevent a start.

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::verify::{Bless, Verify, linked};

mod nowhere {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    pub struct LampId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct SwitchedOn {
        #[tag]
        pub lamp: LampId,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct Blinked {
        #[tag]
        pub lamp: LampId,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct Broken {
        #[tag]
        pub lamp: LampId,
    }
    #[derive(View, Serialize, Deserialize)]
    pub struct Light {
        #[key]
        lamp: LampId,
    }
    #[projection(on = [SwitchedOn, Broken])]
    impl Light {
        fn on(_: Option<Self>, e: &SwitchedOn) -> Self {
            Self { lamp: e.lamp }
        }
        fn broken(self, _: &Broken) -> Option<Self> {
            None
        }
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Switch {
        pub lamp: LampId,
    }
    #[command]
    fn switch(cmd: Switch) -> Result<(SwitchedOn, Option<Blinked>), std::convert::Infallible> {
        Ok((SwitchedOn { lamp: cmd.lamp }, None))
    }
}

fn verify(folder: &tempfile::TempDir) -> Verify {
    linked(folder.path()).only([format!("{}::nowhere", module_path!())]).bless(Bless::Additions)
}

#[test]
fn each_thing_that_leads_nowhere_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = verify(&folder).check().unwrap_err().to_string();
    for part in [
        "[CQRS804] event `Blinked` is emitted, but no aggregate, projection or policy listens to it",
        "[CQRS804] event `Broken` has listeners, but no handler emits it",
        "[CQRS804] view `Light` is read by no query",
        "verify!(accept = [\"Broken\"])",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert_eq!((text.matches("[CQRS").count(), text.matches("it/findings.rs:").count()), (3, 3), "{text}");
}

#[test]
fn each_is_accepted_by_name_and_no_longer_than_it_is_there() {
    // Keeps CQRS804
    let folder = tempfile::tempdir().unwrap();
    let all = ["Blinked", "Broken", "Light"];
    verify(&folder).accept(all).check().unwrap();
    let by_the_builder = App::builder().accept(["Light"]);
    verify(&folder).builder(by_the_builder).accept(["Blinked", "Broken"]).check().unwrap();
    let text = verify(&folder).accept(all).accept(["SwitchedOn"]).check().unwrap_err().to_string();
    assert!(text.contains("[CQRS804] `SwitchedOn` is accepted without need: nothing is found about it"), "{text}");
    assert_eq!(text.matches("[CQRS").count(), 1, "{text}");
}

#[tokio::test]
async fn a_program_that_has_them_starts() {
    // Keeps CQRS804
    let module = format!("{}::nowhere", module_path!());
    App::builder().log(MemoryLog::new()).only_modules([module]).build().await.unwrap();
}
