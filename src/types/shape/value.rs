//! A value of JSON for the code that reads it, by way of one type.
//!
//! serde makes its code anew for every type, with the parser inlined: ten kilobytes for each object of options. Here the
//! readers and the parser meet behind `dyn`, and the parser is there once. It is serde_json's, and so are the texts of
//! errors.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde_json::Error;
use serde_json::value::RawValue;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Gives the value of a text to `read`. The error begins with the place of what is wrong.
pub(super) fn of_text(text: &str, read: &mut Read<'_>) -> Result<(), String> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let failed = Failed::default();
    let seed = Seed { read, place: &Place::Root, failed: &failed };
    seed.deserialize(&mut parser)
        .map_err(|error| format!("{}{error}", failed.0.take().unwrap_or_default()))?;
    parser.end().map_err(|error| error.to_string())
}

/// A value that is still to be read.
pub(crate) struct Value<'v>(&'v mut dyn Parse);

/// What reads a value, and knows where to put it.
pub(crate) type Read<'r> = dyn FnMut(Value<'_>) -> Result<()> + 'r;

/// What a reader asks for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// Whatever is there.
    Any,
    Bool,
    Unsigned,
    Text,
    /// One word of those that there are.
    Word,
    Array,
    Object,
    /// Null, or [`Found::Value`].
    Option,
    /// Whatever is there, as it is written.
    Raw,
    /// Whatever is there, for nobody: [`Found::Null`].
    Nothing,
}

/// What is there.
pub(crate) enum Found<'f> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'f str),
    Value(Value<'f>),
    Array(&'f mut dyn Elements),
    Object(&'f mut dyn Members),
    Raw(Box<RawValue>),
}

impl Found<'_> {
    /// As serde calls it in errors.
    pub(crate) fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Found::Null => Unexpected::Unit,
            Found::Bool(value) => Unexpected::Bool(*value),
            Found::Unsigned(number) => Unexpected::Unsigned(*number),
            Found::Signed(number) => Unexpected::Signed(*number),
            Found::Float(number) => Unexpected::Float(*number),
            Found::Text(text) => Unexpected::Str(text),
            Found::Value(_) | Found::Raw(_) => Unexpected::Option,
            Found::Array(_) => Unexpected::Seq,
            Found::Object(_) => Unexpected::Map,
        }
    }
}

pub(crate) trait Elements {
    /// Whether there was one more.
    fn next(&mut self, read: &mut Read<'_>) -> Result<bool>;
}

pub(crate) trait Members {
    /// Whether there was one more, whose key was given to `read`.
    fn key(&mut self, read: &mut dyn FnMut(&str) -> Result<()>) -> Result<bool>;

    /// The value of that key.
    fn value(&mut self, read: &mut Read<'_>) -> Result<()>;
}

trait Parse {
    fn parse(&mut self, wanted: Wanted, expected: &dyn Expected, give: &mut Give<'_>) -> Result<()>;
}

type Give<'g> = dyn FnMut(Found<'_>) -> Result<()> + 'g;

impl Value<'_> {
    /// Gives what is there to `give`, if it is what is wanted; else the error says what was expected.
    pub(crate) fn find(self, wanted: Wanted, expected: &str, give: &mut Give<'_>) -> Result<()> {
        self.0.parse(wanted, &expected, give)
    }
}

/// Where in a text a value is.
enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'p str),
    /// Of a member whose key could not be read.
    Unknown(&'p Place<'p>),
    Element(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parent, key) = match self {
            Place::Root => return Ok(()),
            Place::Element(parent, index) => return write!(f, "{parent}[{index}]"),
            Place::Member(parent, key) => (parent, *key),
            Place::Unknown(parent) => (parent, "?"),
        };
        let dot = if matches!(parent, Place::Root) { "" } else { "." };
        write!(f, "{parent}{dot}{key}")
    }
}

/// The place of the first failure, as errors begin with it.
#[derive(Default)]
struct Failed(RefCell<Option<String>>);

impl Failed {
    fn note(&self, place: &Place<'_>) {
        self.0.borrow_mut().get_or_insert_with(|| match place {
            Place::Root | Place::Unknown(Place::Root) => String::new(),
            place => format!("{place}: "),
        });
    }

    /// An error of serde_json's keeps its position from one type to the other: it is read back from the text.
    #[cold]
    fn at<E: serde::de::Error>(&self, place: &Place<'_>, error: impl fmt::Display) -> E {
        self.note(place);
        E::custom(error)
    }
}

/// The value that a deserializer of serde's has.
struct Parser<'p, 'de, D> {
    deserializer: Option<D>,
    place: &'p Place<'p>,
    failed: &'p Failed,
    text: PhantomData<&'de str>,
}

impl<'p, 'de, D: Deserializer<'de>> Parser<'p, 'de, D> {
    fn new(deserializer: D, place: &'p Place<'p>, failed: &'p Failed) -> Self {
        Parser { deserializer: Some(deserializer), place, failed, text: PhantomData }
    }
}

