//! `CNI_ARGS`: `K=V;K2=V2`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::request::Request;
use crate::error::{Error, Result, code};
use crate::text;

impl Request<'_> {
    /// `CNI_ARGS` as a value of the plugin's own type: a struct whose fields are strings (or types that are read from
    /// a string), each an `Option` or with a default. An argument that has no field is an error, unless `IgnoreUnknown`
    /// is set to `1` or `true` in them. Names count exactly; of a repeated one the last value.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Args {
    ///     #[serde(rename = "IP")]
    ///     ip: Option<std::net::IpAddr>,
    /// }
    /// # fn add(request: &cni::plugin::Request<'_>) -> cni::Result<()> {
    /// let args: Args = request.load_args(&["IP"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Code 4, with the pair that is malformed, unknown, or does not fit.
    pub fn load_args<T: DeserializeOwned>(&self, names: &[&str]) -> Result<T> {
        let args = read(self.args(), names)?.into_iter().map(|(name, value)| (name, value.into()));
        serde_json::from_value(serde_json::Value::Object(args.collect())).map_err(invalid)
    }

    /// The arguments with these names, as text. As [`Request::load_args`] otherwise.
    ///
    /// # Errors
    /// As there.
    pub fn known_args(&self, names: &[&str]) -> Result<BTreeMap<String, String>> {
        read(self.args(), names)
    }
}

/// The arguments that are known.
fn read(args: &str, names: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut known = BTreeMap::new();
    let (mut unknown, mut ignore_unknown) = (Vec::new(), false);
    if args.is_empty() {
        return Ok(known);
    }
    for pair in args.split(';') {
        let (name, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
            .ok_or_else(|| invalid(format!("invalid pair {}", text::quote(pair))))?;
        if name == "IgnoreUnknown" {
            ignore_unknown = boolean(value).ok_or_else(|| {
                let pair = text::quote(pair);
                invalid(format!(
                    "error parsing value of pair {pair}: boolean unmarshal error: invalid input {}",
                    value.to_lowercase()
                ))
            })?;
        } else if names.contains(&name) {
            known.insert(name.to_owned(), value.to_owned());
        } else {
            unknown.push(text::quote(pair));
        }
    }
    if !unknown.is_empty() && !ignore_unknown {
        return Err(invalid(format!("unknown args [{}]", unknown.join(" "))));
    }
    Ok(known)
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::of_plugin(code::INVALID_ENVIRONMENT, format!("ARGS: {what}"), "")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(args: &str) -> String {
        read(args, &["IP", "MAC"]).unwrap_err().message().to_owned()
    }

    #[test]
    fn known_arguments_are_read_and_unknown_ones_refused_unless_they_are_to_be_ignored() {
        let pairs = |args| read(args, &["IP", "MAC"]).unwrap().into_iter().collect::<Vec<_>>();
        let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("IP=10.0.0.1;IP=10.0.0.2"), one("IP", "10.0.0.2"));
        assert_eq!(pairs("K8S_POD=x;IgnoreUnknown=True;MAC="), one("MAC", ""));
        assert_eq!(message("A=1;IP=2;b=\"3"), r#"ARGS: unknown args ["A=1" "b=\"3"]"#);
        assert_eq!(message("A=1;IgnoreUnknown=0"), r#"ARGS: unknown args ["A=1"]"#);
        assert_eq!(message("ip=1"), r#"ARGS: unknown args ["ip=1"]"#);
        for pair in ["IP", "IP=1=2", ""] {
            assert_eq!(
                message(&format!("MAC=1;{pair}")),
                format!("ARGS: invalid pair {}", text::quote(pair))
            );
        }
        let bad = message("IgnoreUnknown=Perhaps");
        assert!(bad.starts_with(r#"ARGS: error parsing value of pair "IgnoreUnknown=Perhaps": "#), "{bad}");
    }
}
