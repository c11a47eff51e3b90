//! What a plugin reads from us is its configuration to the letter, but for what is injected.

use super::case::{Form, Op, Step};
use super::json::{RawMember, lossy, raw_elements, raw_members};
use super::world::Run;

/// What the runtime may put in; in a configuration these are its own, unless they are replaced.
const INJECTED: [&str; 6] =
    ["cniVersion", "name", "prevResult", "runtimeConfig", "cni.dev/valid-attachments", "cni.dev/attachments"];

/// # Errors
/// The request that no plugin of the configuration can have made.
pub fn check(step: &Step, runs: &[Run]) -> Result<(), String> {
    let text = lossy(&step.source.bytes.0);
    let plugins = match step.source.form {
        Form::List => plugins(&text),
        Form::Single | Form::Wrapped => vec![text.as_str()],
        Form::File | Form::Dir => return Ok(()),
    };
    for run in runs {
        // DEL in GC is made of what is in the cache.
        if run.command() == "VERSION" || (step.op == Op::Gc && run.command() == "DEL") {
            continue;
        }
        // A plugin that does not read leaves no record of what there was.
        if run.stdin.0.is_empty() {
            continue;
        }
        let request = std::str::from_utf8(&run.stdin.0).map_err(|error| format!("stdin: {error}"))?;
        let request = raw_members(request)?;
        if !plugins.iter().any(|plugin| is_made_of(&request, plugin)) {
            return Err(format!("the request of {} is not its configuration: {:?}", run.title(), run.stdin));
        }
    }
    Ok(())
}

fn plugins(list: &str) -> Vec<&str> {
    let members = raw_members(list).unwrap_or_default();
    let plugins = members.iter().rev().find(|member| member.key == "plugins");
    plugins.map(|member| raw_elements(member.raw_value).unwrap_or_default()).unwrap_or_default()
}

fn is_made_of(request: &[RawMember<'_>], plugin: &str) -> bool {
    let Ok(plugin) = raw_members(plugin) else { return false };
    let own = |members: &[RawMember<'_>]| -> Vec<(String, String)> {
        members
            .iter()
            .filter(|member| !INJECTED.contains(&member.key.as_str()))
            .map(|member| (member.raw_key.to_owned(), member.raw_value.to_owned()))
            .collect()
    };
    let injected = |key: &str| request.iter().filter(|member| member.key == key).count();
    own(request) == own(&plugin) && injected("name") == 1 && injected("cniVersion") == 1
}
