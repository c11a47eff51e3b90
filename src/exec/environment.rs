//! The environment of a plugin: the host's by policy, the protocol's, and nothing twice.

use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

use super::environ::Environ;
use crate::context::EnvPolicy;

/// An environment, as lines `NAME=value` in one block of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Every line with its NUL.
    block: Vec<u8>,
    /// Where the lines are, without their NUL.
    lines: Vec<Range<usize>>,
}

impl Environment {
    /// Without any line.
    pub const fn new() -> Environment {
        Environment { block: Vec::new(), lines: Vec::new() }
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at that place.
    pub fn get(&self, place: usize) -> Option<&CStr> {
        self.lines.get(place).map(|line| self.line_at(line))
    }

    /// The lines in their order.
    pub fn iter(&self) -> impl Iterator<Item = &CStr> {
        self.lines.iter().map(|line| self.line_at(line))
    }

    /// The lines in their order, without their NUL.
    pub fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|line| &self.block[line.clone()])
    }

    /// Adds a line, whatever is there already.
    pub fn push(&mut self, line: &CStr) {
        let line = self.append(&[line.to_bytes()]);
        self.lines.push(line);
    }

    /// Where each line begins in memory, for `execve`; valid until the environment changes.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = *const c_char> {
        self.bytes().map(|line| line.as_ptr().cast())
    }

    fn line_at(&self, line: &Range<usize>) -> &CStr {
        CStr::from_bytes_with_nul(&self.block[line.start..=line.end]).unwrap_or_default()
    }

    /// Puts a line of these parts, none of which has a NUL, behind the others; its place in the list is the caller's.
    #[inline]
    fn append(&mut self, parts: &[&[u8]]) -> Range<usize> {
        let start = self.block.len();
        self.block.reserve(parts.iter().map(|part| part.len()).sum::<usize>() + 1);
        parts.iter().for_each(|part| self.block.extend_from_slice(part));
        let end = self.block.len();
        self.block.push(0);
        start..end
    }
}

impl<Line: AsRef<CStr>> FromIterator<Line> for Environment {
    fn from_iter<Lines: IntoIterator<Item = Line>>(lines: Lines) -> Environment {
        let mut environment = Environment::new();
        lines.into_iter().for_each(|line| environment.push(line.as_ref()));
        environment
    }
}

/// The environment of one operation's plugins: what a policy keeps of the host's
/// environment, then what is set. Of a name that occurs twice the last value counts.
///
/// A variable that cannot be passed on (a NUL in it) is left out; the callers have checked theirs.
pub(crate) struct Builder {
    built: Environment,
    /// Where a name's line is in the list, at a place that follows from the name, or behind it where others were there before;
    /// [`FREE`] where there is none. Half of it at least is free, and its length a power of two.
    places: Vec<u32>,
}

const FREE: u32 = u32::MAX;

