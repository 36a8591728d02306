//! Which changes alter a shape, and which do not.

#![allow(dead_code, reason = "only the types' shapes are read")]
#![allow(clippy::items_after_statements, reason = "a type comes before its assertions")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::shape::facts;

/// Two versions of a type, `old` and `new`, each in its own module so that both can have the same name.
macro_rules! versions {
    ({ $($old:tt)* } { $($new:tt)* }) => {
        mod old {
            #[allow(unused_imports, reason = "not every version uses all imports")]
            use super::*;
            $($old)*
        }
        mod new {
            #[allow(unused_imports, reason = "not every version uses all imports")]
            use super::*;
            $($new)*
        }
    };
}

#[track_caller]
fn differ<Old: DeserializeOwned, New: DeserializeOwned>() {
    let (old, new) = (facts::<Old>(), facts::<New>());
    assert_ne!(old, new, "the change is not seen");
    assert_eq!(old, facts::<Old>(), "the same type has the same shape each time");
}

#[track_caller]
fn agree<Old: DeserializeOwned, New: DeserializeOwned>() {
    assert_eq!(facts::<Old>(), facts::<New>());
}

#[track_caller]
fn knows<T: DeserializeOwned>(wanted: &[&str]) {
    let facts = facts::<T>();
    for fact in wanted {
        assert!(facts.iter().any(|known| known == fact), "`{fact}` is not in {facts:#?}");
    }
}

#[test]
fn a_struct_is_its_fields_all_the_way_down() {
    #[derive(Deserialize)]
    struct Line {
        product: String,
        pieces: u32,
    }
    #[derive(Deserialize)]
    struct Order {
        lines: Vec<Line>,
        paid: Option<i64>,
        by_day: BTreeMap<u16, bool>,
        place: (f32, char),
    }
    let expected = [
        r#".: struct Order ["by_day", "lines", "paid", "place"]"#,
        ".by_day: map",
        ".by_day{key}: u16",
        ".by_day{value}: bool",
        ".lines: seq",
        r#".lines[]: struct Line ["pieces", "product"]"#,
        ".lines[].pieces: u32",
        ".lines[].product: text",
        ".paid: option",
        ".paid?: i64",
        ".place: tuple of 2",
        ".place.0: f32",
        ".place.1: char",
    ];
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(facts::<Order>(), expected);
}

