//! Cases at random: mostly what real configurations and plugins look like, and some of everything else.

mod cache;
mod conf;
mod directory;
mod json;
mod operation;
mod result;
mod runtime;
mod script;

use proptest::prelude::*;
use proptest::sample::select;

use super::case::{Blob, Case, Form, Op, Source, Step};

pub use directory::directories;
pub use operation::operations;

/// One of these texts.
fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    select(texts).prop_map(str::to_owned).boxed()
}

/// Versions that no specification has: shortened, future and malformed ones.
pub const ODD_VERSIONS: [&str; 26] = [
    "0.1",
    "1",
    "0.6.0",
    "0.2.3",
    "1.1.1",
    "1.2.0",
    "2.0.0",
    "01.1.0",
    "1.01.0",
    "+1.0.0",
    "0.10.0",
    "v1.0.0",
    "1.0.0.0",
    "1.a.0",
    " 1.0.0",
    "1..0",
    ".",
    "1.0.",
    "99999999999999999999.0",
    "1.-1.0",
    "\u{661}.0.0",
    "1_0.0.0",
    "0x1.0.0",
    "-1.0.0",
    "1.0.0 ",
    "1.0.0\n",
];

/// Identifiers at the border of what is allowed, on both sides of it.
pub const CONTAINER_IDS: [&str; 14] =
    ["", "b-c1", "c1-eth0", "c.1_x", "-c", "_c", ".", "c/1", "../c", "\u{e9}", "c 1", "c\n", "C1", "c\u{0}1"];
pub const INTERFACE_NAMES: [&str; 18] = [
    "",
    ".",
    "..",
    "...",
    "a/b",
    "a:b",
    "a b",
    "sixteen-letters0",
    "fifteen-letter0",
    "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    "e\u{a0}0",
    "e\u{2003}",
    "x-eth0",
    "e\t",
    "e\u{85}",
    "\u{200b}",
    "e\u{0}",
];
pub const NETWORK_NAMES: [&str; 13] =
    ["a-b", "a", "net.work", "_x", "-x", "", "a/b", "..", ".", "\u{e9}", "a b", "net\n", "9"];

/// Versions as they are written: known ones, and others.
fn version() -> BoxedStrategy<String> {
    prop_oneof![
        12 => known_version(),
        1 => Just(String::new()),
        2 => one_of(&ODD_VERSIONS),
    ]
    .boxed()
}

fn known_version() -> BoxedStrategy<String> {
    prop_oneof![
        4 => Just("1.1.0".to_owned()),
        3 => Just("1.0.0".to_owned()),
        3 => Just("0.4.0".to_owned()),
        3 => one_of(&["0.1.0", "0.2.0", "0.3.0", "0.3.1"]),
    ]
    .boxed()
}

/// A case of one step about nothing but a text.
fn alone(op: Op, form: Form, bytes: impl Into<Blob>) -> Case {
    let source = Source { form, bytes: bytes.into(), ..Source::default() };
    Case { steps: vec![Step { op, source, ..Step::default() }], ..Case::default() }
}

/// Lists, single configurations, what is injected into them.
pub fn configurations() -> BoxedStrategy<Case> {
    let form = prop_oneof![4 => Just(Form::List), 3 => Just(Form::Single), 2 => Just(Form::Wrapped)];
    let load = form.prop_flat_map(|form| {
        let text = match form {
            Form::List => conf::any_list().boxed(),
            _ => conf::any_plugin().boxed(),
        };
        json::damaged(text).prop_map(move |bytes| alone(Op::Load, form, bytes))
    });
    let inject = (json::damaged(conf::any_plugin()), json::arguments(true)).prop_map(|(bytes, values)| {
        // Into nothing: the original panics, or says that the type is missing, which it is.
        let nothing = bytes.0.trim_ascii() == b"null";
        let bytes = if nothing { Blob::from("{}") } else { bytes };
        let mut case = alone(Op::Inject, Form::Single, bytes);
        case.steps[0].values = values;
        case
    });
    prop_oneof![5 => load, 1 => inject].boxed()
}

/// Results of every version to every version.
pub fn results() -> BoxedStrategy<Case> {
    const KNOWN: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
    let versions = prop_oneof![12 => one_of(&KNOWN), 1 => version()].boxed();
    (versions.clone().prop_flat_map(result::any), versions)
        .prop_flat_map(|(text, to)| {
            json::damaged(Just(text)).prop_map(move |bytes| {
                let mut case = alone(Op::Convert, Form::List, bytes);
                case.steps[0].version.clone_from(&to);
                case
            })
        })
        .boxed()
}
