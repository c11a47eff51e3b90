//! The attachments in the cache, one after the other.

use std::io;
use std::sync::Arc;

use super::dir::{self, Dir};
use super::names::{self, Matcher, Names};
use super::{Cache, Problem, Seen, format, see};
use crate::error::Result;
use crate::types::attachment::{Attachment, AttachmentFilter, AttachmentKey};

/// Attachments, and the files that were skipped.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order of their file names.
    pub attachments: Vec<Attachment>,
    /// Files that might be attachments and could not be used.
    pub skipped: Vec<Problem>,
}

/// One step of a [`Scan`].
#[derive(Debug)]
pub enum Scanned {
    /// An attachment that the filter matches.
    Attachment(Attachment),
    /// A file that might be such an attachment and could not be used.
    Skipped(Problem),
}

/// The attachments that a filter matches, in the order of their file names.
///
/// The names are read when the scan begins, each file when its turn comes; one that is gone by then is
/// left out. Of the files only the current one is in memory, so a caller may take its time over each.
#[derive(Debug)]
pub struct Scan {
    filter: AttachmentFilter,
    results: Option<Arc<Dir>>,
    names: std::vec::IntoIter<Box<str>>,
}

impl Cache {
    /// The attachments that the filter matches. Files that cannot match by their name are not opened.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) for `/` or NUL in the filter;
    /// [`Status::Cache`](crate::Status::Cache) when the directory cannot be read, or the process or the
    /// system has no descriptor or memory left.
    pub fn attachments(&self, filter: &AttachmentFilter) -> Result<Listing> {
        let mut listing = Listing::default();
        for step in self.scan(filter)? {
            match step? {
                Scanned::Attachment(attachment) => listing.attachments.push(attachment),
                Scanned::Skipped(problem) => listing.skipped.push(problem),
            }
        }
        Ok(listing)
    }

    /// As [`Cache::attachments`], one at a time.
    ///
    /// # Errors
    /// As [`Cache::attachments`].
    pub fn scan(&self, filter: &AttachmentFilter) -> Result<Scan> {
        names::check_filter(filter)?;
        let results = self.results()?;
        let names = match &results {
            Some(results) => candidates(results, filter)?,
            None => Vec::new(),
        };
        Ok(Scan { filter: filter.clone(), results, names: names.into_iter() })
    }
}

/// The names of the files that may match, in byte order.
fn candidates(results: &Dir, filter: &AttachmentFilter) -> Result<Vec<Box<str>>> {
    let mut found: Vec<Box<str>> = Vec::new();
    if let AttachmentFilter {
        container_id: Some(container_id),
        network_name: Some(network_name),
        if_name: Some(if_name),
    } = filter
    {
        // One attachment: no need to look through the directory.
        let key = AttachmentKey {
            container_id: container_id.clone(),
            network_name: network_name.clone(),
            if_name: if_name.clone(),
        };
        if let Ok(names) = Names::of(&key) {
            found.extend(names.plain().map(Box::from));
            found.push(names.hashed.into());
        }
    } else {
        let matcher = Matcher::new(filter);
        results
            .each_name(32 << 10, |name| {
                // What is not UTF-8 was written by neither library.
                if let Some(name) = name.to_str().filter(|name| matcher.may_match(name)) {
                    found.push(name.into());
                }
                true
            })
            .map_err(|error| dir::failed("read", results.path(), &error))?;
    }
    found.sort_unstable();
    Ok(found)
}

impl Iterator for Scan {
    type Item = Result<Scanned>;

    fn next(&mut self) -> Option<Result<Scanned>> {
        let results = self.results.as_ref()?;
        self.names.by_ref().find_map(|name| look(results, &name, &self.filter).transpose())
    }
}

/// What is to be said of the file `name`, if anything.
fn look(results: &Dir, name: &str, filter: &AttachmentFilter) -> Result<Option<Scanned>> {
    let skipped = |reason| Ok(Some(Scanned::Skipped(Problem { path: results.path().join(name), reason })));
    let contents = match results.read(name) {
        Ok(Some(contents)) => contents,
        Ok(None) => return Ok(None),
        Err(error) if is_systemic(&error) => return Err(results.failed("read", name, &error)),
        Err(error) => return skipped(dir::reason(&error)),
    };
    let attachment = match contents.parse() {
        Ok(format::Parsed::Entry(entry)) => entry.attachment,
        // Not ours, as for the original.
        Ok(format::Parsed::Legacy(_)) => return Ok(None),
        Err(reason) => return skipped(reason),
    };
    let key = &attachment.key;
    if [&key.container_id, &key.network_name, &key.if_name].iter().any(|part| part.is_empty()) {
        return Ok(None);
    }
    if !filter.matches(key) {
        return Ok(None);
    }
    // Nearly every file. It is the one that counts, whatever else there is.
    if name == names::plain(key) && names::check(key).is_ok() {
        return Ok(Some(Scanned::Attachment(attachment)));
    }
    match Names::of(key) {
        Err(error) => skipped(error.message().to_owned()),
        Ok(names) if !names.contain(name) && stands_elsewhere(results, &names, key) => {
            skipped("it is a copy: the attachment in it has a file of its own name".to_owned())
        }
        Ok(names) if is_superseded(results, name, &names, key) => Ok(None),
        Ok(_) => Ok(Some(Scanned::Attachment(attachment))),
    }
}

/// Whether the attachment stands under its plain name as well: then that one counts.
fn is_superseded(results: &Dir, name: &str, names: &Names, key: &AttachmentKey) -> bool {
    name == names.hashed
        && names.plain().is_some_and(|plain| matches!(see(results, plain, key), Ok(Seen::Own(_))))
}

/// Whether the attachment in a file of another name stands under one of its own. When it does not, the file that
/// somebody renamed is all that is left of it, and is listed, as by the original.
fn stands_elsewhere(results: &Dir, names: &Names, key: &AttachmentKey) -> bool {
    let own = |name: &str| matches!(see(results, name, key), Ok(Seen::Own(_)));
    names.plain().is_some_and(own) || own(&names.hashed)
}

/// Whether the failure is not the file's: with every file failing like this, a list would look empty.
fn is_systemic(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}
