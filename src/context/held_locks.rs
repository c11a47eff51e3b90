//! The locks that a caller holds already, handed on to what it runs.
//!
//! A plugin may itself be a user of this library, on the same cache and even for the same attachment (meta
//! plugins are). It would wait for its own parent. So the locks that an operation holds travel to its
//! plugins in the environment variable [`LOCKS_VARIABLE`], and to callbacks in the request's context; who
//! carries a lock does not wait for it.
//!
//! The value comes from an environment, so nothing rests on its truth: it is bounded, what cannot be read
//! counts as nothing, and it only ever decides whether *its bearer* waits. A lock is tried before the value
//! is looked at, so a claim that has become stale (a daemon that a plugin left behind) takes the lock.

use std::fmt;

/// The environment variable that carries [`HeldLocks`].
pub const LOCKS_VARIABLE: &str = "LIBCNI_LOCKS";

const FORM: &str = "1";
const MOST_LOCKS: usize = 256;
const MOST_BYTES: usize = 16 << 10;

/// Locks that are held by this operation or by one that it runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldLocks(Vec<LockId>);

/// Which lock: the locks file, which two paths in two mount namespaces may lead to, and the byte in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) offset: i64,
}

impl HeldLocks {
    /// None.
    pub fn none() -> HeldLocks {
        HeldLocks::default()
    }

    /// Reads the value of [`LOCKS_VARIABLE`]. What is malformed, or longer than any that this library
    /// writes, means none.
    pub fn parse(value: &str) -> HeldLocks {
        HeldLocks(parse(value).unwrap_or_default())
    }

    /// These locks and that one, if it holds one.
    #[must_use]
    pub fn and(mut self, lock: impl Into<Option<LockId>>) -> HeldLocks {
        if let Some(id) = lock.into()
            && !self.0.contains(&id)
        {
            // The outermost go first when there are too many: they were made longest ago.
            if self.0.len() >= MOST_LOCKS {
                self.0.remove(0);
            }
            self.0.push(id);
        }
        self
    }

    fn text(&self) -> String {
        let mut out = String::with_capacity(FORM.len() + 48 * self.0.len());
        out.push_str(FORM);
        for LockId { device, inode, offset } in &self.0 {
            for (separator, number) in [(';', *device), (':', *inode), (':', offset.cast_unsigned())] {
                out.push(separator);
                push_hex(&mut out, number);
            }
        }
        out
    }

    /// The variable for a plugin's environment, when there is anything to tell.
    pub(crate) fn variable(&self) -> Option<(&'static str, String)> {
        (!self.is_empty()).then(|| (LOCKS_VARIABLE, self.text()))
    }

    /// Whether there are none, and the variable need not be set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contain(&self, id: LockId) -> bool {
        self.0.contains(&id)
    }

    /// Whether any is of the same locks file.
    pub(crate) fn touch(&self, id: LockId) -> bool {
        self.0.iter().any(|held| (held.device, held.inode) == (id.device, id.inode))
    }
}

/// The value of [`LOCKS_VARIABLE`].
impl fmt::Display for HeldLocks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

/// Writes a number in hexadecimal digits, as `{:x}` does.
fn push_hex(out: &mut String, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(char::from(b"0123456789abcdef"[(number >> (4 * digit)) as usize & 15]));
    }
}

fn parse(value: &str) -> Option<Vec<LockId>> {
    if value.len() > MOST_BYTES {
        return None;
    }
    let mut parts = value.split(';');
    if parts.next() != Some(FORM) {
        return None;
    }
    let mut locks = Vec::new();
    for part in parts {
        let mut digits = part.split(':');
        let mut number = || u64::from_str_radix(digits.next()?, 16).ok();
        let (device, inode, offset) = (number()?, number()?, i64::try_from(number()?).ok()?);
        if digits.next().is_some() || locks.len() == MOST_LOCKS {
            return None;
        }
        locks.push(LockId { device, inode, offset });
    }
    Some(locks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_as_it_was_printed() {
        let locks = HeldLocks(vec![
            LockId { device: 0xfd01, inode: 7, offset: i64::MAX },
            LockId { device: 0, inode: u64::MAX, offset: 0 },
        ]);
        assert_eq!(locks.to_string(), "1;fd01:7:7fffffffffffffff;0:ffffffffffffffff:0");
        assert_eq!(HeldLocks::parse(&locks.to_string()), locks);
        assert_eq!(HeldLocks::parse(&HeldLocks::none().to_string()), HeldLocks::none());
    }

    #[test]
    fn the_longest_value_is_within_the_bounds() {
        let locks =
            HeldLocks(vec![LockId { device: u64::MAX, inode: u64::MAX, offset: i64::MAX }; MOST_LOCKS]);
        assert_eq!(HeldLocks::parse(&locks.to_string()), locks);
    }

    #[test]
    fn what_is_malformed_or_endless_means_none() {
        let endless = format!("1{}", ";1:1:1".repeat(MOST_LOCKS + 1));
        for value in [
            "",
            "2;1:1:1",
            "1;",
            "1;1:1",
            "1;1:1:1:1",
            "1;1:1:1:x",
            "1;1:1:-1",
            "1;x:1:1",
            "1;1:1:ffffffffffffffff",
            "1;1:1:10000000000000000",
            "1;;1:1:1",
            ";1:1:1",
            "1;1:1:1;",
            endless.as_str(),
        ] {
            assert_eq!(HeldLocks::parse(value), HeldLocks::none(), "{value:.40}");
        }
    }
}
