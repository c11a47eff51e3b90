//! Results that others wrote, as the table that comes with them says the original takes them.
//!
//! The vectors are no part of this crate: `LIBCNI_VECTORS` tells where they are, or they are in
//! `../shared/vectors`. Without them this is skipped.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use cni::types::result::CniResult;
use cni::{Status, version};
use serde_json::value::RawValue;

fn vectors() -> Option<PathBuf> {
    let dir = std::env::var_os("LIBCNI_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"), PathBuf::from);
    if dir.join("README.md").is_file() {
        return Some(dir);
    }
    eprintln!("skipped: no vectors in {} (LIBCNI_VECTORS tells another place)", dir.display());
    None
}

/// The rows of the section `results/` of the README: file name, and what the original does with it.
fn rows(readme: &str) -> Vec<(&str, &str)> {
    let section = readme.split("\n## ").find(|section| section.starts_with("results/")).unwrap();
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> =
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        rows.push((cells[0], *cells.last().unwrap()));
    }
    rows
}

#[test]
fn results_of_others_read_and_convert_as_in_the_original() {
    let Some(dir) = vectors() else { return };
    let readme = fs::read_to_string(dir.join("README.md")).unwrap();
    let rows = rows(&readme);
    assert!(rows.len() > 20, "the table was not found");
    for (file, outcome) in rows {
        let mut text = fs::read_to_string(dir.join("results").join(file)).unwrap();
        if file.starts_with("cache-") {
            let entry: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
            text = entry["result"].get().to_owned();
        }
        let read = CniResult::from_json(&text);
        if let Some(error) = outcome.strip_prefix("error: `") {
            if error.starts_with("unsupported CNI result version") {
                let error_here = read.expect_err(file);
                assert_eq!((error_here.message(), error_here.status()), (error, Status::InvalidResult));
            }
            // Other errors are about the cache entry around the result.
            continue;
        }
        let outcome = outcome.trim_start_matches("ok ").trim_start_matches("result ");
        let (version, impossible) = outcome.split_once("; not to ").unwrap_or((outcome, ""));
        let result = read.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(result.version(), version, "{file}");
        for target in version::ALL {
            match result.convert(target) {
                Ok(converted) => {
                    assert!(!impossible.contains(target), "{file} to {target}");
                    assert_eq!(converted.version(), target);
                    assert_eq!(CniResult::from_json(&converted.to_json()).unwrap(), converted, "{file}");
                }
                Err(error) => {
                    assert!(impossible.contains(target), "{file} to {target}: {error}");
                    assert_eq!(error.message(), "cannot convert: no valid IP addresses");
                }
            }
        }
    }
}
