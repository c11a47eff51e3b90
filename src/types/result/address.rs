//! Addresses as results carry them, read and printed as the original does.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use crate::error::{Error, Status};
use crate::types::json::{Problem, push_number};

/// An address with the length of its network prefix, for example `10.1.0.5/16`.
///
/// The address is kept whole, the bits behind the prefix included: in a result it is the address of an
/// interface, not of a network. An IPv4 address written in IPv6 form (`::ffff:10.1.0.5/112`) is an IPv4
/// address here, with the prefix counted accordingly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub prefix_len: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.ip, self.prefix_len)
    }
}

impl std::str::FromStr for Cidr {
    type Err = Error;

    /// Reads `address/prefix`.
    fn from_str(text: &str) -> Result<Cidr, Error> {
        parse_cidr(text).map_err(|problem| Error::new(Status::InvalidArgument, problem.to_string()))
    }
}

/// Reads `address/prefix`. Other than in most parsers, zeros in front of the prefix do not matter.
pub(super) fn parse_cidr(text: &str) -> Result<Cidr, Problem> {
    let invalid = || Problem::fixed(format!("invalid CIDR address: {text}")).stopping();
    let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let prefix = match prefix.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse::<u8>().map_err(|_| invalid())?,
    };
    if prefix > if address.is_ipv4() { 32 } else { 128 } {
        return Err(invalid());
    }
    match address.to_canonical() {
        // The first 96 bits of such an address are fixed.
        ip @ IpAddr::V4(_) if address.is_ipv6() => Ok(Cidr { ip, prefix_len: prefix.saturating_sub(96) }),
        ip => Ok(Cidr { ip, prefix_len: prefix }),
    }
}

/// Reads an address; an empty text is none.
pub(super) fn parse_ip(text: &str) -> Result<Option<IpAddr>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(Some(address.to_canonical())),
        Err(_) => Err(Problem::fixed(format!("invalid IP address: {text}")).stopping()),
    }
}

/// Writes an address with its prefix as a JSON string.
pub(crate) fn push_cidr(out: &mut String, cidr: Cidr) {
    out.push('"');
    push_address(out, cidr.ip);
    out.push('/');
    push_number(out, cidr.prefix_len.into());
    out.push('"');
}

/// Writes an address as a JSON string.
pub(crate) fn push_ip(out: &mut String, ip: IpAddr) {
    out.push('"');
    push_address(out, ip);
    out.push('"');
}

fn push_address(out: &mut String, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (i, octet) in ip.octets().into_iter().enumerate() {
                if i > 0 {
                    out.push('.');
                }
                push_number(out, octet.into());
            }
        }
        // Writing to a String cannot fail.
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_host_part_is_kept_and_the_text_is_canonical() {
        for (text, printed) in [
            ("10.1.0.5/16", "10.1.0.5/16"),
            ("10.1.0.5/0016", "10.1.0.5/16"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0:1:0:0:1/064", "2001:db8::1:0:0:1/64"),
            ("1:0:2:0:3:0:4:0/128", "1:0:2:0:3:0:4:0/128"),
            ("::/0", "::/0"),
            ("::102:304/8", "::102:304/8"),
            ("::1.2.3.4/8", "::102:304/8"),
            ("::ffff:1.2.3.4/120", "1.2.3.4/24"),
            ("::ffff:1.2.3.4/64", "1.2.3.4/0"),
        ] {
            let cidr = parse_cidr(text).unwrap();
            assert_eq!(cidr.to_string(), printed, "{text}");
            let (mut written, mut address) = (String::new(), String::new());
            push_cidr(&mut written, cidr);
            push_ip(&mut address, cidr.ip);
            assert_eq!((written, address), (format!("\"{printed}\""), format!("\"{}\"", cidr.ip)));
        }
    }

    #[test]
    fn what_is_no_cidr_is_named() {
        for text in [
            "",
            "/",
            "10.0.0.1",
            "10.0.0.1/",
            "10.0.0.1/33",
            "10.0.0.1/256",
            "10.0.0.1/+8",
            "10.0.0.1/8 ",
            "10.0.0.1/8/8",
            "10.0.0.01/8",
            "10.0.0/8",
            " 10.0.0.1/8",
            "::/129",
            "fe80::1%eth0/64",
            "::ffff:1.2.3.4/129",
            "<nil>",
        ] {
            let message = parse_cidr(text).unwrap_err().to_string();
            assert_eq!(message, format!("invalid CIDR address: {text}"));
        }
    }

    #[test]
    fn an_empty_address_is_none() {
        assert_eq!(parse_ip("").unwrap(), None);
        assert_eq!(parse_ip("::ffff:10.0.0.1").unwrap().unwrap().to_string(), "10.0.0.1");
        assert_eq!(parse_ip("10.0.0.1/8").unwrap_err().to_string(), "invalid IP address: 10.0.0.1/8");
    }
}
