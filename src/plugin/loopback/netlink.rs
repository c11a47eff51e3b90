//! The three requests to the kernel that `lo` takes, over a route netlink socket.
//!
//! A file of our own: the crates for it know all of rtnetlink, for which a library that is loaded into other
//! people's processes would be a good part larger. Messages are taken apart as slices of bytes whose lengths are
//! checked; only the system calls are unsafe. See rtnetlink(7) and netlink(7).

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::descriptor::above_stdio;
use crate::types::result::Cidr;

/// `struct nlmsghdr`, `struct ifinfomsg`, `struct ifaddrmsg` and `struct rtattr`, in bytes.
const HEADER: usize = 16;
const IFINFOMSG: usize = 16;
const IFADDRMSG: usize = 8;
const ATTRIBUTE: usize = 4;

/// The kernel sends at most this much at once.
const BUFFER_BYTES: usize = 64 << 10;

const UP: u32 = libc::IFF_UP as u32;
const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const ACK: u16 = libc::NLM_F_ACK as u16;
const DUMP: u16 = libc::NLM_F_DUMP as u16;

/// An interface.
pub(super) struct Link {
    pub index: i32,
    pub is_up: bool,
}

/// A socket to the kernel, for the network namespace in which it was opened.
pub(super) struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Netlink> {
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: socket takes three numbers.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, flags, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made this descriptor and nobody else knows it.
        let socket = above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })?;
        Ok(Netlink { socket, buffer: vec![0; BUFFER_BYTES], sequence: 0 })
    }

    /// The interface of that name.
    pub(super) fn link(&mut self, name: &str) -> io::Result<Link> {
        let mut body = vec![0; IFINFOMSG];
        push_attribute(&mut body, libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        let mut link = None;
        self.request(libc::RTM_GETLINK, ACK, &body, |kind, body| {
            if kind == libc::RTM_NEWLINK && body.len() >= IFINFOMSG {
                link = Some(Link { index: word(body, 4) as i32, is_up: word(body, 8) & UP != 0 });
            }
        })?;
        link.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// Brings an interface up or down.
    pub(super) fn set_up(&mut self, index: i32, up: bool) -> io::Result<()> {
        let mut body = vec![0; IFINFOMSG];
        body[4..8].copy_from_slice(&index.to_ne_bytes());
        body[8..12].copy_from_slice(&(if up { UP } else { 0 }).to_ne_bytes());
        // What is to be changed of the flags.
        body[12..16].copy_from_slice(&UP.to_ne_bytes());
        self.request(libc::RTM_NEWLINK, ACK, &body, |_, _| {})
    }

    /// The addresses of an interface, in the kernel's order.
    pub(super) fn addresses(&mut self, index: i32) -> io::Result<Vec<Cidr>> {
        let mut addresses = Vec::new();
        self.request(libc::RTM_GETADDR, DUMP, &[0; IFADDRMSG], |kind, body| {
            if kind == libc::RTM_NEWADDR && body.len() >= IFADDRMSG && word(body, 4) as i32 == index {
                addresses.extend(address(body));
            }
        })?;
        Ok(addresses)
    }

    /// Sends one request and hands every message of the answer to `visit`, until it is complete.
    fn request(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        mut visit: impl FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        self.sequence += 1;
        let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((REQUEST | flags).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        self.send(&message)?;
        loop {
            let received = self.receive()?;
            let mut rest = self.buffer.get(..received).unwrap_or_default();
            while let Some((header, body, next)) = split_message(rest) {
                rest = next;
                if header.sequence != self.sequence {
                    continue;
                }
                match i32::from(header.kind) {
                    libc::NLMSG_DONE => return Ok(()),
                    libc::NLMSG_ERROR if body.len() >= 4 => {
                        return match word(body, 0) as i32 {
                            0 => Ok(()),
                            code => Err(io::Error::from_raw_os_error(-code)),
                        };
                    }
                    _ => visit(header.kind, body),
                }
            }
        }
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        // SAFETY: send reads `message.len()` bytes from `message`.
        let sent = unsafe { libc::send(self.socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn receive(&mut self) -> io::Result<usize> {
        loop {
            let buffer = &mut self.buffer;
            // SAFETY: recv writes at most `buffer.len()` bytes to `buffer`.
            let received =
                unsafe { libc::recv(self.socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
            match usize::try_from(received) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(received) => return Ok(received),
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
    }
}

struct Header {
    kind: u16,
    sequence: u32,
}

/// The first message, its body, and what follows it.
fn split_message(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    if bytes.len() < HEADER {
        return None;
    }
    let length = word(bytes, 0) as usize;
    let body = bytes.get(HEADER..length)?;
    let header = Header { kind: half(bytes, 4), sequence: word(bytes, 8) };
    Some((header, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The address in the body of a RTM_NEWADDR: IFA_LOCAL, which on a link between two is the own one, else IFA_ADDRESS.
fn address(body: &[u8]) -> Option<Cidr> {
    let (family, prefix_len) = (i32::from(*body.first()?), *body.get(1)?);
    let mut found: Option<(u16, IpAddr)> = None;
    let mut rest = body.get(IFADDRMSG..)?;
    while rest.len() >= ATTRIBUTE {
        let (length, kind) = (usize::from(half(rest, 0)), half(rest, 2));
        let Some(value) = rest.get(ATTRIBUTE..length) else { break };
        let ip = match family {
            libc::AF_INET => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
            libc::AF_INET6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
            _ => None,
        };
        match (kind, ip) {
            (libc::IFA_LOCAL, Some(ip)) => found = Some((kind, ip)),
            (libc::IFA_ADDRESS, Some(ip)) if found.is_none() => found = Some((kind, ip)),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found.map(|(_, ip)| Cidr { ip, prefix_len })
}

fn push_attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(ATTRIBUTE + value.len()).unwrap_or(u16::MAX);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The 32 bits at that place; 0 past the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    u32::from_ne_bytes(bytes.unwrap_or_default())
}

/// The 16 bits at that place; 0 past the end.
fn half(bytes: &[u8], at: usize) -> u16 {
    let bytes = bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
    u16::from_ne_bytes(bytes.unwrap_or_default())
}
