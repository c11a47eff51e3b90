//! The differences on purpose behind which there is nothing left to compare: the call went another way.
//!
//! Each is recognised by what the case holds *and* by what both sides did, so that it cannot hide anything
//! else.

use super::case::{Blob, Case, Form, Op, Step};
use super::json::{Json, raw_members};
use super::play::{Failure, Played, Side};
use super::rules::Rule;
use super::world::Cache;

const CACHE_KIND: &str = "cniCacheV1";

/// A cache file that is an object, as the original decodes it: keys in any letter case, the last one counts.
struct Entry(Vec<(String, Json)>);

impl Entry {
    fn read(file: &Blob) -> Option<Entry> {
        let text = super::json::lossy(&file.0);
        Json::parse(text.as_bytes()).ok()?;
        let members = raw_members(&text).ok()?;
        let value = |text: &str| Json::parse(text.as_bytes()).unwrap_or(Json::Null);
        Some(Entry(members.iter().map(|member| (member.key.clone(), value(member.raw_value))).collect()))
    }

    fn all(&self, key: &str) -> impl DoubleEndedIterator<Item = &Json> {
        self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }

    fn has(&self, key: &str) -> bool {
        self.all(key).next().is_some()
    }

    fn str(&self, key: &str) -> &str {
        let texts = self.all(key).rev().filter_map(|value| match value {
            Json::String(text) => Some(text.as_str()),
            _ => None,
        });
        texts.into_iter().next().unwrap_or_default()
    }

    /// Whether the original can read every member that it knows.
    fn decodes(&self) -> bool {
        let every = |key: &str, fits: fn(&Json) -> bool| {
            self.all(key).all(|value| *value == Json::Null || fits(value))
        };
        let text: fn(&Json) -> bool = |value| matches!(value, Json::String(_));
        let object: fn(&Json) -> bool = |value| matches!(value, Json::Object(_));
        let pairs: fn(&Json) -> bool = |value| {
            let part = |part: &Json| matches!(part, Json::String(_) | Json::Null);
            let pair = |pair: &Json| match pair {
                Json::Array(parts) => parts.iter().take(2).all(part),
                other => *other == Json::Null,
            };
            matches!(value, Json::Array(pairs) if pairs.iter().all(pair))
        };
        ["kind", "containerId", "ifName", "networkName", "netns"].iter().all(|key| every(key, text))
            && every("config", |value| super::compare::bytes(value).is_ok())
            && every("cniArgs", pairs)
            && ["capabilityArgs", "result"].iter().all(|key| every(key, object))
    }
}

/// The caches before the step.
pub struct Before {
    pub ours: Cache,
    pub theirs: Cache,
}

/// The rule by which the comparison of a case ends with this step, if there is one.
pub fn ends(
    case: &Case,
    step: &Step,
    before: &Before,
    ours: &Played,
    theirs: &Played,
) -> Result<Option<Rule>, String> {
    let facts = Facts { case, step, before, ours, theirs };
    if ours.side == Side::Original {
        // In turns, the original reads what we wrote.
        return Ok(facts.original_printed_no_address().then_some(Rule::NoAddressIsNoText));
    }
    let rules = [
        (Rule::ImpossibleConversionIsAnError, facts.original_panics()),
        (Rule::IdentifiersAreChecked, facts.identifier_is_refused()),
        (Rule::IdentifiersAreChecked, facts.entry_has_no_container()),
        (Rule::DropInDirectoryStaysInside, facts.directory_is_refused()),
        (Rule::NoAddressIsNoText, facts.original_printed_no_address()),
        (Rule::ArgsAreChecked, facts.args_are_refused()),
        (Rule::ListWithoutPlugins, facts.adds_without_plugins()),
        (Rule::NumbersTooLargeForFloats, facts.number_is_too_large()),
        (Rule::CheckNeedsAnAttachment, facts.checks_nothing()),
        (Rule::TupleInsideCounts, facts.file_is_of_another()),
        (Rule::UnreadableIsNotAbsent, facts.file_cannot_be_read()),
        (Rule::CacheFilesOfOthers, facts.file_is_of_other_software()),
        (Rule::CorruptFileStaysUntilDeleted, facts.file_is_null()),
        (Rule::NotExecutableIsSkipped, facts.program_is_not_executable()),
        (Rule::BrokenFileHidesNoOther, facts.directory_has_broken_files()),
        (Rule::GcDeletesWithCachedList, facts.gc_has_another_list()),
    ];
    Ok(rules.into_iter().find(|(_, holds)| *holds).map(|(rule, _)| rule))
}

