//! W3C trace context and baggage, which plugins get as environment variables.

use crate::error::{Error, Result, Status};

/// The trace ids of a call (W3C Trace Context and Baggage).
///
/// A plugin gets them as `TRACEPARENT`, `TRACESTATE` and `BAGGAGE`; the last two only beside a traceparent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    /// `traceparent`: version, trace id, parent id and flags, in lower-case hexadecimal digits.
    pub traceparent: Option<String>,
    /// `tracestate`: a list of `key=value`.
    pub tracestate: Option<String>,
    /// `baggage`: a list of `key=value`, values percent-encoded.
    pub baggage: Option<String>,
}

impl TraceContext {
    /// # Errors
    /// [`Status::InvalidArgument`], with the name of the malformed member.
    pub(super) fn validate(&self) -> Result<()> {
        let malformed = |name: &str, value: &str, why: &str| {
            let message = format!("invalid {name} {}: {why}", crate::text::quote(value));
            Err(Error::new(Status::InvalidArgument, message))
        };
        if let Some(value) = &self.traceparent
            && let Err(why) = check_traceparent(value)
        {
            return malformed("traceparent", value, why);
        }
        for (name, value) in [("tracestate", &self.tracestate), ("baggage", &self.baggage)] {
            let Some(value) = value else { continue };
            if let Err(why) = check_list(value) {
                return malformed(name, value, why);
            }
        }
        Ok(())
    }

    /// The variables of a plugin's environment: names and values.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(traceparent) = &self.traceparent else { return Vec::new() };
        let mut variables = vec![("TRACEPARENT", traceparent.clone())];
        for (name, value) in [("TRACESTATE", &self.tracestate), ("BAGGAGE", &self.baggage)] {
            variables.extend(value.clone().filter(|value| !value.is_empty()).map(|value| (name, value)));
        }
        variables
    }
}

/// W3C Trace Context, section 3.2.
fn check_traceparent(value: &str) -> std::result::Result<(), &'static str> {
    let mut parts = value.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("expected version-traceid-parentid-flags");
    };
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !hex(version, 2) || version == "ff" {
        return Err("the version is not two lower-case hexadecimal digits below ff");
    }
    if !hex(trace, 32) || trace.bytes().all(|byte| byte == b'0') {
        return Err("the trace id is not 32 lower-case hexadecimal digits, or all zero");
    }
    if !hex(parent, 16) || parent.bytes().all(|byte| byte == b'0') {
        return Err("the parent id is not 16 lower-case hexadecimal digits, or all zero");
    }
    if !hex(flags, 2) {
        return Err("the flags are not two lower-case hexadecimal digits");
    }
    if version == "00" && parts.next().is_some() {
        return Err("version 00 has four parts");
    }
    Ok(())
}

/// `key=value` members separated by commas, in printable ASCII.
fn check_list(value: &str) -> std::result::Result<(), &'static str> {
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
        return Err("it has characters other than printable ASCII");
    }
    let well_formed = |member: &str| {
        let member = member.trim_matches([' ', '\t']);
        member.is_empty() || member.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty())
    };
    if value.split(',').all(well_formed) {
        Ok(())
    } else {
        Err("expected key=value members separated by commas")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn context(traceparent: Option<&str>, tracestate: Option<&str>, baggage: Option<&str>) -> TraceContext {
        let own = |value: Option<&str>| value.map(str::to_owned);
        TraceContext { traceparent: own(traceparent), tracestate: own(tracestate), baggage: own(baggage) }
    }

    #[test]
    fn baggage_travels_only_beside_a_traceparent() {
        let alone = context(None, None, Some("a=b"));
        alone.validate().unwrap();
        assert!(alone.variables().is_empty());
        let all = context(Some(PARENT), Some("k=v"), Some("a=b"));
        all.validate().unwrap();
        let variables = all.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(variables, [("TRACEPARENT", PARENT), ("TRACESTATE", "k=v"), ("BAGGAGE", "a=b")]);
    }

    #[test]
    fn malformed_ids_are_named() {
        for bad in [
            "",
            "00",
            "00-xyz-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            let error = context(Some(bad), None, None).validate().unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(error.message().starts_with("invalid traceparent "), "{error}");
        }
        assert!(context(Some(PARENT), Some("novalue"), None).validate().is_err());
        assert!(context(Some(PARENT), None, Some("a=\u{e9}")).validate().is_err());
    }
}
