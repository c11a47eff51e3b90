//! Objects as the fields of a struct, found as the original's decoder finds them.
//!
//! Keys match in any letter case, a repeated key takes effect each time it occurs, and a value of the
//! wrong type is reported only after the rest was looked at.

use super::{Member, Problem, each_member};

/// Whether `key` names the field `name` (ASCII) when letter case is ignored.
///
/// Case folding is Unicode's, so `K` (the Kelvin sign) is a `k` and `ſ` (the long s) is an `s`.
pub(crate) fn fold_eq(key: &str, name: &str) -> bool {
    fn fold(c: char) -> char {
        match c {
            '\u{212a}' => 'k',
            '\u{17f}' => 's',
            _ => c.to_ascii_lowercase(),
        }
    }
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    key.chars().map(fold).eq(name.chars().map(fold))
}

/// The order in which the members of an object take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after the other as they are written.
    AsWritten,
    /// As after a round trip through a map, which the original makes in places: sorted by key, and of
    /// exactly equal keys only the last.
    Resorted,
}

/// Hands the members of the object `text`, part of a text that was checked, to `visit`, with the field
/// of `names` that each one is.
///
/// Members that are no field come in the order written.
pub(crate) fn each_field<'a>(
    text: &'a str,
    names: &[&'static str],
    order: Order,
    mut visit: impl FnMut(Option<&'static str>, Member<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    take_fields(text, names, order, &mut visit)
}

/// The same for members that were read already.
pub(crate) fn each_field_of<'a>(
    members: Vec<Member<'a>>,
    names: &[&'static str],
    order: Order,
    mut visit: impl FnMut(Option<&'static str>, Member<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    take_fields_of(members, names, order, &mut visit)
}

/// Not a type parameter: each caller would have the whole of it once more, a sort included.
type Visit<'v, 'a> = dyn FnMut(Option<&'static str>, Member<'a>) -> Result<(), Problem> + 'v;

fn take_fields<'a>(
    text: &'a str,
    names: &[&'static str],
    order: Order,
    visit: &mut Visit<'_, 'a>,
) -> Result<(), Problem> {
    if order == Order::Resorted {
        let mut members = Vec::with_capacity(8);
        each_member(text, &mut |member| {
            members.push(member);
            Ok(())
        })?;
        return take_fields_of(members, names, order, visit);
    }
    let mut saved = Saved::default();
    each_member(text, &mut |member| {
        let name = field(names, &member.key);
        saved.pass(visit_field(visit, name, member))
    })?;
    saved.finish()
}

fn take_fields_of<'a>(
    mut members: Vec<Member<'a>>,
    names: &[&'static str],
    order: Order,
    visit: &mut Visit<'_, 'a>,
) -> Result<(), Problem> {
    let mut saved = Saved::default();
    if order == Order::AsWritten {
        for member in members {
            let name = field(names, &member.key);
            saved.pass(visit_field(visit, name, member))?;
        }
        return saved.finish();
    }
    for member in members.extract_if(.., |member| field(names, &member.key).is_none()) {
        saved.pass(visit(None, member))?;
    }
    // The sort is stable, so equal keys stay in the order written and the last of them is kept.
    members.sort_by(|one, other| one.key.cmp(&other.key));
    members.dedup_by(|later, earlier| {
        let same = later.key == earlier.key;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    for member in members {
        let name = field(names, &member.key);
        saved.pass(visit_field(visit, name, member))?;
    }
    saved.finish()
}

#[inline]
fn field(names: &[&'static str], key: &str) -> Option<&'static str> {
    let exact = names.iter().find(|name| **name == key);
    let in_any_case = || match key.is_ascii() {
        true => names.iter().find(|name| key.eq_ignore_ascii_case(name)),
        false => names.iter().find(|name| fold_eq(key, name)),
    };
    exact.or_else(in_any_case).copied()
}

#[inline]
fn visit_field<'a>(
    visit: &mut Visit<'_, 'a>,
    name: Option<&'static str>,
    member: Member<'a>,
) -> Result<(), Problem> {
    visit(name, member).map_err(|problem| match name {
        Some(name) => problem.in_key(name),
        None => problem,
    })
}

/// The first problem of those that do not end the decoding at once.
///
/// A value of the wrong type does not: the original reports the first one when all is read. What its
/// own decoders of addresses refuse does, so such a problem is reported instead.
#[derive(Default)]
pub(crate) struct Saved(Option<Problem>);

impl Saved {
    /// Keeps a problem that can wait; passes on one that cannot.
    pub(crate) fn pass(&mut self, outcome: Result<(), Problem>) -> Result<(), Problem> {
        match outcome {
            Err(problem) if !problem.0.stops => {
                self.0.get_or_insert(problem);
                Ok(())
            }
            other => other,
        }
    }

    /// The end: the first problem kept, if there is one.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_match_in_any_letter_case() {
        for key in ["dns", "DNS", "dnS", "dn\u{17f}"] {
            assert!(fold_eq(key, "dns"), "{key}");
        }
        assert!(fold_eq("soc\u{212a}etpath", "socketPath"));
        for key in ["", "dn", "dnss", "dnß", "ｄns"] {
            assert!(!fold_eq(key, "dns"), "{key}");
        }
    }

    fn seen(text: &str, order: Order) -> Vec<(Option<&'static str>, String)> {
        let mut seen = Vec::new();
        each_field(text, &["mac", "name"], order, |name, member| {
            seen.push((name, member.value.to_owned()));
            Ok(())
        })
        .unwrap();
        seen
    }

    #[test]
    fn members_take_effect_as_written_or_sorted_with_the_last_of_equal_keys_alone() {
        let text = r#"{"z":0,"name":1,"MAC":2,"name":3,"a":4,"Name":5}"#;
        let owned = |list: &[(Option<&'static str>, &str)]| -> Vec<(Option<&'static str>, String)> {
            list.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let (mac, name) = (Some("mac"), Some("name"));
        let written = [(None, "0"), (name, "1"), (mac, "2"), (name, "3"), (None, "4"), (name, "5")];
        assert_eq!(seen(text, Order::AsWritten), owned(&written));
        let resorted = [(None, "0"), (None, "4"), (mac, "2"), (name, "5"), (name, "3")];
        assert_eq!(seen(text, Order::Resorted), owned(&resorted));
    }

    #[test]
    fn the_first_problem_counts_unless_a_later_one_stops() {
        let outcome = |stop: &str| {
            each_field(r#"{"a":1,"b":2,"c":3}"#, &["a", "b", "c"], Order::AsWritten, |name, member| {
                let problem = Problem::new(member.value);
                Err(if name == Some(stop) { problem.stopping() } else { problem })
            })
            .unwrap_err()
            .to_string()
        };
        assert_eq!(outcome("b"), "b: 2");
        assert_eq!(outcome("none"), "a: 1");
    }
}
