//! The result of ADD that CHECK and DEL pass to the plugins: from the call, or from the cache.

use serde_json::value::RawValue;

use crate::cache::{Cache, Lookup};
use crate::error::{Error, Result, Status};
use crate::types::attachment::AttachmentKey;
use crate::types::result::CniResult;

/// What is known of the ADD of an attachment.
pub(super) enum PrevResult {
    /// Nothing: there was no ADD, or it has been undone.
    Absent,
    /// Its result, in the version of the configuration.
    Known(Box<CniResult>),
    /// There is a cache file, and it is of no use.
    Unusable(Error),
}

/// Reads the cached result and converts it to `cni_version`.
///
/// # Errors
/// [`Status::Cache`] when the cache cannot be read, which is not the same as unusable content.
pub(super) fn cached(cache: &Cache, key: &AttachmentKey, cni_version: &str) -> Result<PrevResult> {
    let result = match cache.load(key)? {
        Lookup::Absent => return Ok(PrevResult::Absent),
        // What the original makes of an entry without a result: an empty one.
        Lookup::Found(entry) => CniResult::from_cache(entry.result.as_deref().unwrap_or(RawValue::NULL)),
        Lookup::Legacy(legacy) if legacy.kind.is_empty() => CniResult::from_json(&legacy.text),
        Lookup::Legacy(legacy) => {
            let kind = crate::text::quote(&legacy.kind);
            let message = format!("the cache file {key} has the unknown kind {kind}");
            return Ok(PrevResult::Unusable(Error::new(Status::Cache, message)));
        }
        Lookup::Corrupt(problem) => {
            let error = Error::new(Status::Cache, problem.to_string()).at_path(&problem.path);
            return Ok(PrevResult::Unusable(error));
        }
    };
    Ok(match converted(result, cni_version) {
        Ok(result) => PrevResult::Known(Box::new(result)),
        Err(error) => PrevResult::Unusable(error.with(|facts| facts.status = Status::Cache)),
    })
}

/// A result that the caller passes, in the version of the configuration.
///
/// # Errors
/// [`Status::InvalidArgument`] when it is not a result, or cannot be converted.
pub(super) fn given(result: &RawValue, cni_version: &str) -> Result<CniResult> {
    converted(CniResult::from_raw(result), cni_version).map_err(|error| {
        error.context("invalid prevResult").with(|facts| facts.status = Status::InvalidArgument)
    })
}

fn converted(result: Result<CniResult>, cni_version: &str) -> Result<CniResult> {
    result?.into_version(cni_version).map_err(|error| {
        let version = crate::text::quote(cni_version);
        error.context(format_args!("failed to convert cached result to config version {version}"))
    })
}