struct Facts<'a> {
    case: &'a Case,
    step: &'a Step,
    before: &'a Before,
    ours: &'a Played,
    theirs: &'a Played,
}

impl Facts<'_> {
    fn our_error(&self) -> Option<&Failure> {
        self.ours.answer.error.as_ref()
    }

    fn their_error(&self) -> Option<&Failure> {
        self.theirs.answer.error.as_ref()
    }

    fn fails_with(&self, status: &str) -> bool {
        self.our_error().is_some_and(|error| error.status == status)
    }

    fn original_panics(&self) -> bool {
        // DEL and GC go on without what cannot be converted.
        self.theirs.answer.panic.is_some()
            && (self.our_error().is_some() || matches!(self.step.op, Op::Del | Op::Gc))
    }

    fn identifier_is_refused(&self) -> bool {
        let rt = &self.step.rt;
        let unsafe_part = |part: &str| part.is_empty() || part.contains(['/', '\0']);
        let mut unsafe_key = [&rt.container_id, &rt.if_name].into_iter().any(|part| unsafe_part(part));
        unsafe_key |= network_name(self.step).is_none_or(|name| unsafe_part(&name));
        let other =
            matches!(self.step.op, Op::Check | Op::Del | Op::CachedResult | Op::CachedConfig | Op::Gc);
        // ADD has the original's full rules; only NUL is refused before them.
        let nul = [&rt.container_id, &rt.if_name, &rt.netns].into_iter().any(|part| part.contains('\0'));
        let filter = self.step.op == Op::Attachments && self.step.container.contains(['/', '\0']);
        self.fails_with("INVALID_ARGUMENT") && self.ours.runs.is_empty() && (other && unsafe_key || nul || filter)
            // The same refusal with the same text is no difference.
            && self.our_error().map(|error| &error.text) != self.their_error().map(|error| &error.text)
    }

    /// The original lists what it would not add.
    fn entry_has_no_container(&self) -> bool {
        let incomplete = |entry: &Entry| {
            entry.str("kind") == CACHE_KIND
                && entry.str("containerId").is_empty()
                && !entry.str("ifName").is_empty()
        };
        let mut entries =
            self.before.theirs.values().filter_map(|(_, content)| Entry::read(content.as_ref()?));
        matches!(self.step.op, Op::Attachments | Op::Gc) && entries.any(|entry| incomplete(&entry))
    }

    fn directory_is_refused(&self) -> bool {
        matches!(self.step.source.form, Form::File | Form::Dir)
            && self.our_error().is_some_and(|error| error.text.contains("cannot name a directory of drop-in"))
    }

    fn original_printed_no_address(&self) -> bool {
        let nil = |content: &Option<Blob>| {
            content.as_ref().is_some_and(|content| {
                let text = super::json::lossy(&content.0);
                text.contains(r#""<nil>""#) || text.contains(r#""\u003cnil\u003e""#)
            })
        };
        // What is passed on, or read back, is then something else.
        let told = self.their_error().is_some_and(|error| error.text.contains("invalid CIDR address: <nil>"))
            && self.our_error().is_none_or(|error| !error.text.contains("<nil>"));
        told || self.step.op != Op::Add && self.before.theirs.values().any(|(_, content)| nil(content))
    }

    fn args_are_refused(&self) -> bool {
        let bad =
            |(key, value): &(String, String)| key.contains(['=', ';', '\0']) || value.contains([';', '\0']);
        let nul = |(key, value): &(String, String)| key.contains('\0') || value.contains('\0');
        let args = &self.step.rt.cni_args;
        let refused = match self.step.op {
            Op::Add => args.iter().any(bad),
            Op::Check | Op::Del => args.iter().any(nul),
            _ => false,
        };
        refused && self.fails_with("INVALID_ARGUMENT") && self.ours.runs.is_empty()
    }

    fn adds_without_plugins(&self) -> bool {
        self.step.op == Op::Add
            && self.fails_with("INVALID_CONFIG")
            && !self.our_error().is_some_and(|error| error.loading)
            && self.theirs.runs.is_empty()
            && self.our_error().is_some_and(|error| error.text.ends_with("has no plugins"))
    }

    fn number_is_too_large(&self) -> bool {
        let told = self.their_error().is_some_and(|error| {
            error.text.contains("json: cannot unmarshal number ") && error.text.contains("of type float64")
        });
        // The largest integers, once they were a float, are none that Go reads as integers again.
        let rounded = self.their_error().is_some_and(|error| {
            error.text.contains("json: cannot unmarshal number ")
                && error.text.contains("9223372036854776000")
        });
        (told || rounded) && self.our_error().is_none_or(|error| !error.text.contains("number"))
    }

    fn checks_nothing(&self) -> bool {
        // The original looks for a file of this name alone.
        let absent = match self.cache_file() {
            Some(name) => !self.before.theirs.contains_key(&name),
            None => true,
        };
        self.step.op == Op::Check && self.fails_with("NOT_ADDED") && self.ours.runs.is_empty() && absent
    }

    fn file_is_of_another(&self) -> bool {
        let Some(file) = self.their_file() else { return false };
        let rt = &self.step.rt;
        let name = network_name(self.step).unwrap_or_default();
        let other = |key: &str, value: &str| !file.str(key).is_empty() && file.str(key) != value;
        // ADD runs the plugins as ever; where it stores is another matter.
        self.step.op != Op::Add
            && file.str("kind") == CACHE_KIND
            && (other("networkName", &name)
                || other("containerId", &rt.container_id)
                || other("ifName", &rt.if_name))
    }

    fn file_cannot_be_read(&self) -> bool {
        let directory = |name: &String| matches!(self.before.theirs.get(name), Some((_, None)));
        self.cache_file().is_some_and(|name| directory(&name)) && self.our_error().is_some()
    }

    /// Files that the original reads as bare results although they have a kind, or are of the right one.
    fn file_is_of_other_software(&self) -> bool {
        let strange = |file: &Entry| file.has("kind") && (file.str("kind") != CACHE_KIND || !file.decodes());
        match self.step.op {
            Op::Check | Op::Del | Op::CachedResult | Op::CachedConfig => {
                self.their_file().as_ref().is_some_and(strange)
            }
            Op::Attachments | Op::Gc => self
                .before
                .theirs
                .values()
                .any(|(_, content)| content.as_ref().and_then(Entry::read).as_ref().is_some_and(strange)),
            _ => false,
        }
    }

    /// The original takes null for an empty entry without a kind, and that for an empty result.
    fn file_is_null(&self) -> bool {
        let content = self.cache_file().and_then(|name| self.before.theirs.get(&name)?.1.clone());
        content.is_some_and(|content| Json::parse(&content.0) == Ok(Json::Null))
            && self.our_error().is_some() | (self.step.op == Op::Del)
    }

    fn program_is_not_executable(&self) -> bool {
        let exists = self.case.programs.iter().any(|program| !program.executable);
        let denied =
            self.theirs.answer.error.as_ref().is_some_and(|error| error.text.contains("permission denied"));
        // Where nothing else is found, ours says which file may not be executed.
        exists && denied && self.our_error().is_none_or(|error| !error.text.contains("permission denied"))
    }

    fn directory_has_broken_files(&self) -> bool {
        if self.step.source.form != Form::Dir || !self.their_error().is_some_and(|error| error.loading) {
            return false;
        }
        let not_found =
            self.their_error().is_some_and(|error| error.text.starts_with("no net configuration"));
        let goes_on = match self.our_error() {
            None => true,
            Some(error) => error.status == "NETWORK_NOT_FOUND" && error.causes > 0 || !error.loading,
        };
        !not_found && goes_on
    }

    fn gc_has_another_list(&self) -> bool {
        if self.step.op != Op::Gc {
            return false;
        }
        let name = network_name(self.step);
        let given = list_plugins(&self.step.source.bytes);
        let other = self.before.theirs.values().any(|(_, content)| {
            let Some(Ok(file)) = content.as_ref().map(|content| Json::parse(&content.0)) else {
                return false;
            };
            let cached = super::compare::bytes(file.get("config").unwrap_or(&Json::Null)).unwrap_or_default();
            Some(file.str("networkName")) == name.as_deref() && list_plugins(&Blob(cached)) != given
        });
        // Only DEL is made of it: the rest must be the same.
        let rest = |played: &Played| -> Vec<_> {
            played
                .runs
                .iter()
                .filter(|run| run.command() != "DEL")
                .map(|run| (run.title(), run.program.clone()))
                .collect()
        };
        other && rest(self.ours) == rest(self.theirs)
    }

    fn cache_file(&self) -> Option<String> {
        cache_file(self.step)
    }

    fn their_file(&self) -> Option<Entry> {
        let (_, content) = self.before.theirs.get(&self.cache_file()?)?;
        Entry::read(content.as_ref()?)
    }
}

