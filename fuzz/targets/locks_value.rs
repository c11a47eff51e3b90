//! The value of LIBCNI_LOCKS, which comes from an environment: it is bounded, and what it says reads back.

use cni::context::HeldLocks;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let locks = HeldLocks::parse(text);
    let printed = locks.to_string();
    assert_eq!(HeldLocks::parse(&printed), locks);
    assert!(printed.len() <= 16 << 10);
    assert!(locks.is_empty() || text.starts_with("1;"));
}
