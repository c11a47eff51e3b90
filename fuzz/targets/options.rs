//! Options and arguments of the host, and what else is a text of its own: versions, trace ids, filters.

use cni::cni::GcArgs;
use cni::version::Version;
use cni::{AttachmentFilter, CniOptions, Context, ContextOptions, RuntimeConf, Status};

use super::assert_good_error;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let check = |outcome: cni::Result<()>| {
        if let Err(error) = outcome {
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(!error.message().is_empty());
            assert_good_error(&error, data.len());
        }
    };
    check(CniOptions::from_json(text).map(drop));
    check(GcArgs::from_json(text).map(drop));
    check(AttachmentFilter::from_json(text).map(drop));
    check(ContextOptions::from_json(text).and_then(Context::new).map(drop));
    check(RuntimeConf::from_json(text).map(|rt| {
        let printed = serde_json::to_string(&rt).expect("it prints");
        let again = RuntimeConf::from_json(&printed).expect("and reads back");
        assert_eq!(serde_json::to_string(&again).expect("it prints"), printed);
    }));
    // Signs and leading zeros pass, as in the original; the order is that of the numbers.
    if let (Ok(version), Ok(current)) = (Version::parse(text), Version::parse(cni::version::CURRENT)) {
        assert_eq!(version > current, (version.0, version.1, version.2) > (current.0, current.1, current.2));
    }
}
