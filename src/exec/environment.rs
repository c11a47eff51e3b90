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

/// The environment of one operation's plugins: what `policy` keeps of the host's
/// environment, then `own`. Of a name that occurs twice the last value counts.
///
/// The host's environment is read once here. A variable that cannot be passed on (a NUL in it) is left
/// out; the callers have checked theirs.
pub(crate) fn build(policy: &EnvPolicy, own: &[(&str, String)]) -> Environment {
    let mut variables = Builder {
        built: Environment { block: Vec::with_capacity(2048), lines: Vec::with_capacity(64) },
        by_name: Vec::with_capacity(64),
    };
    match policy {
        EnvPolicy::Inherit => {
            for (name, value) in std::env::vars_os() {
                variables.set(name.as_bytes(), value.as_bytes());
            }
        }
        EnvPolicy::Clean => variables.keep("PATH"),
        EnvPolicy::Keep(names) => names.iter().for_each(|name| variables.keep(name)),
        EnvPolicy::Exactly(pairs) => {
            for (name, value) in pairs {
                variables.set(name.as_bytes(), value.as_bytes());
            }
        }
    }
    for (name, value) in own {
        variables.set(name.as_bytes(), value.as_bytes());
    }
    variables.built
}

struct Builder {
    built: Environment,
    /// The place of each line and the length of its name, in the order of the names.
    by_name: Vec<(usize, usize)>,
}

impl Builder {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        if name.contains(&0) || value.contains(&0) {
            return;
        }
        let Environment { block, lines } = &self.built;
        let name_of = |(place, length): (usize, usize)| &block[lines[place].start..][..length];
        let found = self.by_name.binary_search_by(|&entry| name_of(entry).cmp(name));
        let line = self.built.append(&[name, b"=", value]);
        let lines = &mut self.built.lines;
        match found {
            // What was there before stays in the block, where nothing points to it any more.
            Ok(at) => lines[self.by_name[at].0] = line,
            Err(at) => {
                self.by_name.insert(at, (lines.len(), name.len()));
                lines.push(line);
            }
        }
    }

    fn keep(&mut self, name: &str) {
        if let Some(value) = std::env::var_os(name) {
            self.set(name.as_bytes(), value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built(policy: &EnvPolicy, own: &[(&str, &str)]) -> Vec<String> {
        let own: Vec<_> = own.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        build(policy, &own).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_name_occurs_once_and_ours_wins() {
        let exactly = EnvPolicy::Exactly(vec![
            ("CNI_COMMAND".into(), "stale".into()),
            ("A".into(), "1".into()),
            ("A".into(), "2=3".into()),
        ]);
        assert_eq!(built(&exactly, &[("CNI_COMMAND", "ADD"), ("B", "")]), ["CNI_COMMAND=ADD", "A=2=3", "B="]);
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
