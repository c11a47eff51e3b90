//! What both sides left behind, held together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::case::{Blob, Case, Form, Op, Step};
use super::diff::{Node, diff};
use super::json::Json;
use super::play::{Play, Played, Side};
use super::purpose::{self, Before};
use super::rules::{Rule, Tally};
use super::world::Run;
use super::{error, exact};

/// Holds a play (ours, or one in turns) against the original's.
///
/// # Errors
/// The first difference that no rule allows.
pub fn plays(case: &Case, ours: &Play, theirs: &Play, tally: &mut Tally) -> Result<(), String> {
    for (index, (a, b)) in ours.steps.iter().zip(&theirs.steps).enumerate() {
        let step = &case.steps[index];
        let in_step = |why: String| format!("step {index} ({:?}): {why}", step.op);
        let cache = |play: &'_ Play| match index {
            0 => play.before.clone(),
            _ => play.steps[index - 1].cache.clone(),
        };
        let before = Before { ours: cache(ours), theirs: cache(theirs) };
        if let Some(reason) = &a.answer.panic {
            // The original may panic in both plays.
            if a.side == Side::Ours || b.answer.panic.is_none() {
                return Err(in_step(format!("a panic: {reason}")));
            }
        }
        // Behind such a step the two worlds are different ones.
        if let Some(rule) = purpose::ends(case, step, &before, a, b).map_err(in_step)? {
            tally.note(rule);
            return Ok(());
        }
        match played(case, step, &before, a, b, tally) {
            Ok(None) => {}
            Ok(Some(rule)) => {
                tally.note(rule);
                return Ok(());
            }
            Err(why) => return Err(in_step(why)),
        }
    }
    Ok(())
}

/// One step. A rule means: both worlds differ from here on.
fn played(
    case: &Case,
    step: &Step,
    before: &Before,
    ours: &Played,
    theirs: &Played,
    tally: &mut Tally,
) -> Result<Option<Rule>, String> {
    match (&ours.answer.error, &theirs.answer.error) {
        (None, None) => value(case, step, &ours.answer.value, &theirs.answer.value, tally)?,
        (Some(a), Some(b)) => {
            // In turns, the original's own error stands on both sides.
            if ours.side == Side::Ours {
                error::compare(step.op, a, b, tally)?;
            }
        }
        (Some(a), None) => return Err(format!("ours fails: {} ({})", a.text, a.status)),
        (None, Some(b)) => return Err(format!("the original fails: {}", b.text)),
    }
    runs(&ours.runs, &theirs.runs, tally)?;
    if ours.side == Side::Ours {
        exact::check(step, &ours.runs)?;
    }
    if ours.answer.stderr != theirs.answer.stderr {
        let (a, b) = (&ours.answer.stderr, &theirs.answer.stderr);
        return Err(format!("stderr of successful plugins: ours {a:?}, the original's {b:?}"));
    }
    caches(case, step, before, ours, theirs, tally)
}

fn value(case: &Case, step: &Step, ours: &Json, theirs: &Json, tally: &mut Tally) -> Result<(), String> {
    let result = |ours: &Json| match ours {
        Json::Null => Node::Plain,
        _ => Node::Result,
    };
    let compared = match step.op {
        Op::Add | Op::CachedResult => diff(ours, theirs, result(ours), tally),
        // Keys that we do not know stay behind where the version changes.
        Op::Convert => {
            let source = Json::parse(&step.source.bytes.0).unwrap_or(Json::Null);
            let told =
                |version: &str| if version.is_empty() { "0.1.0".to_owned() } else { version.to_owned() };
            let stays = told(source.str("cniVersion")) == told(&step.version);
            let mut noted = Tally::default();
            diff(ours, theirs, Node::Result, &mut noted)?;
            tally.add(&noted);
            if noted.has(Rule::UnknownResultKeysStay) && !stays {
                return Err("unknown keys stay in another version".to_owned());
            }
            Ok(())
        }
        Op::Load | Op::Inject | Op::CachedConfig | Op::Attachments => {
            configuration(case, ours, theirs, tally)
        }
        _ => diff(ours, theirs, Node::Plain, tally),
    };
    compared.map_err(|why| format!("what is returned differs at {why}"))
}

