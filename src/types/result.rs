//! Results: what a plugin returns from ADD, in every version of the specification.
//!
//! See section 5, "Result Types", of the CNI specification. There are three shapes: one address per
//! family (0.1.0, 0.2.0), lists of interfaces, addresses and routes (0.3.0 to 0.4.0), and the same lists
//! without the family of an address, but with more about an interface (1.0.0, 1.1.0).

mod address;
mod common;
mod convert;
mod model;
mod read;
mod write;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::json::{self, Kind, Member, Order, Problem};
use crate::version;

pub use address::Cidr;
pub(crate) use address::{push_cidr, push_ip};
pub use model::{Dns, Interface, IpConfig, LegacyIp, Route};
/// A text that needs no memory of its own while it is short: what results are made of. It is made of any string by `into`.
pub use smol_str::SmolStr;

/// The result of an attachment, in the version that it was made for.
///
/// A result keeps every key that its version does not know, with its exact text, at every level; a
/// conversion to another version leaves them behind.
///
/// ```
/// use cni::types::result::CniResult;
///
/// let text = r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.5/16","gateway":"10.1.0.1"}}"#;
/// let result = CniResult::from_json(text)?.convert("1.1.0")?;
/// let ip = result.ips()[0].as_ref().expect("converted addresses are never null");
/// assert_eq!(ip.address.expect("was given").to_string(), "10.1.0.5/16");
/// # Ok::<(), cni::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CniResult {
    version: &'static str,
    family: Family,
    /// The first shape has these two, the others the lists below; `dns` is in all.
    ip4: Option<LegacyIp>,
    ip6: Option<LegacyIp>,
    interfaces: Vec<Option<Interface>>,
    ips: Vec<Option<IpConfig>>,
    routes: Vec<Option<Route>>,
    dns: Dns,
    unknown: model::Unknown,
}

impl CniResult {
    /// Reads what a plugin printed when its ADD succeeded.
    ///
    /// A result that tells no version (`cniVersion` is missing, empty or not a string) is one of the
    /// version that was requested; an empty `request_version` means 0.1.0. `null` is an empty result.
    ///
    /// # Errors
    /// [`Status::InvalidResult`]: the output is not a JSON object, its version is not known, a value has
    /// the wrong type, an address is not valid. The text names the place.
    pub fn from_plugin_output(stdout: &[u8], request_version: &str) -> Result<CniResult> {
        let text = text::lossy(stdout);
        if let Some(result) = common::read(&text) {
            return Ok(result);
        }
        let mut members = members_or_null(&text).map_err(|problem| {
            let error: Error = invalid(problem);
            error.context("failed to unmarshal raw result")
        })?;
        if let Some(version) = json::last(&members, "cniVersion").and_then(string_value) {
            return read(members, &version, Order::AsWritten);
        }
        // The original puts the version in and encodes the result again before it reads it.
        let version = if request_version.is_empty() { version::WHEN_EMPTY } else { request_version };
        let mut encoded = String::new();
        json::push_string(&mut encoded, version);
        members.retain(|member| member.key != "cniVersion");
        members.push(Member { raw_key: "\"cniVersion\"", key: "cniVersion".into(), value: &encoded });
        read(members, version, Order::Resorted)
    }

    /// Reads a result that stands for itself: without a version it is one of 0.1.0.
    ///
    /// # Errors
    /// [`Status::InvalidResult`], as [`CniResult::from_plugin_output`]; a version that is not a string is
    /// an error here.
    pub fn from_json(text: &str) -> Result<CniResult> {
        CniResult::read_or(text, || CniResult::from_members(members_or_null(text), Order::AsWritten))
    }

    /// The same for a text that was checked.
    pub(crate) fn from_raw(raw: &RawValue) -> Result<CniResult> {
        CniResult::from_checked(raw, Order::AsWritten)
    }

    /// Reads the result in a cache file, which the original takes apart and encodes again before it reads it:
    /// of a repeated key the last value counts, and whole numbers may be written as fractions.
    ///
    /// # Errors
    /// As [`CniResult::from_json`].
    pub(crate) fn from_cache(raw: &RawValue) -> Result<CniResult> {
        CniResult::from_checked(raw, Order::Resorted)
    }

