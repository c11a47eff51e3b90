//! The attachments in the cache, one after the other.

use std::io;
use std::sync::Arc;

use super::dir::{self, Dir};
use super::format::{Found, Parsed};
use super::names::{self, Matcher, Names};
use super::reader::{Reader, Unusable};
use super::{Cache, Problem, Seen, see};
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
    reader: Reader,
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
        Ok(Scan { filter: filter.clone(), results, names: names.into_iter(), reader: Reader::new() })
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
            .map_err(|error| dir::failed("read", &results.path(), &error))?;
    }
    found.sort_unstable();
    Ok(found)
}

impl Iterator for Scan {
    type Item = Result<Scanned>;

    fn next(&mut self) -> Option<Result<Scanned>> {
        let mut found = None;
        loop {
            let looked = self.look(&mut |attachment| found = Some(attachment.into_attachment()))?;
            match (looked, found.take()) {
                (Err(error), _) => return Some(Err(error)),
                (Ok(Some(problem)), _) => return Some(Ok(Scanned::Skipped(problem))),
                (Ok(None), Some(attachment)) => return Some(Ok(Scanned::Attachment(attachment))),
                (Ok(None), None) => {}
            }
        }
    }
}

impl Scan {
    /// The same files in that many parts or fewer, one after the other, each of them at least so many files: for as many threads.
    pub(crate) fn split(self, parts: usize, least: usize) -> Vec<Scan> {
        let Scan { filter, results, mut names, .. } = self;
        let each = names.len().div_ceil(parts.max(1)).max(least).max(1);
        let mut scans = Vec::with_capacity(parts);
        while names.len() > 0 {
            let names = names.by_ref().take(each).collect::<Vec<_>>().into_iter();
            scans.push(Scan {
                filter: filter.clone(),
                results: results.clone(),
                names,
                reader: Reader::new(),
            });
        }
        scans
    }

    /// How many files it still has to look at.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Shows each attachment as it stands in its file, and gives the files that were skipped.
    pub(crate) fn show(mut self, show: &mut dyn FnMut(Found<'_>)) -> Result<Vec<Problem>> {
        let mut skipped = Vec::new();
        while let Some(looked) = self.look(show) {
            skipped.extend(looked?);
        }
        Ok(skipped)
    }

    /// Looks at the next file: shows its attachment, or says what is wrong with it, if anything is to be said.
    fn look(&mut self, show: &mut dyn FnMut(Found<'_>)) -> Option<Result<Option<Problem>>> {
        let results = self.results.as_ref()?;
        let name = self.names.next()?;
        let skipped = |reason| Some(Problem { path: results.path().join(&*name), reason });
        let outcome = match results.entry(&name) {
            Ok(None) => return Some(Ok(None)),
            Ok(Some(entry)) => self.reader.read(entry, |parsed| match parsed {
                Ok(Parsed::Entry(found)) => judge(results, &name, &self.filter, found, show),
                // Not ours, as for the original.
                Ok(Parsed::Legacy(_)) => None,
                Err(Unusable { reason, .. }) => Some(reason),
            }),
            Err(error) => Err(error),
        };
        Some(match outcome {
            Ok(reason) => Ok(reason.and_then(skipped)),
            Err(error) if is_systemic(&error) => Err(results.failed("read", &*name, &error)),
            Err(error) => Ok(skipped(dir::reason(&error))),
        })
    }
}

/// Shows an attachment that was found in the file `name`, if it counts; or says why the file is skipped.
fn judge(
    results: &Dir,
    name: &str,
    filter: &AttachmentFilter,
    found: Found<'_>,
    show: &mut dyn FnMut(Found<'_>),
) -> Option<String> {
    let (container_id, network_name, if_name) = (&*found.container_id, &*found.network_name, &*found.if_name);
    if [container_id, network_name, if_name].iter().any(|part| part.is_empty())
        || !filter.matches_parts(container_id, network_name, if_name)
    {
        return None;
    }
    // Nearly every file. It is the one that counts, whatever else there is. (What stands in the name of a file may do so.)
    if names::is_plain(name, network_name, container_id, if_name) {
        show(found);
        return None;
    }
    let key = found.key();
    match Names::of(&key) {
        Err(error) => return Some(error.message().to_owned()),
        Ok(names) if !names.contain(name) && stands_elsewhere(results, &names, &key) => {
            return Some("it is a copy: the attachment in it has a file of its own name".to_owned());
        }
        Ok(names) if is_superseded(results, name, &names, &key) => {}
        Ok(_) => show(found),
    }
    None
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
