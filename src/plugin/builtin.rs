//! The plugins that come with the library.

use std::sync::Arc;

use super::{Loopback, Plugin};
use crate::types::shape::{self, Shape, Value};

/// A plugin that comes with the library and can live in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Builtin {
    /// [`Loopback`].
    Loopback,
}

impl Builtin {
    const ALL: [Builtin; 1] = [Builtin::Loopback];

    /// The plugin's type, which is its name in the option `builtins`.
    pub const fn name(self) -> &'static str {
        match self {
            Builtin::Loopback => "loopback",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Builtin> {
        Builtin::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// The plugin itself.
    pub fn plugin(self) -> Arc<dyn Plugin> {
        match self {
            Builtin::Loopback => Arc::new(Loopback),
        }
    }
}

impl Shape for Builtin {
    fn read(value: Value<'_>) -> shape::Result<Builtin> {
        let name = String::read(value)?;
        Builtin::from_name(&name).ok_or_else(|| {
            let known: Vec<_> = Builtin::ALL.iter().map(|builtin| builtin.name()).collect();
            let (name, known) = (crate::text::quote(&name), known.join(", "));
            serde::de::Error::custom(format_args!("no plugin {name} comes with the library: it has {known}"))
        })
    }
}
