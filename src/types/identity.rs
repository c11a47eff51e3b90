//! Whether a container id, a network name, an interface name and the arguments may be used at all.

use crate::error::{Error, Result, Status, code};
use crate::types::runtime::RuntimeConf;

/// The longest name of an interface, in bytes (IFNAMSIZ without its NUL).
const MAX_IF_NAME_BYTES: usize = 15;

/// The rules for ADD: what comes into being is well named.
pub(crate) fn validate(network_name: &str, rt: &RuntimeConf) -> Result<()> {
    container_id(&rt.container_id)?;
    network(network_name)?;
    interface(&rt.if_name)
}

pub(crate) fn container_id(id: &str) -> Result<()> {
    if id.is_empty() {
        return Err(invalid(Status::InvalidArgument, code::UNKNOWN_CONTAINER, "missing containerID", ""));
    }
    if !is_identifier(id) {
        let message = "invalid characters in containerID";
        return Err(invalid(Status::InvalidArgument, code::INVALID_ENVIRONMENT, message, id));
    }
    Ok(())
}

pub(crate) fn network(name: &str) -> Result<()> {
    let wrong = |message, details| {
        Err(invalid(Status::InvalidConfig, code::INVALID_NETWORK_CONFIG, message, details))
    };
    if name.is_empty() {
        return wrong("missing network name:", "");
    }
    if !is_identifier(name) {
        return wrong("invalid characters found in network name", name);
    }
    Ok(())
}

pub(crate) fn interface(name: &str) -> Result<()> {
    let wrong =
        |message, details| Err(invalid(Status::InvalidArgument, code::INVALID_ENVIRONMENT, message, details));
    if name.is_empty() {
        return wrong("interface name is empty", "");
    }
    if name.len() > MAX_IF_NAME_BYTES {
        let details = format!("interface name should be less than {} characters", MAX_IF_NAME_BYTES + 1);
        return wrong("interface name is too long", &details);
    }
    if matches!(name, "." | "..") {
        return wrong("interface name is . or ..", "");
    }
    if name.contains(|c: char| matches!(c, '/' | ':') || c.is_whitespace()) {
        return wrong("interface name contains / or : or whitespace characters", "");
    }
    Ok(())
}

fn invalid(status: Status, code: u32, msg: &str, details: &str) -> Error {
    let message = if details.is_empty() { msg.to_owned() } else { format!("{msg}; {details}") };
    Error::new(status, message).with(|facts| {
        facts.code = code;
        facts.msg = Some(msg.to_owned());
        facts.details = (!details.is_empty()).then(|| details.to_owned());
    })
}

/// A letter or digit, then letters, digits, `_`, `.` and `-`.
fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// What cannot be put into an environment, whatever the command.
pub(crate) fn check_no_nul(rt: &RuntimeConf) -> Result<()> {
    let named = [("containerId", &rt.container_id), ("netns", &rt.netns), ("ifName", &rt.if_name)];
    let args = rt.args.iter().flat_map(|(key, value)| [("cniArgs", key), ("cniArgs", value)]);
    match named.into_iter().chain(args).find(|(_, value)| value.contains('\0')) {
        Some((name, value)) => {
            let message = format!("{name} {} has a NUL character", crate::text::quote(value));
            Err(Error::new(Status::InvalidArgument, message))
        }
        None => Ok(()),
    }
}

/// `CNI_ARGS` is `K=V;K2=V2` without escapes: on ADD, nothing may break out of its place.
pub(crate) fn check_args(args: &[(String, String)]) -> Result<()> {
    for (key, value) in args {
        let (what, text, bad) = if key.contains(['=', ';']) {
            ("key", key, "`=` and `;`")
        } else if value.contains(';') {
            ("value", value, "`;`")
        } else {
            continue;
        };
        let message = format!(
            "the {what} {} of cniArgs cannot be passed on: CNI_ARGS separates with {bad}",
            crate::text::quote(text)
        );
        return Err(Error::new(Status::InvalidArgument, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(network: &str, id: &str, if_name: &str) -> (Status, u32, String) {
        let rt = RuntimeConf { container_id: id.into(), if_name: if_name.into(), ..RuntimeConf::default() };
        let error = validate(network, &rt).unwrap_err();
        (error.status(), error.code(), error.message().to_owned())
    }

    #[test]
    fn bad_names_are_refused_with_the_codes_of_the_specification() {
        use Status::{InvalidArgument, InvalidConfig};
        let cases = [
            ("n", "", "e", InvalidArgument, 3, "missing containerID"),
            ("n", "../x", "e", InvalidArgument, 4, "invalid characters in containerID; ../x"),
            ("n", "a\n", "e", InvalidArgument, 4, "invalid characters in containerID; a\n"),
            ("", "c", "e", InvalidConfig, 7, "missing network name:"),
            ("-n", "c", "e", InvalidConfig, 7, "invalid characters found in network name; -n"),
            ("n", "c", "", InvalidArgument, 4, "interface name is empty"),
            ("n", "c", "..", InvalidArgument, 4, "interface name is . or .."),
            ("n", "c", "a b", InvalidArgument, 4, "interface name contains / or : or whitespace characters"),
            (
                "n",
                "c",
                "sixteen-bytes-xx",
                InvalidArgument,
                4,
                "interface name is too long; interface name should be less than 16 characters",
            ),
        ];
        for (network, id, if_name, status, code, message) in cases {
            assert_eq!(refused(network, id, if_name), (status, code, message.to_owned()));
        }
    }

    #[test]
    fn arguments_cannot_smuggle_others_in() {
        let check = |key: &str, value: &str| check_args(&[(key.into(), value.into())]);
        assert!(check("K", "a=b").is_ok());
        for (key, value) in [("K=", "v"), ("K;L", "v"), ("K", "v;L=w")] {
            assert_eq!(check(key, value).unwrap_err().status(), Status::InvalidArgument);
        }
    }
}
