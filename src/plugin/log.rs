//! Where the words of a plugin go.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// The stderr of a plugin.
pub(super) enum Log {
    /// The program's own.
    Stderr,
    /// Kept for the outcome, up to that many bytes: of more, the end.
    Kept { text: Mutex<Vec<u8>>, max_bytes: usize },
}

impl Log {
    pub(super) fn kept(max_bytes: usize) -> Log {
        Log::Kept { text: Mutex::default(), max_bytes }
    }

    pub(super) fn write(&self, words: &[u8]) {
        match self {
            // Nobody is left to tell of a stderr that cannot be written.
            Log::Stderr => drop(std::io::stderr().write_all(words)),
            Log::Kept { text, max_bytes } => {
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(words);
                let excess = text.len().saturating_sub(*max_bytes);
                text.drain(..excess);
            }
        }
    }

    /// What was kept so far.
    pub(super) fn take(&self) -> Vec<u8> {
        match self {
            Log::Stderr => Vec::new(),
            Log::Kept { text, .. } => {
                std::mem::take(&mut *text.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}
