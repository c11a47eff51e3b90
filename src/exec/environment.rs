//! The environment of a plugin: the host's by policy, the protocol's, and nothing twice.

use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

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
    /// The variables in the order of their names.
    by_name: Vec<Variable>,
}

struct Variable {
    /// How its name begins, which tells nearly all names apart and in their order.
    beginning: u64,
    /// The length of its name.
    length: usize,
    /// Of its line.
    place: usize,
}

/// The first eight bytes of a name, or all that it has.
fn beginning(name: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(bytes.len());
    bytes[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(bytes)
}

impl Builder {
    /// Begins with what `policy` keeps. The host's environment is read once here.
    pub(crate) fn new(policy: &EnvPolicy) -> Builder {
        let mut variables = Builder {
            // The C library is quick with blocks of up to a kilobyte.
            built: Environment { block: Vec::with_capacity(1000), lines: Vec::with_capacity(40) },
            by_name: Vec::with_capacity(40),
        };
        match policy {
            EnvPolicy::Inherit => {
                for (name, value) in std::env::vars_os() {
                    variables.put(name.as_bytes(), value.as_bytes());
                }
            }
            EnvPolicy::Clean => variables.keep("PATH"),
            EnvPolicy::Keep(names) => names.iter().for_each(|name| variables.keep(name)),
            EnvPolicy::Exactly(pairs) => {
                for (name, value) in pairs {
                    variables.put(name.as_bytes(), value.as_bytes());
                }
            }
        }
        variables
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.put(name.as_bytes(), value.as_bytes());
    }

    pub(crate) fn build(self) -> Environment {
        self.built
    }

    fn put(&mut self, name: &[u8], value: &[u8]) {
        let line = self.built.append(&[name, b"=", value]);
        let Environment { block, lines } = &mut self.built;
        if block[line.clone()].contains(&0) {
            block.truncate(line.start);
            return;
        }
        let (beginning, length) = (beginning(name), name.len());
        let found = self.by_name.binary_search_by(|other| {
            let other_name = || &block[lines[other.place].start..][..other.length];
            other.beginning.cmp(&beginning).then_with(|| other_name().cmp(name))
        });
        match found {
            // What was there before stays in the block, where nothing points to it any more.
            Ok(at) => lines[self.by_name[at].place] = line,
            Err(at) => {
                self.by_name.insert(at, Variable { beginning, length, place: lines.len() });
                lines.push(line);
            }
        }
    }

    fn keep(&mut self, name: &str) {
        if let Some(value) = std::env::var_os(name) {
            self.put(name.as_bytes(), value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built(policy: &EnvPolicy, own: &[(&str, &str)]) -> Vec<String> {
        let mut variables = Builder::new(policy);
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
