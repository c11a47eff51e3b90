//! The names of cache files.
//!
//! The *plain* name `<network>-<containerID>-<ifName>` is the original's. It is ambiguous, for `-` may
//! be part of each, and it can be longer than a file name may be. An attachment that cannot have its
//! plain name has its *hashed* name, `@<32 hex digits>-<containerID>-<ifName>` cut to fit, in which the
//! original still finds the container id. What a file is about is told by its contents alone.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result, Status};
use crate::text::quote;
use crate::types::attachment::{AttachmentFilter, AttachmentKey};

const MAX_NAME_BYTES: usize = 255;
const HASH_DIGITS: usize = 32;

/// `@`, the hash and a `-`.
const HASHED_PREFIX: usize = HASH_DIGITS + 2;

/// The names under which an attachment may be found.
#[derive(Debug)]
pub(super) struct Names {
    plain: String,
    pub hashed: String,
    /// Where the parts of the plain name end, which alone does not tell them.
    ends: [usize; 2],
}

impl Names {
    /// # Errors
    /// [`Status::InvalidArgument`] when a part of the key cannot be part of a file name.
    pub(super) fn of(key: &AttachmentKey) -> Result<Names> {
        check(key)?;
        let AttachmentKey { container_id, network_name, if_name } = key;
        // No part has a NUL, so different keys are different texts here.
        let digest = Sha256::digest([network_name.as_str(), container_id, if_name].join("\0"));
        let mut hashed = String::with_capacity(MAX_NAME_BYTES);
        hashed.push('@');
        for byte in &digest[..HASH_DIGITS / 2] {
            hashed.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        for part in ["-", container_id, "-", if_name] {
            hashed.push_str(part);
        }
        cut(&mut hashed, MAX_NAME_BYTES);
        let ends = [network_name.len(), network_name.len() + 1 + container_id.len()];
        Ok(Names { plain: plain(key), hashed, ends })
    }

    /// Whether they are the names of that attachment.
    pub(super) fn are_of(&self, key: &AttachmentKey) -> bool {
        let [network, container] = self.ends;
        self.plain[..network] == key.network_name
            && self.plain[network + 1..container] == key.container_id
            && self.plain[container + 1..] == key.if_name
    }

    /// The plain name, if a file can have it.
    pub(super) fn plain(&self) -> Option<&str> {
        (self.plain.len() <= MAX_NAME_BYTES).then_some(&self.plain)
    }

    /// The plain name, if a file can have it and it cannot be another attachment's hashed name.
    pub(super) fn plain_to_write(&self) -> Option<&str> {
        self.plain().filter(|name| !name.starts_with('@'))
    }

    /// Whether a file of that name may hold this attachment.
    pub(super) fn contain(&self, name: &str) -> bool {
        name == self.plain || name == self.hashed
    }
}

/// The plain name, whatever its length.
pub(super) fn plain(key: &AttachmentKey) -> String {
    [key.network_name.as_str(), &key.container_id, &key.if_name].join("-")
}

/// Whether `name` is that plain name.
pub(super) fn is_plain(name: &str, network: &str, container: &str, interface: &str) -> bool {
    let mut rest = Some(name);
    for part in [network, container] {
        rest = rest.and_then(|rest| rest.strip_prefix(part)?.strip_prefix('-'));
    }
    rest == Some(interface)
}

/// Refuses what may not be part of a file name. Nothing stricter: an attachment that somebody else made
/// under looser rules must stay deletable.
pub(crate) fn check(key: &AttachmentKey) -> Result<()> {
    let AttachmentKey { container_id, network_name, if_name } = key;
    let refused = |message| {
        Error::new(Status::InvalidArgument, message).with(|facts| facts.attachment = Some(key.clone()))
    };
    if [container_id, network_name, if_name].iter().any(|part| part.is_empty()) {
        return Err(refused(format!(
            "cache file path requires network name ({}), container ID ({}), and interface name ({})",
            quote(network_name),
            quote(container_id),
            quote(if_name)
        )));
    }
    for (what, part) in
        [("network name", network_name), ("container ID", container_id), ("interface name", if_name)]
    {
        if !may_be_part(part) {
            return Err(refused(format!("invalid {what} {}: '/' and NUL are not allowed", quote(part))));
        }
    }
    Ok(())
}

/// Refuses a filter that no attachment could match because of what is in it.
pub(super) fn check_filter(filter: &AttachmentFilter) -> Result<()> {
    for part in [&filter.network_name, &filter.container_id, &filter.if_name].into_iter().flatten() {
        if !may_be_part(part) {
            let message = format!("invalid attachment filter {}: '/' and NUL are not allowed", quote(part));
            return Err(Error::new(Status::InvalidArgument, message));
        }
    }
    Ok(())
}

fn may_be_part(part: &str) -> bool {
    !part.contains(['/', '\0'])
}

/// Tells by their names which files can hold an attachment that a filter matches. Others are never opened.
pub(super) struct Matcher<'f> {
    network: Option<&'f str>,
    container: Option<&'f str>,
    interface: Option<&'f str>,
    /// The container as it stands between the others, `-<containerID>-`; and `-<ifName>`.
    inner_container: String,
    last_interface: String,
}