/// Where the name stands in a table, before it is cut to the table's size. How it begins and ends tells nearly all names apart.
fn hash(name: &[u8]) -> usize {
    let (beginning, end) = match (name.first_chunk(), name.last_chunk()) {
        (Some(beginning), Some(end)) => (u64::from_ne_bytes(*beginning), u64::from_ne_bytes(*end)),
        _ => (name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
    };
    let mixed = (beginning ^ end.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

impl Builder {
    /// Begins with what `policy` keeps. The host's environment is read once here.
    pub(crate) fn new(policy: &EnvPolicy, host: Environ<'_>) -> Builder {
        let mut variables = Builder {
            // The C library is quick with blocks of up to a kilobyte.
            built: Environment { block: Vec::with_capacity(1000), lines: Vec::with_capacity(60) },
            places: vec![FREE; 128],
        };
        match policy {
            EnvPolicy::Inherit => host.each(|name, value| variables.put(name, value)),
            EnvPolicy::Clean => variables.keep("PATH", host),
            EnvPolicy::Keep(names) => names.iter().for_each(|name| variables.keep(name, host)),
            EnvPolicy::Exactly(pairs) => {
                pairs.iter().for_each(|(name, value)| variables.set(name, value));
            }
        }
        variables
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        if !name.contains('\0') && !value.contains('\0') {
            self.put(name.as_bytes(), value.as_bytes());
        }
    }

    pub(crate) fn build(self) -> Environment {
        self.built
    }

    /// Neither has a NUL.
    fn put(&mut self, name: &[u8], value: &[u8]) {
        let line = self.built.append(&[name, b"=", value]);
        let at = self.find(name);
        let place = self.places[at];
        match self.built.lines.get_mut(place as usize) {
            // What was there before stays in the block, where nothing points to it any more.
            Some(before) => *before = line,
            None => {
                self.places[at] = self.built.lines.len() as u32;
                self.built.lines.push(line);
                if self.built.lines.len() * 2 > self.places.len() {
                    self.widen();
                }
            }
        }
    }

    /// Where the table has the name, or room for it.
    fn find(&self, name: &[u8]) -> usize {
        let mut at = hash(name) & (self.places.len() - 1);
        while let Some(line) = self.built.lines.get(self.places[at] as usize) {
            let line = &self.built.block[line.clone()];
            if line.get(name.len()) == Some(&b'=') && line.starts_with(name) {
                break;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        at
    }

    #[cold]
    fn widen(&mut self) {
        let places = std::mem::take(&mut self.places);
        self.places = vec![FREE; places.len() * 2];
        for place in places.into_iter().filter(|place| *place != FREE) {
            let line = &self.built.block[self.built.lines[place as usize].clone()];
            // A `=` at the beginning is part of the name.
            let name = line.iter().skip(1).position(|byte| *byte == b'=').map_or(0, |at| at + 1);
            let at = self.find(&line[..name]);
            self.places[at] = place;
        }
    }

    fn keep(&mut self, name: &str, host: Environ<'_>) {
        if let Some(value) = host.get(name) {
            self.put(name.as_bytes(), value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built(policy: &EnvPolicy, own: &[(&str, &str)]) -> Vec<String> {
        let mut variables = Builder::new(policy, Environ::default());
        own.iter().for_each(|(name, value)| variables.set(name, value));
        variables.build().iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_name_occurs_once_and_ours_wins() {
        let exactly = EnvPolicy::Exactly(vec![
            ("CNI_COMMAND".into(), "stale".into()),
            ("A".into(), "1".into()),
            ("A".into(), "2=3".into()),
        ]);
        assert_eq!(built(&exactly, &[("CNI_COMMAND", "ADD"), ("B", "")]), ["CNI_COMMAND=ADD", "A=2=3", "B="]);

        // Names that begin alike, in an order that is not theirs.
        let names = ["LIBCNI_LOCKS", "LIBCNI_", "LIBCNI_LOG", "LIBCNI_L", "LIBCNI", "LIBCNI_LOCKS_", ""];
        let lines = |value: &str| names.map(|name| (name, value.to_owned()));
        let before = EnvPolicy::Exactly(lines("before").map(|(name, value)| (name.into(), value)).into());
        let after = lines("after");
        let after: Vec<_> = after.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(built(&before, &after), names.map(|name| format!("{name}=after")));
    }

    #[test]
    fn however_many_names_there_are() {
        let names: Vec<String> = (0..1000).map(|number| format!("VARIABLE_{number}_OF_MANY")).collect();
        let pairs =
            |value: &str| names.iter().map(|name| (name.clone(), value.to_owned())).collect::<Vec<_>>();
        let twice = [pairs("before"), pairs("after")].concat();
        let after: Vec<_> = names.iter().map(|name| format!("{name}=after")).collect();
        assert_eq!(built(&EnvPolicy::Exactly(twice), &[]), after);
    }

    #[test]
    fn clean_keeps_path_alone() {
        let path = format!("PATH={}", std::env::var("PATH").unwrap());
        assert_eq!(built(&EnvPolicy::Clean, &[("X", "1")]), [path.as_str(), "X=1"]);
        assert_eq!(
            built(&EnvPolicy::Keep(vec!["NO_SUCH_VARIABLE".into(), "PATH".into()]), &[]),
            [path.as_str()]
        );
        assert!(built(&EnvPolicy::Inherit, &[]).contains(&path));
    }

    #[test]
    fn a_line_without_a_place_in_an_environment_is_left_out() {
        let nul = EnvPolicy::Exactly(vec![("A".into(), "1\0".into()), ("B\0".into(), "".into())]);
        assert_eq!(built(&nul, &[("C", "3")]), ["C=3"]);
    }

    #[test]
    fn lines_are_found_by_their_place() {
        let lines: Environment = [c"A=1", c"", c"A=2"].into_iter().collect();
        assert_eq!((lines.len(), lines.is_empty()), (3, false));
        assert_eq!(lines.iter().collect::<Vec<_>>(), [c"A=1", c"", c"A=2"]);
        assert_eq!((lines.get(2), lines.get(3)), (Some(c"A=2"), None));
        // SAFETY: the lines live, and end with their NUL.
        let seen = lines.pointers().map(|line| unsafe { CStr::from_ptr(line) });
        assert_eq!(seen.collect::<Vec<_>>(), [c"A=1", c"", c"A=2"]);
    }
}
