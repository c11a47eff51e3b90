//! The host's environment, variable by variable.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::context::HostEnvironment;

/// Who else may change the environment, and so how it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Environ<'a> {
    /// A host in Rust, by `std::env`: it is read under that lock, and copied.
    #[default]
    Rust,
    /// A host in another language, by `setenv`: in a shared library `std::env` has a lock that nobody else takes, and its copies,
    /// two for a variable, buy nothing. C allows no change while another thread reads, by `getenv` or by this.
    #[cfg(feature = "capi")]
    C,
    /// Nobody: it was read before.
    Read(&'a HostEnvironment),
}

impl Environ<'_> {
    /// Hands on each variable, name and value. What is no variable, for lack of a `=`, is left out.
    pub(super) fn each(self, mut take: impl FnMut(&[u8], &[u8])) {
        match self {
            Environ::Rust => {
                std::env::vars_os().for_each(|(name, value)| take(name.as_bytes(), value.as_bytes()));
            }
            Environ::Read(environment) => {
                environment.iter().for_each(|(name, value)| take(name.as_bytes(), value.as_bytes()));
            }
            #[cfg(feature = "capi")]
            Environ::C => of_c(|line| {
                // A `=` at the beginning is part of the name, as for `std::env`.
                let name = line.iter().skip(1).position(|byte| *byte == b'=').map(|at| at + 1);
                if let Some(name) = name {
                    take(&line[..name], &line[name + 1..]);
                }
            }),
        }
    }

    /// The value of one variable.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        match self {
            Environ::Read(environment) => {
                environment.iter().find(|(other, _)| *other == name).map(|(_, value)| value.into())
            }
            _ => std::env::var_os(name).map(Cow::from),
        }
    }
}

#[cfg(feature = "capi")]
fn of_c(mut take: impl FnMut(&[u8])) {
    use std::ffi::{CStr, c_char};

    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: `environ` is NULL (after `clearenv`) or an array of strings that ends with NULL. All that is read may be counted on as
    // long as nobody changes the environment at the same time, which C forbids its programs, and which `std::env` in a
    // shared library counts on as well. Nothing of it is kept.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            take(CStr::from_ptr(*next).to_bytes());
            next = next.add(1);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "capi")]
mod tests {
    use super::*;

    #[test]
    fn all_ways_see_the_same() {
        let seen = |environ: Environ<'_>| {
            let mut variables = Vec::new();
            environ.each(|name, value| variables.push((name.to_vec(), value.to_vec())));
            variables
        };
        let variables = seen(Environ::Rust);
        assert!(variables.iter().any(|(name, _)| name == b"PATH"));
        assert_eq!(seen(Environ::C), variables);
        let before = HostEnvironment::read();
        assert_eq!(seen(Environ::Read(&before)), variables);
        assert_eq!(Environ::Read(&before).get("PATH"), Environ::Rust.get("PATH"));
        assert_eq!(Environ::Read(&before).get("NO_SUCH_VARIABLE"), None);
    }
}
