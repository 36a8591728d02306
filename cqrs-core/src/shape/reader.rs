//! A deserializer without data that gives minimal values.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::shape::fault::Fault;
use crate::shape::known::{Kind, Known, NUMBERS, TEXTS};

/// The value at a path.
pub(super) struct At<'a> {
    known: &'a mut Known,
    path: String,
    /// Its role in the map around it.
    role: Role,
}

/// The role of a value in the map around it.
#[derive(Clone, PartialEq, Eq)]
enum Role {
    Plain,
    /// The key of the map at this path.
    KeyOf(String),
    /// The value of a key that an error has named, in the map at this path.
    Named(String),
    /// One of the two fields of the struct with this path and name. It may be the tag of an enum of that name, next to its
    /// content.
    OneOfTwo(String, String),
}

impl<'a> At<'a> {
    pub(super) fn root(known: &'a mut Known) -> Self {
        Self { known, path: String::new(), role: Role::Plain }
    }

    /// Reads a value.
    pub(super) fn read<'de, T: Deserialize<'de>>(self) -> Result<T, Fault> {
        self.seed(std::marker::PhantomData)
    }

    /// Reads a value, and learns from the result.
    fn seed<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let Self { known, path, role } = self;
        match seed.deserialize(At { known: &mut *known, path: path.clone(), role }) {
            Ok(value) => {
                known.accept(&path);
                Ok(value)
            }
            Err(fault) => Err(known.reject(&path, fault)),
        }
    }

    fn plain(known: &'a mut Known, path: String) -> Self {
        Self { known, path, role: Role::Plain }
    }

    fn fact(&mut self, what: &str) -> Result<(), Fault> {
        self.known.fact(&self.path, what)
    }

    fn number(&mut self, kind: &str) -> Result<u8, Fault> {
        self.fact(kind)?;
        Ok(NUMBERS[self.known.leaf(&self.path, NUMBERS.len())])
    }

    fn text(&mut self, kind: &str) -> Result<&'static str, Fault> {
        self.fact(kind)?;
        Ok(TEXTS[self.known.leaf(&self.path, TEXTS.len())])
    }

    fn fields<'de, V: Visitor<'de>>(
        self,
        name: &str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Self { known, path, .. } = self;
        known.enter(name, fields)?;
        let given = known.in_order(&path, fields);
        let of_two = (fields.len() == 2).then_some(name);
        let left = given.into_iter();
        let mut map = Fields { known: &mut *known, path: &path, of_two, left, last: String::new() };
        let read = visitor.visit_map(&mut map);
        let last = map.last;
        known.leave();
        read.map_err(|fault| {
            let fault = if let Fault::Twice = fault { known.is_alias(&path, &last) } else { fault };
            known.stay(&path, fault)
        })
    }

    fn tuple<'de, V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Elements { known: self.known, path: &self.path, at: 0, len, is_tuple: true })
    }
}

