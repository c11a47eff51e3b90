//! Results and their conversion: total between all pairs of versions, and what is printed reads back as the same.

use cni::{CniResult, version};

use super::assert_good_error;

pub fn run(data: &[u8]) {
    for version in version::ALL {
        match CniResult::from_plugin_output(data, version) {
            Ok(result) => assert_converts(&result, data.len()),
            Err(error) => assert_good_error(&error, data.len()),
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    match CniResult::from_json(text) {
        Ok(result) => assert_converts(&result, data.len()),
        Err(error) => assert_good_error(&error, data.len()),
    }
}

fn assert_converts(result: &CniResult, input: usize) {
    assert_reads_back(result);
    for version in version::ALL {
        match result.convert(version) {
            Ok(converted) => {
                assert_eq!(converted.version(), version);
                assert_reads_back(&converted);
                let again = converted.convert(version).expect("a version converts to itself");
                assert_eq!(again.to_json(), converted.to_json());
            }
            Err(error) => assert_good_error(&error, input),
        }
    }
    assert_good_error(&result.convert("0.9.9").expect_err("no such version"), input);
}

fn assert_reads_back(result: &CniResult) {
    let printed = result.to_json();
    let read = CniResult::from_json(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!(read.to_json(), printed);
}
