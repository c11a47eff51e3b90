//! The JSON shapes in which callers without Rust types pass options and arguments.
//!
//! They are ours, so they are strict: an unknown key is an error that names it, with its place.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::Serializer;

use crate::error::{Error, Result, Status};

/// Reads one argument; `what` names it in errors.
pub(crate) fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    let invalid = |problem: &dyn std::fmt::Display| {
        Error::new(Status::InvalidArgument, format!("invalid {what}: {problem}"))
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| invalid(&error))?;
    deserializer.end().map_err(|error| invalid(&error))?;
    Ok(value)
}

/// Reads one argument that is an object: without this, serde takes an array of the members in their order, too.
pub(crate) fn read_object<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    read::<Object<T>>(what, text).map(|object| object.0)
}

/// A `T` that is written as an object, and not as an array of its members.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

/// For members whose null means the same as their absence.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Bytes as base64 text (standard alphabet, padded), or null.
pub(crate) mod base64_bytes {
    use super::{Deserialize, Deserializer, Serializer};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        STANDARD.decode(text).map(Some).map_err(|error| D::Error::custom(format_args!("not base64: {error}")))
    }

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            None => serializer.serialize_none(),
        }
    }
}

/// A list of strings or an object of strings or a word: see [`crate::context::EnvPolicy`].
impl<'de> Deserialize<'de> for crate::context::EnvPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use crate::context::EnvPolicy;

        struct Policy;
        impl<'de> serde::de::Visitor<'de> for Policy {
            type Value = EnvPolicy;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("\"inherit\", \"clean\", an array of names, or an object of variables")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<EnvPolicy, E> {
                match word {
                    "inherit" => Ok(EnvPolicy::Inherit),
                    "clean" => Ok(EnvPolicy::Clean),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<EnvPolicy, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element::<String>()? {
                    check_name(&name).map_err(A::Error::custom)?;
                    names.push(name);
                }
                Ok(EnvPolicy::Keep(names))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<EnvPolicy, A::Error> {
                let mut variables = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    check_name(&name).map_err(A::Error::custom)?;
                    if value.contains('\0') {
                        return Err(A::Error::custom(format_args!("the value of {name} has a NUL")));
                    }
                    variables.push((name, value));
                }
                Ok(EnvPolicy::Exactly(variables))
            }
        }
        deserializer.deserialize_any(Policy)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("{} is not the name of an environment variable", crate::text::quote(name)));
    }
    Ok(())
}