    fn from_checked(raw: &RawValue, order: Order) -> Result<CniResult> {
        CniResult::read_or(raw.get(), || CniResult::from_members(members_or_null_of(raw), order))
    }

    /// The result of a text of the common form, or what the reader of all others says.
    fn read_or(text: &str, other: impl FnOnce() -> Result<CniResult>) -> Result<CniResult> {
        common::read(text).map_or_else(other, Ok)
    }

    fn from_members(members: Result<Vec<Member<'_>>, Problem>, order: Order) -> Result<CniResult> {
        let decode = || {
            let members = members?;
            let versions = members.iter().filter(|member| json::fold_eq(&member.key, "cniVersion"));
            let mut version = Cow::Borrowed("");
            json::each_field_of(versions.cloned().collect(), &["cniVersion"], order, |_, member| {
                read::read_string(&mut version, member.value)
            })?;
            Ok((members, version))
        };
        let (members, version) = decode().map_err(|problem: Problem| {
            let error: Error = invalid(problem);
            error.context("decoding version from network config")
        })?;
        read(members, if version.is_empty() { version::WHEN_EMPTY } else { &version }, order)
    }

    /// The version of the specification that this is a result of.
    pub fn version(&self) -> &str {
        self.version
    }

    /// The same result in another version of the specification; an empty version means 0.1.0.
    ///
    /// To its own version a result converts unchanged. To another one, keys that are not of the
    /// specification are left behind, and so is what the other version has no room for: 0.1.0 and 0.2.0
    /// keep the first address of each family and its routes, 0.3.0 to 0.4.0 no `mtu`, `socketPath` and
    /// `pciID` of an interface.
    ///
    /// # Errors
    /// [`Status::InvalidResult`]: the version is not known, an element that is needed is `null`, or
    /// (down to 0.1.0 and 0.2.0) there is no address.
    pub fn convert(&self, version: &str) -> Result<CniResult> {
        self.clone().into_version(version)
    }

    /// As [`CniResult::convert`], for a result that is not needed any more.
    ///
    /// # Errors
    /// As [`CniResult::convert`].
    pub fn into_version(self, version: &str) -> Result<CniResult> {
        let version = if version.is_empty() { version::WHEN_EMPTY } else { version };
        if version == self.version {
            return Ok(self);
        }
        match known_version(version) {
            Some((version, family)) => convert::convert(self, version, family),
            None => {
                let message = format!("no converter for CNI result version {} to {version}", self.version);
                Err(Error::new(Status::InvalidResult, message))
            }
        }
    }