/// Values that hold whole configurations in base64.
fn configuration(case: &Case, ours: &Json, theirs: &Json, tally: &mut Tally) -> Result<(), String> {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            if let Some(key) =
                a.keys().chain(b.keys()).find(|key| a.contains_key(*key) != b.contains_key(*key))
            {
                return Err(format!("/{key}: one side alone has it"));
            }
            for (key, value) in a {
                let other = &b[key];
                match key.as_str() {
                    "configBytes" => {
                        let plugins = b.get("plugins");
                        config(case, &bytes(value)?, &bytes(other)?, plugins, tally)
                    }
                    "pluginBytes" => json_texts(&bytes(value)?, &bytes(other)?, tally),
                    "plugins" => configuration(case, value, other, tally),
                    _ => diff(value, other, Node::Plain, tally),
                }
                .map_err(|why| format!("/{key}{why}"))?;
            }
            Ok(())
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).try_for_each(|(a, b)| configuration(case, a, b, tally))
        }
        _ => diff(ours, theirs, Node::Plain, tally),
    }
}

pub fn bytes(value: &Json) -> Result<Vec<u8>, String> {
    match value {
        Json::String(text) => STANDARD.decode(text).map_err(|error| format!(": {error}")),
        _ => Err(": not base64".to_owned()),
    }
}

/// The bytes of a list: the same ones, unless they were made (of a single configuration, with drop-ins) in one of
/// the case's steps.
fn config(
    case: &Case,
    ours: &[u8],
    theirs: &[u8],
    plugins: Option<&Json>,
    tally: &mut Tally,
) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let has = |forms: [Form; 2]| case.steps.iter().any(|step| forms.contains(&step.source.form));
    let made = has([Form::Wrapped, Form::Dir]);
    if made && json_texts(ours, theirs, tally).is_ok() {
        return Ok(());
    }
    if !has([Form::File, Form::Dir]) {
        let text = String::from_utf8_lossy;
        return Err(format!(": ours {:?}, the original's {:?}", text(ours), text(theirs)));
    }
    // Ours is the effective list.
    tally.note(Rule::EffectiveListIsCached);
    let (ours, mut theirs) = (Json::parse(ours)?, Json::parse(theirs)?);
    match (plugins, &mut theirs) {
        (Some(Json::Array(plugins)), Json::Object(members)) => {
            let effective: Result<Vec<Json>, String> = plugins
                .iter()
                .map(|plugin| Json::parse(&bytes(plugin.get("pluginBytes").unwrap_or(&Json::Null))?))
                .collect();
            members.insert("plugins".to_owned(), Json::Array(effective?));
            diff(&ours, &theirs, Node::Plain, tally)
        }
        // In a cache nobody tells which plugins were dropped in.
        _ => more_plugins(&ours, &theirs, tally),
    }
}

/// The same list, but that ours may have plugins behind the others.
fn more_plugins(ours: &Json, theirs: &Json, tally: &mut Tally) -> Result<(), String> {
    let (Json::Object(ours), Json::Object(theirs)) = (ours, theirs) else {
        return Err(": not two lists".to_owned());
    };
    let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
    let plugins = |list: &mut std::collections::BTreeMap<String, Json>| match list.remove("plugins") {
        Some(Json::Array(plugins)) => plugins,
        _ => Vec::new(),
    };
    let (a, b) = (plugins(&mut ours), plugins(&mut theirs));
    if a.len() < b.len() {
        return Err("/plugins: ours has fewer".to_owned());
    }
    diff(&Json::Array(a[..b.len()].to_vec()), &Json::Array(b), Node::Plain, tally)?;
    diff(&Json::Object(ours), &Json::Object(theirs), Node::Plain, tally)
}

fn json_texts(ours: &[u8], theirs: &[u8], tally: &mut Tally) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    diff(&Json::parse(ours)?, &Json::parse(theirs)?, Node::Plain, tally)
}