/// Whether the file is one that is of no use: the original removes it before the plugins run, ours when they have
/// succeeded, and where nobody can read it not while somebody may be writing it.
pub fn stays_unusable(step: &Step, before: &Before, name: &str, left: &Blob, failed: bool) -> bool {
    let untouched = before.ours.get(name).is_some_and(|(_, content)| content.as_ref() == Some(left));
    let corrupt = Entry::read(left).is_none_or(|entry| !entry.decodes());
    matches!(step.op, Op::Del | Op::Gc) && untouched && (corrupt || failed)
}

/// Why ADD stored under a hashed name, if there is a reason: the plain one is taken.
pub fn stores_elsewhere(step: &Step, before: &Before, name: &str) -> Option<Rule> {
    if step.op != Op::Add || !name.contains("/results/@") {
        return None;
    }
    match before.ours.get(&cache_file(step)?) {
        Some((_, Some(content))) => Some(match Json::parse(&content.0) {
            Ok(Json::Object(_)) => Rule::TupleInsideCounts,
            _ => Rule::CorruptFileStaysUntilDeleted,
        }),
        _ => None,
    }
}

/// The name of the original's cache file for this step.
fn cache_file(step: &Step) -> Option<String> {
    let rt = &step.rt;
    let dir = if step.cache_dir.is_empty() { &rt.cache_dir } else { &step.cache_dir };
    let name = network_name(step)?;
    Some(format!("{dir}/results/{name}-{}-{}", rt.container_id, rt.if_name))
}

/// The network's name, where the step tells it.
pub fn network_name(step: &Step) -> Option<String> {
    // In a file: the case says it.
    if matches!(step.source.form, Form::File | Form::Dir) {
        return Some(step.source.name.clone());
    }
    let text = super::json::lossy(&step.source.bytes.0);
    let members = raw_members(&text).ok()?;
    let name = match step.source.form {
        Form::List => members.iter().rev().find(|member| member.key == "name")?,
        Form::Single | Form::Wrapped => members
            .iter()
            .rev()
            .find(|member| member.key.eq_ignore_ascii_case("name") && member.raw_value != "null")?,
        Form::File | Form::Dir => return None,
    };
    match Json::parse(name.raw_value.as_bytes()) {
        Ok(Json::String(name)) => Some(name),
        _ => None,
    }
}

fn list_plugins(list: &Blob) -> Option<Json> {
    Json::parse(&list.0).ok()?.get("plugins").cloned()
}
