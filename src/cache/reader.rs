//! Reading the files of attachments, one after the other, with what can be used again from one to the next.

use std::io;
use std::time::SystemTime;

use super::dir::Entry;
use super::format::{self, Config, Parsed};
use crate::text;

/// Most files fit. What does not is read the long way.
const GLANCE_BYTES: usize = 8 << 10;

#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    config: Config,
}

/// A file that can be read and makes no sense.
pub(super) struct Unusable {
    pub reason: String,
    pub modified: SystemTime,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader { buffer: Vec::with_capacity(GLANCE_BYTES), config: Config::default() }
    }

    /// Reads the file, and hands what it says to `then`.
    pub(super) fn read<T>(
        &mut self,
        entry: Entry,
        then: impl FnOnce(Result<Parsed<'_>, Unusable>) -> T,
    ) -> io::Result<T> {
        // The beginning of an object is no object: what is found to be an attachment is a whole one.
        if let Ok(text) = std::str::from_utf8(entry.glance(&mut self.buffer))
            && let Ok(parsed @ Parsed::Entry(_)) = format::parse(text, &mut self.config)
        {
            return Ok(then(Ok(parsed)));
        }
        let contents = entry.contents()?;
        let unusable = |reason| Unusable { reason, modified: contents.modified };
        Ok(match &contents.bytes {
            Some(bytes) => {
                let text = text::lossy(bytes);
                then(format::parse(&text, &mut self.config).map_err(unusable))
            }
            None => then(Err(unusable("the file is too large".to_owned()))),
        })
    }
}