/// The visitor's description of what it expects.
struct Expecting<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:literal)+) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.number($kind)?;
            visitor.$visit(number.into())
        }
    )+};
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i16 visit_i16 "i16"
        deserialize_i32 visit_i32 "i32"
        deserialize_i64 visit_i64 "i64"
        deserialize_i128 visit_i128 "i128"
        deserialize_u8 visit_u8 "u8"
        deserialize_u16 visit_u16 "u16"
        deserialize_u32 visit_u32 "u32"
        deserialize_u64 visit_u64 "u64"
        deserialize_u128 visit_u128 "u128"
        deserialize_f32 visit_f32 "f32"
        deserialize_f64 visit_f64 "f64"
    }

    fn deserialize_i8<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let number = self.number("i8")?;
        visitor.visit_i8(number.cast_signed())
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("bool")?;
        visitor.visit_bool(false)
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("char")?;
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text("text")?;
        visitor.visit_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("bytes")?;
        visitor.visit_bytes(&[])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("unit")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(mut self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.fact(&format!("unit struct {name}"))?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fact(&format!("newtype {name}"))?;
        let Self { known, path, role } = self;
        known.enter_newtype(name)?;
        let read = visitor.visit_newtype_struct(At { known: &mut *known, path, role });
        known.leave();
        read
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("option")?;
        let Self { known, path, .. } = self;
        if known.is_empty(&path) {
            return visitor.visit_none();
        }
        let inner = format!("{path}?");
        match visitor.visit_some(At::plain(&mut *known, inner.clone())) {
            Ok(value) => {
                known.accept(&inner);
                Ok(value)
            }
            Err(fault) => {
                let fault = known.reject(&inner, fault);
                Err(known.empty(&path, fault))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("seq")?;
        let Self { known, path, .. } = self;
        let len = usize::from(!known.is_empty(&path));
        let read = visitor.visit_seq(Elements { known: &mut *known, path: &path, at: 0, len, is_tuple: false });
        read.map_err(|fault| known.empty(&path, fault))
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.fact(&format!("tuple of {len}"))?;
        self.tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fact(&format!("struct {name} of {len}"))?;
        self.tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact("map")?;
        let Self { known, path, .. } = self;
        if known.has_named_keys(&path) {
            return visitor.visit_map(NamedKeys { known, path: &path, at: 0, value: String::new() });
        }
        let len = usize::from(!known.is_empty(&path));
        let read = visitor.visit_map(Entries { known: &mut *known, path: &path, len });
        read.map_err(|fault| known.empty(&path, fault))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fact(&format!("struct {name} {:?}", sorted(fields)))?;
        self.fields(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fact(&format!("enum {name} {:?}", sorted(variants)))?;
        let Self { known, path, role } = self;
        let of = match role {
            Role::OneOfTwo(of, of_name) if of_name == name => Some(of),
            _ => None,
        };
        if let Some(of) = &of {
            known.is_tag(&path, of);
        }
        known.enter(name, variants)?;
        let chosen = known.choose(&path, of.as_deref().unwrap_or(&path), variants);
        let read = chosen.and_then(|chosen| {
            let name = variants[chosen];
            let inner = format!("{path}::{name}");
            let variant = Variant { known: &mut *known, path: inner.clone(), name };
            visitor.visit_enum(variant).map_err(|fault| known.reject(&inner, fault))
        });
        known.leave();
        read.map_err(|fault| known.refuse_variant(&path, fault))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Self { known, path, role } = self;
        let of = match role {
            Role::KeyOf(map) => return Err(known.name_keys(&map)),
            Role::Named(map) => Some(map),
            Role::Plain | Role::OneOfTwo(..) => None,
        };
        if let Some((variants, prefix)) = known.tag_variants(&path) {
            known.fact(&path, &format!("tag {:?}", sorted(variants)))?;
            let chosen = known.choose(&path, &prefix, variants)?;
            return visitor.visit_str(variants[chosen]);
        }
        visitor.visit_str("").map_err(|fault| match fault {
            Fault::Variants(variants) => known.learn_tag(&path, of.as_deref(), variants),
            other => other,
        })
    }

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        self.fact(&format!("anything, {}", Expecting(&visitor)))?;
        let Self { known, path, role } = self;
        match known.kind(&path, matches!(role, Role::Named(_))) {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(false),
            Kind::Number => visitor.visit_u64(1),
            Kind::Text => visitor.visit_str(""),
            Kind::Seq => visitor.visit_seq(Elements { known, path: &path, at: 0, len: 0, is_tuple: false }),
            Kind::Map => {
                if !known.has_named_keys(&path) {
                    known.name_keys(&path);
                }
                visitor.visit_map(NamedKeys { known, path: &path, at: 0, value: String::new() })
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

fn sorted(names: &'static [&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

/// The fields of a struct.
struct Fields<'a> {
    known: &'a mut Known,
    path: &'a str,
    /// The struct's name, if it has exactly two fields.
    of_two: Option<&'a str>,
    left: std::vec::IntoIter<String>,
    /// The field that was given last.
    last: String,
}

impl<'de> MapAccess<'de> for &mut Fields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(field) = self.left.next() else { return Ok(None) };
        self.last = field;
        seed.deserialize(name(&self.last)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let path = self.known.field(self.path, &self.last);
        let role = self.of_two.map_or(Role::Plain, |name| Role::OneOfTwo(self.path.to_owned(), name.to_owned()));
        let read = At { known: &mut *self.known, path, role }.seed(seed);
        read.map_err(|fault| self.known.put_off(self.path, &self.last, fault))
    }
}

fn name(name: &str) -> StrDeserializer<'_, Fault> {
    name.into_deserializer()
}

/// The single entry of a map.
struct Entries<'a> {
    known: &'a mut Known,
    path: &'a str,
    len: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if self.len == 0 {
            return Ok(None);
        }
        self.len -= 1;
        let (path, role) = (format!("{}{{key}}", self.path), Role::KeyOf(self.path.to_owned()));
        At { known: &mut *self.known, path, role }.seed(seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        At::plain(&mut *self.known, format!("{}{{value}}", self.path)).seed(seed)
    }
}

/// The entries of a map whose keys errors have named.
struct NamedKeys<'a> {
    known: &'a mut Known,
    path: &'a str,
    at: usize,
    /// The path of the next value.
    value: String,
}

impl<'de> MapAccess<'de> for NamedKeys<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.known.named_key(self.path, self.at) else { return Ok(None) };
        self.at += 1;
        self.value = value;
        seed.deserialize(name(&key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (path, role) = (self.value.clone(), Role::Named(self.path.to_owned()));
        At { known: &mut *self.known, path, role }.seed(seed)
    }
}

/// The elements of a list or tuple.
struct Elements<'a> {
    known: &'a mut Known,
    path: &'a str,
    at: usize,
    len: usize,
    is_tuple: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.at == self.len {
            return Ok(None);
        }
        let path = if self.is_tuple { format!("{}.{}", self.path, self.at) } else { format!("{}[]", self.path) };
        self.at += 1;
        At::plain(&mut *self.known, path).seed(seed).map(Some)
    }
}

/// A variant of an enum.
struct Variant<'a> {
    known: &'a mut Known,
    path: String,
    name: &'static str,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = At<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, At<'a>), Fault> {
        Ok((seed.deserialize(name(self.name))?, At::plain(self.known, self.path)))
    }
}

impl<'de> VariantAccess<'de> for At<'_> {
    type Error = Fault;

    fn unit_variant(mut self) -> Result<(), Fault> {
        self.fact("unit variant")
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, Fault> {
        self.fact("newtype variant")?;
        self.seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.fact(&format!("variant of {len}"))?;
        self.tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.fact(&format!("variant {:?}", sorted(fields)))?;
        let name = self.path.clone();
        self.fields(&name, fields, visitor)
    }
}