impl<'f> Matcher<'f> {
    pub(super) fn new(filter: &'f AttachmentFilter) -> Matcher<'f> {
        let AttachmentFilter { network_name, container_id, if_name } = filter;
        let (network, container, interface) =
            (network_name.as_deref(), container_id.as_deref(), if_name.as_deref());
        Matcher {
            network,
            container,
            interface,
            inner_container: ["-", container.unwrap_or_default(), "-"].concat(),
            last_interface: ["-", interface.unwrap_or_default()].concat(),
        }
    }

    pub(super) fn may_match(&self, name: &str) -> bool {
        self.plain_may_match(name) || self.hashed_may_match(name)
    }

    fn plain_may_match(&self, name: &str) -> bool {
        // Network, container and interface, as far as they are given, take their bytes from the front or
        // from the back; what is not given is at least one byte long.
        let mut rest = name;
        if let Some(network) = self.network {
            let Some(behind) = rest.strip_prefix(network).and_then(|rest| rest.strip_prefix('-')) else {
                return false;
            };
            rest = behind;
        }
        if self.interface.is_some() {
            let Some(before) = rest.strip_suffix(&self.last_interface) else { return false };
            rest = before;
        }
        match (self.network, self.container, self.interface) {
            (Some(_), Some(container), Some(_)) => rest == container,
            (Some(_), Some(container), None) => {
                rest.strip_prefix(container).is_some_and(|rest| is_dash_and_more(rest.bytes()))
            }
            (None, Some(container), Some(_)) => {
                rest.strip_suffix(container).is_some_and(|rest| is_dash_and_more(rest.bytes().rev()))
            }
            (None, Some(_), None) => {
                // Each place, overlapping ones included, that has something on both sides.
                let mut from = 0;
                while let Some(found) = rest[from..].find(&self.inner_container) {
                    let at = from + found;
                    if at > 0 && at + self.inner_container.len() < rest.len() {
                        return true;
                    }
                    // Behind the dash.
                    from = at + 1;
                }
                false
            }
            (_, None, _) => !rest.is_empty(),
        }
    }

    fn hashed_may_match(&self, name: &str) -> bool {
        let Some(shown) = shown_by_hashed(name) else { return false };
        // The network is in the hash alone. Of an over-long name the end is missing.
        let whole = name.len() < MAX_NAME_BYTES - char::MAX.len_utf8();
        let wanted = &self.inner_container[1..];
        let container =
            self.container.is_none() || shown.starts_with(wanted) || (!whole && wanted.starts_with(shown));
        let interface = self.interface.is_none() || !whole || shown.ends_with(&self.last_interface);
        container && interface
    }
}

fn is_dash_and_more(mut bytes: impl Iterator<Item = u8>) -> bool {
    bytes.next() == Some(b'-') && bytes.next().is_some()
}

/// What stands behind the hash, when the name has the form of a hashed one.
fn shown_by_hashed(name: &str) -> Option<&str> {
    let (front, shown) = name.split_at_checked(HASHED_PREFIX)?;
    let hash = front.strip_prefix('@')?.strip_suffix('-')?;
    hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(shown)
}

/// `<name>.<suffix>`, with the name cut so that it is a file name.
pub(super) fn with_suffix(name: &str, suffix: &str) -> String {
    let mut out = name.to_owned();
    cut(&mut out, MAX_NAME_BYTES.saturating_sub(suffix.len() + 1));
    out.push('.');
    out.push_str(suffix);
    out
}

fn cut(name: &mut String, most: usize) {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn may_match(filter: &AttachmentFilter, name: &str) -> bool {
        Matcher::new(filter).may_match(name)
    }

    fn key(network: &str, container: &str, interface: &str) -> AttachmentKey {
        AttachmentKey {
            container_id: container.to_owned(),
            network_name: network.to_owned(),
            if_name: interface.to_owned(),
        }
    }

    #[test]
    fn names_are_of_one_attachment_also_when_others_have_the_same_plain_name() {
        let names = Names::of(&key("a-b", "c", "eth0")).unwrap();
        assert!(names.are_of(&key("a-b", "c", "eth0")));
        for other in [("a", "b-c", "eth0"), ("a-b", "c-eth0", ""), ("a-b", "d", "eth0"), ("a-", "bc", "eth0")]
        {
            assert!(!names.are_of(&key(other.0, other.1, other.2)), "{other:?}");
        }
        let long = "é".repeat(200);
        let names = Names::of(&key("n", &long, "eth0")).unwrap();
        assert!(names.are_of(&key("n", &long, "eth0")) && !names.are_of(&key("né", &long[2..], "eth0")));
    }

    #[test]
    fn the_plain_name_is_the_originals_and_the_hashed_one_keeps_the_container_id() {
        let names = Names::of(&key("a-b", "c", "eth0")).unwrap();
        assert_eq!(names.plain(), Some("a-b-c-eth0"));
        let other = Names::of(&key("a", "b-c", "eth0")).unwrap();
        assert_eq!(other.plain(), names.plain());
        assert_ne!(other.hashed, names.hashed);
        assert_eq!(shown_by_hashed(&names.hashed), Some("c-eth0"));
    }

    #[test]
    fn the_hash_is_part_of_the_format_and_never_changes() {
        // printf 'net\0id\0eth0' | sha256sum
        assert_eq!(
            Names::of(&key("net", "id", "eth0")).unwrap().hashed,
            "@6a7277f1c924e41a9b1e4649cb492bc8-id-eth0"
        );
    }

    #[test]
    fn every_name_fits_and_is_cut_between_characters() {
        for length in [180, 210, 213, 214, 215, 216, 217, 218, 219, 220, 221, 222, 500] {
            let names = Names::of(&key("n", &"é".repeat(length / 2), "eth0")).unwrap();
            assert!(names.hashed.len() <= MAX_NAME_BYTES);
            assert!(shown_by_hashed(&names.hashed).is_some());
        }
        assert_eq!(Names::of(&key("n", &"i".repeat(248), "eth0")).unwrap().plain().map(str::len), Some(255));
        assert_eq!(Names::of(&key("n", &"i".repeat(249), "eth0")).unwrap().plain(), None);
        assert_eq!(with_suffix(&"é".repeat(127), "12345").len(), 254);
    }

    #[test]
    fn what_cannot_be_part_of_a_name_is_refused() {
        let empty = check(&key("n\"", "", "eth0")).unwrap_err();
        assert_eq!(empty.status(), Status::InvalidArgument);
        assert_eq!(
            empty.message(),
            r#"cache file path requires network name ("n\""), container ID (""), and interface name ("eth0")"#
        );
        for bad in [key("..", "a/b", "e"), key("a/../b", "c", "e"), key("n", "c", "e\0"), key("/", "c", "e")]
        {
            assert_eq!(check(&bad).unwrap_err().status(), Status::InvalidArgument, "{bad:?}");
        }
        assert!(check(&key("..", "..", "..")).is_ok());
    }

    #[test]
    fn a_network_named_like_a_hash_never_writes_where_a_hashed_name_belongs() {
        let victim = Names::of(&key("n", "c", "eth0")).unwrap();
        let network = victim.hashed.strip_suffix("-c-eth0").unwrap();
        let hostile = Names::of(&key(network, "c", "eth0")).unwrap();
        assert_eq!(hostile.plain(), Some(victim.hashed.as_str()));
        assert_eq!(hostile.plain_to_write(), None);
    }

    #[test]
    fn files_that_cannot_match_are_told_by_their_names() {
        let filter = |network: &str, container: &str, interface: &str| {
            let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            AttachmentFilter {
                network_name: part(network),
                container_id: part(container),
                if_name: part(interface),
            }
        };
        let hashed = Names::of(&key("net", "id", "eth0")).unwrap().hashed;
        for (filter, name, expected) in [
            (filter("net", "", ""), "net-id-eth0", true),
            (filter("net", "", ""), "network-id-eth0", false),
            (filter("", "id", ""), "net-id-eth0", true),
            (filter("", "id", ""), "net-idea-eth0", false),
            (filter("", "a-a", ""), "n-a-a-a-e", true),
            (filter("", "id", ""), "-id-eth0", false),
            (filter("", "id", ""), "net-id-", false),
            (filter("", "", "eth0"), "net-id-eth0", true),
            (filter("", "", "th0"), "net-id-eth0", false),
            (filter("net", "id", "eth0"), "net-id-eth0", true),
            (filter("net", "id", "eth0"), "net-id-x-eth0", false),
            (filter("net", "", "eth0"), "net-eth0", false),
            (filter("other", "id", "eth0"), &hashed, true),
            (filter("", "idea", ""), &hashed, false),
            (filter("", "", "eth1"), &hashed, false),
            (filter("", "", ""), "anything", true),
        ] {
            assert_eq!(may_match(&filter, name), expected, "{filter:?} {name}");
        }
    }

    proptest! {
        #[test]
        fn the_names_of_an_attachment_pass_every_filter_that_it_matches(
            network in "@?[a-c-]{1,3}", container in "[a-cé-]{1,230}", interface in "[a-c-]{1,4}", given in 0u8..8,
        ) {
            let key = key(&network, &container, &interface);
            let part = |bit: u8, text: &str| (given & bit != 0).then(|| text.to_owned());
            let filter = AttachmentFilter {
                network_name: part(1, &network), container_id: part(2, &container), if_name: part(4, &interface),
            };
            let names = Names::of(&key).unwrap();
            prop_assert!(may_match(&filter, &names.hashed));
            if let Some(plain) = names.plain() {
                prop_assert!(may_match(&filter, plain));
            }
        }
    }
}