pub fn runs(ours: &[Run], theirs: &[Run], tally: &mut Tally) -> Result<(), String> {
    let titles = |runs: &[Run]| runs.iter().map(Run::title).collect::<Vec<_>>();
    if titles(ours) != titles(theirs) {
        return Err(format!("ours runs {:?}, the original {:?}", titles(ours), titles(theirs)));
    }
    for (a, b) in ours.iter().zip(theirs) {
        run(a, b, tally).map_err(|why| format!("the run {}: {why}", b.title()))?;
    }
    Ok(())
}

fn run(ours: &Run, theirs: &Run, tally: &mut Tally) -> Result<(), String> {
    if (&ours.argc, &ours.program, &ours.cwd) != (&theirs.argc, &theirs.program, &theirs.cwd) {
        return Err(format!("ours is {ours:?}, the original's {theirs:?}"));
    }
    let mut env = ours.env.clone();
    // Row 22: the locks that an operation holds travel to its plugins.
    env.remove("LIBCNI_LOCKS");
    for name in env.keys().chain(theirs.env.keys()) {
        let (a, b) = (env.get(name), theirs.env.get(name));
        if a != b {
            return Err(format!("the variable {name}: ours {a:?}, the original's {b:?}"));
        }
    }
    if ours.stdin == theirs.stdin {
        return Ok(());
    }
    if ours.command() == "VERSION" {
        return Err(format!("stdin: ours {:?}, the original's {:?}", ours.stdin, theirs.stdin));
    }
    let (a, b) = (Json::parse(&ours.stdin.0)?, Json::parse(&theirs.stdin.0)?);
    diff(&a, &b, Node::Request, tally).map_err(|why| format!("the requests differ at {why}"))
}

fn caches(
    case: &Case,
    step: &Step,
    before: &Before,
    ours: &Played,
    theirs: &Played,
    tally: &mut Tally,
) -> Result<Option<Rule>, String> {
    let failed = ours.answer.error.is_some();
    let (ours, theirs) = (&ours.cache, &theirs.cache);
    let hashed = ours.keys().filter(|name| !theirs.contains_key(*name));
    if let Some(rule) = hashed.filter_map(|name| purpose::stores_elsewhere(step, before, name)).next() {
        return Ok(Some(rule));
    }
    for name in ours.keys().chain(theirs.keys()) {
        match (ours.get(name), theirs.get(name)) {
            (Some((mode_a, a)), Some((mode_b, b))) => {
                if mode_a != mode_b {
                    return Err(format!("{name} has the mode {mode_a:o}, the original's {mode_b:o}"));
                }
                entry(case, a.as_ref(), b.as_ref(), tally)
                    .map_err(|why| format!("the cache files {name} differ at {why}"))?;
            }
            (Some((_, Some(left))), None) if purpose::stays_unusable(step, before, name, left, failed) => {
                return Ok(Some(Rule::CorruptFileStaysUntilDeleted));
            }
            // Ours makes the directory earlier, for its locks; that is nothing to see.
            (Some((_, None)), None) if matches!(name.as_str(), "cache" | "other") => {}
            (Some(_), None) => return Err(format!("ours alone has {name}")),
            (None, Some(_)) => return Err(format!("the original alone has {name}")),
            (None, None) => {}
        }
    }
    Ok(None)
}

fn entry(case: &Case, ours: Option<&Blob>, theirs: Option<&Blob>, tally: &mut Tally) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let (Some(a), Some(b)) = (ours, theirs) else { return Err(": a file and a directory".to_owned()) };
    let (Json::Object(mut a), Json::Object(mut b)) = (Json::parse(&a.0)?, Json::parse(&b.0)?) else {
        return Err(format!(": ours {a:?}, the original's {b:?}"));
    };
    if let (Some(a), Some(b)) = (a.remove("config"), b.remove("config")) {
        config(case, &bytes(&a)?, &bytes(&b)?, None, tally).map_err(|why| format!("/config{why}"))?;
    }
    if let (Some(a), Some(b)) = (a.remove("result"), b.remove("result")) {
        diff(&a, &b, Node::Result, tally).map_err(|why| format!("/result{why}"))?;
    }
    diff(&Json::Object(a), &Json::Object(b), Node::Plain, tally)
}
