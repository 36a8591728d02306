//! Which changes affect a projection's fingerprint, and which do not. Each module holds one variant of one domain.

use cqrs_runtime::App;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct CaseId(Uuid);
#[derive(Id)]
pub struct AgentId(Uuid);

/// The events of all variants.
mod facts {
    use super::*;

    #[derive(Event, Serialize, Deserialize)]
    pub struct CaseOpened {
        #[tag]
        pub case: CaseId,
        #[tag]
        pub agent: AgentId,
        pub parent: CaseId,
    }

    #[derive(Event, Serialize, Deserialize)]
    pub struct CaseClosed {
        #[tag]
        pub case: CaseId,
        pub parent: CaseId,
    }

    #[derive(Event, Serialize, Deserialize)]
    pub struct AgentRenamed {
        #[tag]
        pub agent: AgentId,
        pub substitute: AgentId,
        pub name: String,
    }

    /// What listens to all of them.
    #[derive(View, Serialize, Deserialize)]
    pub struct Listener {
        #[key]
        agent: AgentId,
    }

    #[projection(on = [CaseOpened, CaseClosed, AgentRenamed])]
    impl Listener {
        fn opened(_: Option<Self>, e: &CaseOpened) -> Self {
            Self { agent: e.agent }
        }
        #[key(AgentId::from(e.parent.0))]
        fn closed(_: Option<Self>, e: &CaseClosed) -> Self {
            Self { agent: AgentId::from(e.parent.0) }
        }
        fn renamed(_: Option<Self>, e: &AgentRenamed) -> Self {
            Self { agent: e.agent }
        }
    }
}
use facts::*;

mod raised {
    use super::*;

    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(name = "CaseClosed", version = 2, from = super::CaseClosed)]
    pub struct CaseClosed {
        #[tag]
        pub case: CaseId,
        pub parent: CaseId,
        pub reason: String,
    }

    impl From<super::CaseClosed> for CaseClosed {
        fn from(old: super::CaseClosed) -> Self {
            Self { case: old.case, parent: old.parent, reason: String::new() }
        }
    }
}

#[derive(Serialize, Deserialize, Default)]
pub struct Note {
    pub text: String,
}

/// A variant of the domain: what is defined in it, its view's fields, its projection's options and methods.
macro_rules! variant {
    ($module:ident: { $($fields:tt)* } ($($options:tt)*) { $($methods:tt)* } $($items:item)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $($items)*

            #[derive(View, Serialize, Deserialize)]
            #[cqrs(name = "Case")]
            pub struct Case { $($fields)* }

            #[projection(name = "Case", $($options)*)]
            impl Case { $($methods)* }

            /// The fingerprint of a program that has this variant.
            pub async fn fingerprint() -> u64 {
                let app = App::builder().log(MemoryLog::new()).only_modules([module_path!(), FACTS]).build().await.unwrap();
                app.shape_of::<Case>().unwrap().fingerprint
            }
        }
    };
}

const FACTS: &str = concat!(module_path!(), "::facts");

// ---- the first, and one whose rows are the same ----------------------------------------------------------------------

variant!(first: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) { self.note.text.push_str("closed"); }
});

variant!(unrelated_edits: {
    /// A comment.
    #[key] pub case: CaseId,
    #[index] pub(crate) agent: AgentId,
    pub note: Note,
} (revision = 1, on = [CaseClosed, CaseOpened]) {
    /// Methods and parameters have other names and another order; so do the events.
    #[key(closed . parent)]
    fn end(&mut self, closed: &Recorded<CaseClosed>) { self.note.text += "closed"; }
    fn begin(opened: &CaseOpened) -> Self {
        let note = Note::default();
        Self { note, case: opened.case, agent: opened.agent }
    }
}
    impl std::fmt::Debug for Case {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("a case") }
    }
);

// ---- those whose rows may differ ----------------------------------------------------------------------------------------

variant!(field: { #[key] case: CaseId, #[index] agent: AgentId, note: Note, more: u8 } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default(), more: 0 }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
});

variant!(index: { #[key] case: CaseId, agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
});

variant!(nested: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
}
    #[derive(Serialize, Deserialize, Default)]
    pub struct Note { text: String, urgent: bool }
);

variant!(nested_deeper: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
}
    pub type Text = Vec<u8>;
    #[derive(Serialize, Deserialize, Default)]
    pub struct Note { text: Text }
);

variant!(serde_option: {
    #[key] case: CaseId, #[index] agent: AgentId, #[serde(rename = "remark")] note: Note
} (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
});

variant!(written_otherwise: {
    #[key] case: CaseId, #[index] agent: AgentId, #[serde(with = "as_it_is")] note: Note
} (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
}
    mod as_it_is {
        use super::*;
        pub fn serialize<S: serde::Serializer>(note: &Note, to: S) -> Result<S::Ok, S::Error> {
            note.serialize(to)
        }
        pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Note, D::Error> {
            Note::deserialize(from)
        }
    }
);

variant!(event: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed, AgentRenamed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
    #[by(agent)]
    fn renamed(&mut self, e: &AgentRenamed) {}
});

variant!(by: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed, AgentRenamed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) {}
    #[by(agent = e.substitute)]
    fn renamed(&mut self, e: &AgentRenamed) {}
});

