//! Two errors, held together.

use super::case::Op;
use super::play::Failure;
use super::rules::{Rule, Tally};

/// Where the text of the original begins that its JSON, number and file packages wrote.
const TAILS: [&str; 12] = [
    "json: ",
    "invalid character ",
    "unexpected end of JSON input",
    "strconv.",
    "illegal base64 data",
    "open /",
    "read /",
    "invalid CIDR address",
    "invalid IP address",
    "exceeded max depth",
    "fork/exec ",
    "readdirent ",
];

/// # Errors
/// What differs and no rule allows.
pub fn compare(op: Op, ours: &Failure, theirs: &Failure, tally: &mut Tally) -> Result<(), String> {
    if !same_text(op, &ours.text, &theirs.text, tally) {
        return Err(format!("the texts of the errors differ:\n  {:?}\n  {:?}", ours.text, theirs.text));
    }
    if ours.loading != theirs.loading {
        return Err("one side refuses the configuration, the other fails later".to_owned());
    }
    if let Some(status) = expected_status(&theirs.text).filter(|status| *status != ours.status) {
        return Err(format!("{:?} has the status {}, not {status}", ours.text, ours.status));
    }
    // Of several errors in one, the original keeps no code at all (validate), or that of any (GC).
    if matches!(op, Op::Gc | Op::Validate) {
        return Ok(());
    }
    if ours.code != theirs.code {
        if ours.code != u64::from(u32::MAX) || theirs.code < ours.code {
            return Err(format!("code {}, the original's {}", ours.code, theirs.code));
        }
        tally.note(Rule::CodesOf32Bits);
    }
    // What the original makes up where there is no error object is not the plugin's `msg`.
    let made_up = theirs.msg.starts_with("netplugin failed");
    let validation = matches!(ours.status, "INVALID_ARGUMENT" | "INVALID_CONFIG") && ours.msg.is_empty();
    if ours.msg != theirs.msg && !made_up && !validation {
        return Err(format!("msg {:?}, the original's {:?}", ours.msg, theirs.msg));
    }
    if ours.details != theirs.details && !validation {
        return Err(format!("details {:?}, the original's {:?}", ours.details, theirs.details));
    }
    Ok(())
}

fn same_text(op: Op, ours: &str, theirs: &str, tally: &mut Tally) -> bool {
    if ours == theirs {
        return true;
    }
    // What is wrong with a cache file is told in our own words, with its path; the contract fixes what is before.
    if matches!(op, Op::Check | Op::CachedResult) {
        let fixed = theirs.find("decoding version from network config: ").map(|at| &theirs[..at]);
        if fixed.is_some_and(|fixed| ours.strip_prefix(fixed).is_some_and(|rest| rest.starts_with('/'))) {
            tally.note(Rule::TailsOfTexts);
            return true;
        }
    }
    let more = ours.strip_prefix(theirs).unwrap_or_default();
    if more.starts_with(" (in /") && more.ends_with(')') || more.starts_with(", found ") {
        tally.note(Rule::MoreIsTold);
        return true;
    }
    // Several errors in one text, one in each line.
    let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (lines(ours), lines(theirs));
    let same = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || same_up_to_tail(a, b));
    if same || same_up_to_tail(ours, theirs) {
        tally.note(Rule::TailsOfTexts);
        return true;
    }
    false
}

/// Whether the texts are the same up to where Go's packages speak; behind it, ours says something too.
fn same_up_to_tail(ours: &str, theirs: &str) -> bool {
    TAILS.iter().filter_map(|tail| theirs.find(tail)).any(|tail| {
        let fixed = &theirs[..tail];
        // An address is named by both.
        let address = theirs[tail..].split_once("address: ").map_or("", |(_, address)| address);
        ours.strip_prefix(fixed).is_some_and(|rest| !rest.is_empty() && rest.contains(address))
    })
}

/// The status that goes with a text of the original.
fn expected_status(text: &str) -> Option<&'static str> {
    let begins = |prefix: &str| text.starts_with(prefix);
    let is_in = |part: &str| text.contains(part);
    Some(match () {
        () if begins("no net configuration") => "NETWORK_NOT_FOUND",
        () if begins("error parsing configuration") || begins("failed to parse plugin config") => {
            "INVALID_CONFIG"
        }
        () if begins("configuration version ") && is_in("does not support the CHECK command") => {
            "CHECK_NOT_SUPPORTED"
        }
        () if begins("failed to find plugin ") || begins("no paths provided") => "PLUGIN_NOT_FOUND",
        () if begins("invalid plugin name: ") || begins("no plugin name provided") => "PLUGIN_NOT_FOUND",
        () if begins("netplugin failed") && !is_in("fork/exec") => "PLUGIN",
        () if begins("unsupported CNI result version") => "INVALID_RESULT",
        () if begins("decoding version info: ") => "INVALID_RESULT",
        () if begins("read cached network ") || begins("failed to unmarshal cached network") => "CACHE",
        _ => return None,
    })
}
