//! Connections whose handshake is not done, counted by where they come from.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::HandshakeError;

/// How many connections with an unfinished handshake each peer has.
pub(crate) struct HalfOpen {
    limit: usize,
    peers: Mutex<HashMap<Network, Peer>>,
}

#[derive(Default)]
struct Peer {
    count: usize,
    /// Whether the operator was told that there are too many.
    is_told: bool,
}

impl HalfOpen {
    /// So many are allowed to each peer, which is at least one.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), peers: Mutex::default() }
    }

    /// A place for one more connection from this address.
    pub(super) fn place(&self, address: IpAddr) -> Result<Place<'_>, HandshakeError> {
        let network = Network::of(address);
        let mut peers = self.lock();
        let peer = peers.entry(network).or_default();
        if peer.count < self.limit {
            peer.count += 1;
            return Ok(Place { half_open: self, network });
        }
        let is_told = std::mem::replace(&mut peer.is_told, true);
        drop(peers);
        // Once only, or whoever floods the server floods its log.
        if !is_told {
            tracing::warn!(
                target: "portcullis::tls",
                peer = %network,
                limit = self.limit,
                "too many unfinished handshakes from one peer, more are closed: \
                 if it is a load balancer, raise `handshakes_per_peer`"
            );
        }
        Err(HandshakeError::TooMany { limit: self.limit })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Network, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, free again when dropped.
pub(super) struct Place<'a> {
    half_open: &'a HalfOpen,
    network: Network,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut peers = self.half_open.lock();
        let Some(peer) = peers.get_mut(&self.network) else { return };
        peer.count -= 1;
        if peer.count == 0 {
            peers.remove(&self.network);
        }
    }
}

/// What one customer of a provider is given: an IPv4 address, or 2^64 IPv6 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())
            }
            address => Self(address),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_places_of_its_own() {
        let half_open = HalfOpen::new(2);
        let place = |address: &str| half_open.place(address.parse().unwrap());
        let first = [place("192.0.2.1").unwrap(), place("::ffff:192.0.2.1").unwrap()];
        assert_eq!(place("192.0.2.1").err().unwrap().code(), "too-many");
        let others = [place("192.0.2.2").unwrap(), place("2001:db8::1").unwrap()];
        let same_64 = place("2001:db8::ffff:1:2:3").unwrap();
        assert!(place("2001:db8::2").is_err());
        let next_64 = place("2001:db8:0:1::2").unwrap();
        assert_eq!(half_open.lock().len(), 4);
        drop(first);
        assert!(place("192.0.2.1").is_ok());
        drop((others, same_64, next_64));
        assert!(half_open.lock().is_empty(), "nobody is remembered");
    }

    #[test]
    fn networks_are_shown_as_operators_write_them() {
        let shown = |address: &str| Network::of(address.parse().unwrap()).to_string();
        assert_eq!(shown("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(shown("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }
}