variant!(event_less: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
});

variant!(version: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, raised::CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &raised::CaseClosed) {}
});

variant!(key: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.case)]
    fn closed(&mut self, e: &CaseClosed) {}
});

variant!(keys: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[keys([e.parent])]
    fn closed(&mut self, e: &CaseClosed) {}
});

variant!(form: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(self, e: &CaseClosed) -> Option<Self> { None }
});

variant!(revision: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (revision = 2, on = [CaseOpened, CaseClosed]) {
    fn opened(e: &CaseOpened) -> Self {
        Self { case: e.case, agent: e.agent, note: Note::default() }
    }
    #[key(e.parent)]
    fn closed(&mut self, e: &CaseClosed) { self.note.text.push_str("over"); }
});

/// Looks another view up, which is made by what `$options` and `$method` say.
macro_rules! looks_up {
    ($module:ident: ($($options:tt)*) $e:ident $by:tt { $method:item }) => {
        variant!($module: { #[key] case: CaseId, #[index] agent: AgentId, note: Note } (on = [CaseOpened, CaseClosed]) {
            fn opened($e: &CaseOpened, #[id $by] card: Option<&Card>) -> Self {
                let text = card.map(|card| card.name.clone()).unwrap_or_default();
                Self { case: $e.case, agent: $e.agent, note: Note { text } }
            }
            #[key(e.parent)]
            fn closed(&mut self, e: &CaseClosed) {}
        }
            #[derive(View, Serialize, Deserialize)]
            #[cqrs(name = "Card")]
            pub struct Card { #[key] agent: AgentId, pub name: String }

            #[projection($($options)*)]
            impl Card { $method }

            /// That of the view that is looked up.
            #[allow(dead_code)]
            pub async fn card() -> u64 {
                let app = App::builder().log(MemoryLog::new()).only_modules([module_path!(), FACTS]).build().await.unwrap();
                app.shape_of::<Card>().unwrap().fingerprint
            }
        );
    };
}

looks_up!(look_up: (on = [AgentRenamed]) e (e.agent) {
    fn renamed(_: Option<Self>, e: &AgentRenamed) -> Self { Self { agent: e.agent, name: e.name.clone() } }
});
looks_up!(look_up_of_another: (on = [AgentRenamed]) e (AgentId::from(e.parent.0)) {
    fn renamed(_: Option<Self>, e: &AgentRenamed) -> Self { Self { agent: e.agent, name: e.name.clone() } }
});
looks_up!(look_up_of_a_revision: (on = [AgentRenamed], revision = 2) e (e.agent) {
    fn renamed(_: Option<Self>, e: &AgentRenamed) -> Self { Self { agent: e.agent, name: e.name.to_lowercase() } }
});
looks_up!(look_up_by_another_key: (on = [AgentRenamed]) e (e.agent) {
    #[key(e.substitute)]
    fn renamed(_: Option<Self>, e: &AgentRenamed) -> Self { Self { agent: e.substitute, name: e.name.clone() } }
});

#[tokio::test]
async fn what_changes_no_row_changes_no_fingerprint() {
    let known = first::fingerprint().await;
    assert_eq!(known, first::fingerprint().await, "each app has the same");
    assert_eq!(known, unrelated_edits::fingerprint().await);
    // As every build has it, on every machine. Where this must change, every stored view is rebuilt: say so in the changelog.
    assert_eq!(format!("{known:016x}"), "371592f0a5e7eeb6");
}

#[tokio::test]
async fn what_may_change_a_row_changes_the_fingerprint() {
    let all = [
        ("the first", first::fingerprint().await),
        ("a field more", field::fingerprint().await),
        ("an index less", index::fingerprint().await),
        ("a field more in a type inside", nested::fingerprint().await),
        ("another type inside a type inside", nested_deeper::fingerprint().await),
        ("another name for serde", serde_option::fingerprint().await),
        ("another way to write the same", written_otherwise::fingerprint().await),
        ("an event more", event::fingerprint().await),
        ("the same, and another route by an index", by::fingerprint().await),
        ("an event less", event_less::fingerprint().await),
        ("an event of a later version", version::fingerprint().await),
        ("another key", key::fingerprint().await),
        ("several keys", keys::fingerprint().await),
        ("a method of another form", form::fingerprint().await),
        ("another revision", revision::fingerprint().await),
        ("a look-up", look_up::fingerprint().await),
        ("a look-up by another key", look_up_of_another::fingerprint().await),
        ("a look-up of what has another revision", look_up_of_a_revision::fingerprint().await),
        ("a look-up of what has another route", look_up_by_another_key::fingerprint().await),
    ];
    for (at, (what, fingerprint)) in all.iter().enumerate() {
        let same = all[..at].iter().find(|(_, known)| known == fingerprint);
        assert!(same.is_none(), "{what} is taken for {same:?}");
    }
}

#[tokio::test]
async fn projections_that_look_each_other_up_are_stored_as_one() {
    let [card, by_another_key] = [look_up::card().await, look_up_of_another::card().await];
    assert_ne!(card, by_another_key, "the view that is looked up goes with the one that looks it up");
    assert_ne!(card, look_up::fingerprint().await, "and each has its own");
}