impl<'de, D: Deserializer<'de>> Parse for Parser<'_, 'de, D> {
    fn parse(&mut self, wanted: Wanted, expected: &dyn Expected, give: &mut Give<'_>) -> Result<()> {
        // A value is read once: it goes by value.
        let Some(deserializer) = self.deserializer.take() else { return Ok(()) };
        let finder = Finder { expected, give, place: self.place, failed: self.failed };
        let parsed = match wanted {
            Wanted::Any => deserializer.deserialize_any(finder),
            Wanted::Bool => deserializer.deserialize_bool(finder),
            Wanted::Unsigned => deserializer.deserialize_u64(finder),
            Wanted::Text => deserializer.deserialize_str(finder),
            Wanted::Word => deserializer.deserialize_enum("", &[], finder),
            Wanted::Array => deserializer.deserialize_seq(finder),
            Wanted::Object => deserializer.deserialize_map(finder),
            Wanted::Option => deserializer.deserialize_option(finder),
            Wanted::Raw => {
                Box::<RawValue>::deserialize(deserializer).and_then(|raw| finder.give(Found::Raw(raw)))
            }
            Wanted::Nothing => deserializer.deserialize_ignored_any(finder),
        };
        parsed.map_err(|error| self.failed.at(self.place, error))
    }
}

/// What serde calls with what it found.
struct Finder<'f, 'g> {
    expected: &'f dyn Expected,
    give: &'f mut Give<'g>,
    place: &'f Place<'f>,
    failed: &'f Failed,
}

impl Finder<'_, '_> {
    fn give<E: serde::de::Error>(self, found: Found<'_>) -> Result<(), E> {
        (self.give)(found).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for Finder<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expected.fmt(f)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.give(Found::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.give(Found::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.give(Found::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.give(Found::Unsigned(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.give(Found::Signed(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.give(Found::Float(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.give(Found::Text(text))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut parser = Parser::new(deserializer, self.place, self.failed);
        self.give(Found::Value(Value(&mut parser)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let mut array = Array { access, index: 0, place: self.place, failed: self.failed, text: PhantomData };
        self.give(Found::Array(&mut array))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let (key, place, failed) = (String::new(), self.place, self.failed);
        self.give(Found::Object(&mut Object { access, key, place, failed, text: PhantomData }))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let mut give = |word: &str| (self.give)(Found::Text(word));
        let word = Text { expected: "variant identifier", give: &mut give };
        access.variant_seed(word).and_then(|((), variant)| variant.unit_variant())
    }
}

/// A value that is passed on to who reads it.
struct Seed<'s, 'r> {
    read: &'s mut Read<'r>,
    place: &'s Place<'s>,
    failed: &'s Failed,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Seed { read, place, failed } = self;
        let mut parser = Parser::new(deserializer, place, failed);
        read(Value(&mut parser)).map_err(|error| failed.at(place, error))
    }
}

/// A key, or a word of an enumeration.
struct Text<'t> {
    expected: &'static str,
    give: &'t mut dyn FnMut(&str) -> Result<()>,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        (self.give)(text).map_err(E::custom)
    }
}

struct Array<'p, 'de, A> {
    access: A,
    index: usize,
    place: &'p Place<'p>,
    failed: &'p Failed,
    text: PhantomData<&'de str>,
}

impl<'de, A: SeqAccess<'de>> Elements for Array<'_, 'de, A> {
    fn next(&mut self, read: &mut Read<'_>) -> Result<bool> {
        let place = Place::Element(self.place, self.index);
        self.index += 1;
        let next = self.access.next_element_seed(Seed { read, place: &place, failed: self.failed });
        next.map(|next| next.is_some()).map_err(|error| self.failed.at(self.place, error))
    }
}

struct Object<'p, 'de, A> {
    access: A,
    /// Of the last member.
    key: String,
    place: &'p Place<'p>,
    failed: &'p Failed,
    text: PhantomData<&'de str>,
}

impl<'de, A: MapAccess<'de>> Members for Object<'_, 'de, A> {
    fn key(&mut self, read: &mut dyn FnMut(&str) -> Result<()>) -> Result<bool> {
        let Object { access, key, place, failed, .. } = self;
        let mut give = |text: &str| {
            text.clone_into(key);
            Ok(())
        };
        let next = access.next_key_seed(Text { expected: "a key", give: &mut give });
        if next.map_err(|error| failed.at(&Place::Unknown(place), error))?.is_none() {
            return Ok(false);
        }
        read(key).inspect_err(|_| failed.note(&Place::Member(place, key)))?;
        Ok(true)
    }

    fn value(&mut self, read: &mut Read<'_>) -> Result<()> {
        let place = Place::Member(self.place, &self.key);
        let seed = Seed { read, place: &place, failed: self.failed };
        self.access.next_value_seed(seed).map_err(|error| self.failed.at(self.place, error))
    }
}
