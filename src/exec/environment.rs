//! The environment of a plugin: the host's by policy, the protocol's, and nothing twice.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use crate::context::EnvPolicy;

/// The environment of one operation's plugins as `NAME=value`: what `policy` keeps of the host's
/// environment, then `own`. Of a name that occurs twice the last value counts.
///
/// The host's environment is read once here. A variable that cannot be passed on (a NUL in it) is left
/// out; the callers have checked theirs.
pub(crate) fn build(policy: &EnvPolicy, own: &[(&str, String)]) -> Vec<CString> {
    let mut variables = Environment { lines: Vec::with_capacity(64), by_name: Vec::with_capacity(64) };
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
    variables.lines
}

struct Environment {
    lines: Vec<CString>,
    /// The place of each line and the length of its name, in the order of the names.
    by_name: Vec<(usize, usize)>,
}

impl Environment {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        let name_of = |(place, length): (usize, usize)| &self.lines[place].as_bytes()[..length];
        let found = self.by_name.binary_search_by(|&entry| name_of(entry).cmp(name));
        // Room for the NUL as well, so that the line is not moved once more.
        let mut line = Vec::with_capacity(name.len() + value.len() + 2);
        line.extend_from_slice(name);
        line.push(b'=');
        line.extend_from_slice(value);
        let Ok(line) = CString::new(line) else { return };
        match found {
            Ok(at) => self.lines[self.by_name[at].0] = line,
            Err(at) => {
                self.by_name.insert(at, (self.lines.len(), name.len()));
                self.lines.push(line);
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
        build(policy, &own).into_iter().map(|line| line.into_string().unwrap()).collect()
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
}
