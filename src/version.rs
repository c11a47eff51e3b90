//! Versions of the CNI specification: which there are, and their order.

use crate::error::{Error, Result, Status};

/// The newest version of the specification that this library speaks.
pub const CURRENT: &str = "1.1.0";

/// Every version of the specification, oldest first.
pub const ALL: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// What an absent or empty version means (specification 0.1.0 had no version field).
pub const WHEN_EMPTY: &str = "0.1.0";

/// The first version with the CHECK command, and with prevResult for DEL.
pub(crate) const WITH_CHECK: Version = Version(0, 4, 0);

/// The first version with the GC and STATUS commands.
pub(crate) const WITH_GC_AND_STATUS: Version = Version(1, 1, 0);

/// A parsed version, in order: major, minor, micro.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub i64, pub i64, pub i64);

impl Version {
    /// Parses `text`: up to three decimal parts, missing ones are 0, and an empty text is 0.1.0.
    ///
    /// # Errors
    /// [`Status::InvalidConfig`], with the part that is not a number.
    pub fn parse(text: &str) -> Result<Version> {
        if text.is_empty() {
            return Ok(Version(0, 1, 0));
        }
        if text.split('.').count() >= 4 {
            let message = format!("invalid version {}: too many parts", crate::text::quote(text));
            return Err(Error::new(Status::InvalidConfig, message));
        }
        let mut parts = [0; 3];
        for ((part, slot), place) in text.split('.').zip(&mut parts).zip(["major", "minor", "micro"]) {
            *slot = parse_part(part).ok_or_else(|| {
                let quoted = crate::text::quote(part);
                let message =
                    format!("failed to convert {place} version part {quoted}: not a decimal number");
                Error::new(Status::InvalidConfig, message)
            })?;
        }
        let [major, minor, micro] = parts;
        Ok(Version(major, minor, micro))
    }
}

/// A decimal number with an optional sign, as the original takes it.
fn parse_part(part: &str) -> Option<i64> {
    let digits = part.strip_prefix(['+', '-']).unwrap_or(part);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    part.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn missing_parts_are_zero_and_an_empty_version_is_0_1_0() {
        assert_eq!(Version::parse("").unwrap(), Version(0, 1, 0));
        assert_eq!(Version::parse("1").unwrap(), Version(1, 0, 0));
        assert_eq!(Version::parse("0.4").unwrap(), Version(0, 4, 0));
        assert_eq!(Version::parse("+1.-2.3").unwrap(), Version(1, -2, 3));
    }

    #[test]
    fn order_is_numeric() {
        assert!(Version::parse("0.10.0").unwrap() > Version::parse("0.4.0").unwrap());
        assert!(Version::parse(CURRENT).unwrap() >= WITH_GC_AND_STATUS);
        for pair in ALL.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap());
        }
    }

    #[test]
    fn a_bad_part_is_named() {
        let message = |text: &str| Version::parse(text).unwrap_err().message().to_owned();
        assert_eq!(message("1.2.3.4"), "invalid version \"1.2.3.4\": too many parts");
        assert!(message("1.x.0").starts_with("failed to convert minor version part \"x\": "));
        assert!(message("1.0.").starts_with("failed to convert micro version part \"\": "));
        assert!(message("99999999999999999999").starts_with("failed to convert major version part "));
    }
}