    /// The result as JSON: the keys of the specification in its order, then all others as they came.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(1024);
        write::write_result(&mut out, self);
        out
    }

    /// The interfaces (0.3.0 and later); the index of an element counts, so `null` keeps its place.
    pub fn interfaces(&self) -> &[Option<Interface>] {
        &self.interfaces
    }

    /// The addresses (0.3.0 and later). An element is `None` where the plugin wrote `null`.
    pub fn ips(&self) -> &[Option<IpConfig>] {
        &self.ips
    }

    /// The routes (0.3.0 and later). An element is `None` where the plugin wrote `null`.
    pub fn routes(&self) -> &[Option<Route>] {
        &self.routes
    }

    /// The IPv4 address with its routes (0.1.0 and 0.2.0).
    pub fn ip4(&self) -> Option<&LegacyIp> {
        self.ip4.as_ref()
    }

    /// The IPv6 address with its routes (0.1.0 and 0.2.0).
    pub fn ip6(&self) -> Option<&LegacyIp> {
        self.ip6.as_ref()
    }

    /// How names are to be resolved.
    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    /// Adds an interface and gives its index, for [`IpConfig::interface`].
    ///
    /// This and the functions beside it are for results of 1.0.0 and later, as [`CniResult::default`] makes them and
    /// [`CniResult::convert`] any other.
    pub fn add_interface(&mut self, interface: Interface) -> i64 {
        self.interfaces.push(Some(interface));
        i64::try_from(self.interfaces.len() - 1).unwrap_or(i64::MAX)
    }

    /// Adds an address.
    pub fn add_ip(&mut self, ip: IpConfig) {
        self.ips.push(Some(ip));
    }

    /// Adds a route.
    pub fn add_route(&mut self, route: Route) {
        self.routes.push(Some(route));
    }

    /// The interfaces, to be changed.
    pub fn interfaces_mut(&mut self) -> &mut Vec<Option<Interface>> {
        &mut self.interfaces
    }

    /// The addresses, to be changed.
    pub fn ips_mut(&mut self) -> &mut Vec<Option<IpConfig>> {
        &mut self.ips
    }

    /// The routes, to be changed.
    pub fn routes_mut(&mut self) -> &mut Vec<Option<Route>> {
        &mut self.routes
    }

    /// How names are to be resolved, to be changed.
    pub fn dns_mut(&mut self) -> &mut Dns {
        &mut self.dns
    }

    fn empty(version: &'static str, family: Family) -> CniResult {
        CniResult {
            version,
            family,
            ip4: None,
            ip6: None,
            interfaces: Vec::new(),
            ips: Vec::new(),
            routes: Vec::new(),
            dns: Dns::default(),
            unknown: model::Unknown::default(),
        }
    }
}

impl Default for CniResult {
    /// An empty result of the newest version.
    fn default() -> CniResult {
        CniResult::empty(version::CURRENT, Family::V1_0)
    }
}

/// The versions whose results have the same shape, named after the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V0_1,
    V0_3,
    V1_0,
}

fn known_version(text: &str) -> Option<(&'static str, Family)> {
    let version = version::ALL.into_iter().find(|version| *version == text)?;
    let family = match version {
        "0.1.0" | "0.2.0" => Family::V0_1,
        "0.3.0" | "0.3.1" | "0.4.0" => Family::V0_3,
        _ => Family::V1_0,
    };
    Some((version, family))
}

/// Reads the members as a result of `version`.
fn read(members: Vec<Member<'_>>, version: &str, order: Order) -> Result<CniResult> {
    let Some((version, family)) = known_version(version) else {
        let message = format!("unsupported CNI result version {}", text::quote(version));
        return Err(Error::new(Status::InvalidResult, message));
    };
    let mut result = CniResult::empty(version, family);
    let told = read::read_members(&mut result, members, order).map_err(invalid)?;
    // Another version than the one above is told when the key occurs more than once.
    match known_version(if told.is_empty() { version::WHEN_EMPTY } else { &told }) {
        Some((version, same)) if same == family => result.version = version,
        _ => {
            let versions = match family {
                Family::V0_1 => "[ 0.1.0 0.2.0]",
                Family::V0_3 => "[0.3.0 0.3.1 0.4.0]",
                Family::V1_0 => "[1.0.0 1.1.0]",
            };
            let told = text::quote(&told);
            let message = format!("result type supports {versions} but unmarshalled CNIVersion is {told}");
            return Err(Error::new(Status::InvalidResult, message));
        }
    }
    Ok(result)
}

/// The members of an object, or none for `null`.
fn members_or_null(text: &str) -> Result<Vec<Member<'_>>, Problem> {
    match text.trim_matches([' ', '\t', '\n', '\r']) {
        "null" => Ok(Vec::new()),
        _ => json::members(text),
    }
}

fn members_or_null_of(raw: &RawValue) -> Result<Vec<Member<'_>>, Problem> {
    match raw.get() {
        "null" => Ok(Vec::new()),
        text => json::members_of(text),
    }
}

/// The value of a member that is a string and not empty.
fn string_value<'a>(member: &Member<'a>) -> Option<Cow<'a, str>> {
    if Kind::of(member.value) != Kind::String {
        return None;
    }
    json::string(member.value).ok().filter(|value| !value.is_empty())
}

fn invalid(problem: Problem) -> Error {
    Error::new(Status::InvalidResult, problem.to_string())
}
