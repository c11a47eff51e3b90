//! The error object of the protocol (specification, section 5, "Error").

use crate::error::{Error, Status, code};
use crate::types::json::ObjectWriter;

impl Error {
    /// The error of a plugin, as its runtime gets to see it.
    ///
    /// `code` is one of [`crate::code`], or 100 and above for the plugin's own; `msg` is short, `details` may be empty.
    pub fn of_plugin(code: u32, msg: impl Into<String>, details: impl Into<String>) -> Error {
        let (msg, details) = (msg.into(), details.into());
        let message = if details.is_empty() { msg.clone() } else { format!("{msg}; {details}") };
        Error::new(Status::Plugin, message).with(|facts| {
            facts.code = code;
            facts.msg = Some(msg);
            facts.details = (!details.is_empty()).then_some(details);
        })
    }
}

impl Error {
    /// The same failure once more, as far as an error object can tell it.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    pub(crate) fn as_failure(&self) -> Error {
        let (code, msg, details) = parts(self);
        Error::of_plugin(code, msg, details)
    }
}

/// Code, message and details of an error. One that is no error object itself has the code 999, and its text for
/// the message.
fn parts(error: &Error) -> (u32, &str, &str) {
    let facts = error.facts();
    fn text(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or_default()
    }
    match facts.status == Status::Plugin || facts.msg.is_some() {
        true => (facts.code, text(&facts.msg), text(&facts.details)),
        false => (code::INTERNAL, error.message(), ""),
    }
}

/// The object that is printed for an error.
pub(super) fn error_object(error: &Error) -> String {
    let (code, msg, details) = parts(error);
    let mut out = String::with_capacity(64 + msg.len() + details.len());
    let mut object = ObjectWriter::open(&mut out);
    object.number("code", i64::from(code));
    object.string("msg", msg);
    if !details.is_empty() {
        object.string("details", details);
    }
    object.close();
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_is_kept_and_anything_else_is_internal() {
        let object = |error| error_object(&error);
        assert_eq!(
            object(Error::of_plugin(7, "bad \"mtu\"", "line\n2")),
            "{\"code\":7,\"msg\":\"bad \\\"mtu\\\"\",\"details\":\"line\\n2\"}\n"
        );
        assert_eq!(object(Error::of_plugin(100, "m", "")), "{\"code\":100,\"msg\":\"m\"}\n");
        assert_eq!(object(Error::new(Status::Io, "disk")), "{\"code\":999,\"msg\":\"disk\"}\n");
        assert_eq!(object(Error::new(Status::Plugin, "")), "{\"code\":0,\"msg\":\"\"}\n");
    }
}
