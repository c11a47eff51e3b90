//! Packets: small exchanges over TCP and UDP between two network namespaces.
//!
//! Sockets stay in the namespace that they were made in, so one thread can hold both ends.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::netns::Netns;

/// Bounds what can go wrong; nothing waits for this to pass when all is well.
const AT_MOST: Duration = Duration::from_secs(10);
/// A lost datagram is sent again after this.
const AGAIN: Duration = Duration::from_millis(500);

/// Sends and answers over TCP and UDP from `client` to the address `ip` of `server`.
pub fn reaches(client: &Netns, server: &Netns, ip: &str) {
    let ip: IpAddr = ip.parse().expect("an address");
    tcp(client, ip_and(ip, 8000), server, ip_and(ip, 8000));
    udp(client, ip_and(ip, 8000), server, ip_and(ip, 8000));
}

fn ip_and(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

/// A connection to `to` that arrives at a server listening on `listen`, one word in each direction. Returns
/// the address of the client as the server sees it.
pub fn tcp(client: &Netns, to: SocketAddr, server: &Netns, listen: SocketAddr) -> IpAddr {
    let listener = server.inside(|| TcpListener::bind(listen)).expect("a TCP listener");
    let mut near = client
        .inside(|| TcpStream::connect_timeout(&to, AT_MOST))
        .unwrap_or_else(|error| panic!("no TCP connection to {to}: {error}"));
    let (mut far, seen) = listener.accept().expect("a connection");
    say(&mut near, &mut far, b"ping");
    say(&mut far, &mut near, b"pong");
    seen.ip()
}

fn say(from: &mut TcpStream, to: &mut TcpStream, word: &[u8; 4]) {
    to.set_read_timeout(Some(AT_MOST)).expect("a bound");
    from.write_all(word).expect("a word over TCP");
    let mut heard = [0; 4];
    to.read_exact(&mut heard).expect("a word over TCP");
    assert_eq!(&heard, word);
}

/// A datagram to `to` that arrives at a server on `listen`, and its answer.
pub fn udp(client: &Netns, to: SocketAddr, server: &Netns, listen: SocketAddr) {
    let far = server.inside(|| UdpSocket::bind(listen)).expect("a UDP server");
    let any: SocketAddr = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse().expect("an address");
    let near = client.inside(|| UdpSocket::bind(any)).expect("a UDP client");
    far.set_read_timeout(Some(AGAIN)).expect("a bound");
    near.set_read_timeout(Some(AT_MOST)).expect("a bound");
    near.connect(to).expect("a way to the server");
    let mut heard = [0; 8];
    let tries = AT_MOST.as_millis() / AGAIN.as_millis();
    let (length, seen) = (0..tries)
        .find_map(|_| {
            near.send(b"ping").expect("a datagram");
            far.recv_from(&mut heard).ok()
        })
        .unwrap_or_else(|| panic!("no datagram arrives at {to}"));
    assert_eq!(&heard[..length], b"ping");
    far.send_to(b"pong", seen).expect("an answer");
    let length = near.recv(&mut heard).expect("an answer over UDP");
    assert_eq!(&heard[..length], b"pong");
}