#[test]
fn a_field_renamed() {
    versions!({ #[derive(Deserialize)] pub struct S { pub a: u8 } } { #[derive(Deserialize)] pub struct S { pub b: u8 } });
    differ::<old::S, new::S>();
}

#[test]
fn a_field_added_even_with_a_default() {
    versions!({ #[derive(Deserialize)] pub struct S { pub a: u8 } } {
        #[derive(Deserialize)]
        pub struct S { pub a: u8, #[serde(default)] pub b: u8 }
    });
    differ::<old::S, new::S>();
}

#[test]
fn a_field_retyped() {
    versions!({ #[derive(Deserialize)] pub struct S { pub a: u32 } } { #[derive(Deserialize)] pub struct S { pub a: i32 } });
    differ::<old::S, new::S>();
}

#[test]
fn a_field_made_optional() {
    versions!({ #[derive(Deserialize)] pub struct S { pub a: u8 } } { #[derive(Deserialize)] pub struct S { pub a: Option<u8> } });
    differ::<old::S, new::S>();
}

#[test]
fn fields_and_variants_that_change_places_are_the_same_shape() {
    versions!({
        #[derive(Deserialize)] pub struct S { pub a: u8, pub e: E }
        #[derive(Deserialize)] pub enum E { One(u8), Two { b: i8, c: bool } }
    } {
        #[derive(Deserialize)] pub struct S { pub e: E, pub a: u8 }
        #[derive(Deserialize)] pub enum E { Two { c: bool, b: i8 }, One(u8) }
    });
    agree::<old::S, new::S>();
}

#[test]
fn tuples_have_an_order() {
    differ::<(u8, i8), (i8, u8)>();
    differ::<(u8, u8), (u8, u8, u8)>();
}

#[test]
fn a_change_far_inside() {
    versions!({
        #[derive(Deserialize)] pub struct S { pub a: Vec<Option<BTreeMap<String, T>>> }
        #[derive(Deserialize)] pub struct T(pub U);
        #[derive(Deserialize)] pub struct U { pub x: u8 }
    } {
        #[derive(Deserialize)] pub struct S { pub a: Vec<Option<BTreeMap<String, T>>> }
        #[derive(Deserialize)] pub struct T(pub U);
        #[derive(Deserialize)] pub struct U { pub x: u16 }
    });
    differ::<old::S, new::S>();
}

#[test]
fn every_variant_is_seen_whatever_lies_beside_and_inside() {
    #[derive(Deserialize)]
    enum Inner {
        A,
        B(i8),
        C { deep: Deep },
    }
    #[derive(Deserialize)]
    enum Deep {
        D(u8, u16),
        E,
        F,
    }
    #[derive(Deserialize)]
    enum Outer {
        None,
        One(Inner),
        Two(Inner, u64),
    }
    #[derive(Deserialize)]
    struct S {
        outer: Outer,
        other: Deep,
    }
    knows::<S>(&[
        ".outer::None: unit variant",
        ".outer::One::A: unit variant",
        ".outer::One::B: i8",
        ".outer::One::C.deep::D.1: u16",
        ".outer::One::C.deep::F: unit variant",
        ".outer::Two.0::C.deep::D.0: u8",
        ".outer::Two.0::C.deep::E: unit variant",
        ".outer::Two.1: u64",
        ".other::D.0: u8",
        ".other::F: unit variant",
    ]);
}

#[test]
fn a_variant_added_renamed_or_changed() {
    versions!({ #[derive(Deserialize)] pub enum E { A, B(u8) } } { #[derive(Deserialize)] pub enum E { A, B(u8), C } });
    differ::<old::E, new::E>();
    mod changed {
        use super::Deserialize;
        #[derive(Deserialize)]
        pub enum E {
            A,
            B(u16),
        }
    }
    differ::<old::E, changed::E>();
}

#[test]
fn a_name_that_serde_is_told_counts() {
    versions!({ #[derive(Deserialize)] pub struct S { #[serde(rename = "x")] pub a: u8 } } {
        #[derive(Deserialize)] #[serde(rename_all = "UPPERCASE")] pub struct S { pub a: u8 }
    });
    differ::<old::S, new::S>();
    knows::<old::S>(&[r#".: struct S ["x"]"#, ".x: u8"]);
    knows::<new::S>(&[".A: u8"]);
}

#[test]
fn an_alias_does_not_hide_what_follows_it() {
    #[derive(Deserialize)]
    struct S {
        #[serde(alias = "c", alias = "d")]
        a: u8,
        b: u16,
        #[serde(alias = "f")]
        e: bool,
    }
    knows::<S>(&[".b: u16", ".e: bool"]);
}

#[test]
fn a_default_or_skipped_field() {
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct S {
        a: u8,
        #[serde(skip)]
        b: u16,
        #[serde(default)]
        c: bool,
    }
    assert_eq!(facts::<S>(), [r#".: struct S ["a", "c"]"#, ".a: u8", ".c: bool"]);
}

#[test]
fn a_flattened_struct() {
    versions!({
        #[derive(Deserialize)] pub struct S { pub a: u8, #[serde(flatten)] pub t: T }
        #[derive(Deserialize)] pub struct T { pub x: u32, pub y: String }
    } {
        #[derive(Deserialize)] pub struct S { pub a: u8, #[serde(flatten)] pub t: T }
        #[derive(Deserialize)] pub struct T { pub x: i64, pub y: String }
    });
    differ::<old::S, new::S>();
    knows::<old::S>(&[".a: u8", ".x: wants u32", ".y: wants a string"]);
    mod renamed {
        use super::Deserialize;
        #[derive(Deserialize)]
        pub struct S {
            pub a: u8,
            #[serde(flatten)]
            pub t: T,
        }
        #[derive(Deserialize)]
        pub struct T {
            pub x: u32,
            pub z: String,
        }
    }
    differ::<old::S, renamed::S>();
}

#[test]
fn an_enum_with_a_tag_inside() {
    versions!({
        #[derive(Deserialize)] pub struct S { pub before: u8, pub e: E, pub behind: u16 }
        #[derive(Deserialize)] #[serde(tag = "kind")] pub enum E { A { x: u8 }, B { x: String, y: bool }, C }
    } {
        #[derive(Deserialize)] pub struct S { pub before: u8, pub e: E, pub behind: u16 }
        #[derive(Deserialize)] #[serde(tag = "kind")] pub enum E { A { x: u8 }, B { x: String, y: i8 }, C }
    });
    differ::<old::S, new::S>();
    knows::<old::S>(&[
        ".before: u8",
        ".behind: u16",
        r#".e.kind: tag ["A", "B", "C"]"#,
        ".e::A.x: wants u8",
        ".e::B.x: wants a string",
        ".e::B.y: wants a boolean",
    ]);
}

#[test]
fn an_enum_with_a_tag_beside() {
    versions!({ #[derive(Deserialize)] #[serde(tag = "t", content = "c")] pub enum E { A(u8), B { y: bool }, C } } {
        #[derive(Deserialize)] #[serde(tag = "t", content = "c")] pub enum E { A(u8), B { y: i8 }, C }
    });
    differ::<old::E, new::E>();
    knows::<old::E>(&["::A.c: u8", "::B.c.y: bool", "::C.c: takes Null"]);
    #[derive(Deserialize)]
    struct Pair {
        a: E,
        b: E,
    }
    #[derive(Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum E {
        More(Box<E>, Option<Vec<E>>),
        Leaf { x: Vec<u8>, y: String, z: bool },
        Last(u8),
    }
    knows::<Pair>(&[".a::More.c.1: option", ".a::Leaf.c.x[]: u8", ".b::Leaf.c.z: bool", ".b::Last.c: u8"]);
}

#[test]
fn an_untagged_enum_hides_its_inside_and_nothing_else() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum E {
        Number(u64),
        Text(String),
    }
    #[derive(Deserialize)]
    struct S {
        e: E,
        behind: u16,
    }
    knows::<S>(&[".e: takes Number", ".e: takes Text", ".behind: u16"]);
}

#[test]
fn types_that_contain_themselves_come_to_an_end() {
    #[derive(Deserialize)]
    struct Node {
        value: u8,
        next: Option<Box<Node>>,
        all: Vec<Node>,
        by_name: BTreeMap<String, Node>,
        tree: Tree,
    }
    #[derive(Deserialize)]
    enum Tree {
        Fork(Box<Tree>, Box<Tree>),
        Leaf { weight: i16, back: Option<Box<Node>> },
    }
    knows::<Node>(&[".value: u8", ".tree: enum Tree [\"Fork\", \"Leaf\"]", ".tree::Leaf.weight: i16"]);
    versions!({ #[derive(Deserialize)] pub struct N { pub next: Option<Box<N>>, pub x: u8 } } {
        #[derive(Deserialize)] pub struct N { pub next: Option<Box<N>>, pub x: u16 }
    });
    differ::<old::N, new::N>();
}

/// A text that must contain an `@`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Email(String);

impl TryFrom<String> for Email {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.contains('@') { Ok(Self(text)) } else { Err(format!("`{text}` is not an address")) }
    }
}

#[test]
fn what_refuses_minimal_values_does_not_hide_its_neighbours() {
    #[derive(Deserialize)]
    struct S {
        first: Email,
        many: Vec<Email>,
        second: Email,
        maybe: Option<Email>,
        contact: Contact,
        behind: T,
    }
    #[derive(Deserialize)]
    enum Contact {
        Mail(Email),
        Phone(u64),
    }
    #[derive(Deserialize)]
    struct T {
        email: Email,
        x: u8,
    }
    knows::<S>(&[
        ".first: text",
        ".many[]: text",
        ".second: text",
        ".maybe?: text",
        ".contact::Mail: text",
        ".contact::Phone: u64",
        ".behind.email: text",
        ".behind.x: u8",
    ]);
}

#[test]
fn lists_options_and_maps_of_what_refuses_stay_empty() {
    type Three = (Vec<Email>, Option<Email>, BTreeMap<String, Email>, u8);
    knows::<Three>(&[".0[]: text", ".1?: text", ".2{value}: text", ".3: u8"]);
}

#[test]
fn a_variant_that_cannot_be_finished_does_not_keep_the_others_away() {
    #[derive(Deserialize)]
    enum Many {
        A,
        B,
        C,
        D,
        E,
        F,
        G,
        H,
    }
    #[derive(Deserialize)]
    enum E {
        // Not all of `Many` is seen before the option stays empty.
        Stuck(Option<(Many, Email)>),
        Free(u16),
    }
    knows::<E>(&["::Stuck?.0::A: unit variant", "::Free: u16"]);
}

#[test]
fn usual_texts_and_numbers_are_found() {
    #[derive(Deserialize)]
    struct S {
        ids: (Uuid, u8),
        at: (crate::time::Timestamp, u16),
        some: (std::num::NonZeroU32, bool),
        day: (crate::time::Date, u32),
    }
    knows::<S>(&[".ids.1: u8", ".at.1: u16", ".some.1: bool", ".day.1: u32"]);
}

#[test]
fn a_deserialize_that_panics_is_known_as_far_as_it_asked() {
    #[derive(Deserialize)]
    struct S {
        a: u8,
        #[serde(deserialize_with = "explode")]
        b: u8,
    }
    fn explode<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u8, D::Error> {
        panic!("it exploded")
    }
    knows::<S>(&[".a: u8"]);
}

#[test]
fn a_type_with_many_parts_takes_few_passes() {
    #[derive(Deserialize)]
    enum E {
        A(Option<u8>),
        B(Vec<String>),
        C { x: (u8, u8) },
        D,
    }
    #[derive(Deserialize)]
    struct Wide {
        a: [E; 8],
        b: [(E, E); 8],
    }
    let facts = facts::<[(Wide, Wide); 2]>();
    assert!(facts.iter().any(|fact| fact == ".1.1.b.7.1::C.x.1: u8"), "{facts:#?}");
}

#[test]
fn a_newtype_in_itself_ends() {
    #[derive(Deserialize)]
    struct Nest(Vec<Nest>);
    #[derive(Deserialize)]
    struct Tree(Option<Box<(Tree, u8)>>);
    knows::<Nest>(&[".: newtype Nest", ".: seq"]);
    knows::<Tree>(&[".: newtype Tree", ".: option"]);
    mod older {
        #[derive(super::Deserialize)]
        pub struct Id(u32);
    }
    #[derive(Deserialize)]
    struct Id(older::Id);
    knows::<Id>(&[".: newtype Id", ".: u32"]);
}
