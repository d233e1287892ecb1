//! What is kept of a decision until a sink's thread makes an event of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::text::clip;
use crate::authorizer::{Difference, State};
use crate::decision::Decision;
use crate::peer::live::Connection;
use crate::policy::RouteIndex;
use crate::principal::Principal;
use crate::request::{Request, TraceId};

/// A decision with all that belongs to it. Nothing is printed or hashed yet: requests do not wait for that.
pub(crate) struct Record {
    pub(crate) state: Arc<State>,
    pub(crate) decision: Decision,
    pub(crate) principal: Option<Principal>,
    pub(crate) route: Option<RouteIndex>,
    pub(crate) difference: Option<Difference>,
    pub(crate) latency: Duration,
    pub(crate) asked: Asked,
}

/// What was asked, in memory of its own.
pub(crate) struct Asked {
    pub(super) time: i64,
    pub(super) method: Box<str>,
    pub(super) path: Box<str>,
    pub(super) host: Option<Box<str>>,
    pub(super) peer_ip: Option<IpAddr>,
    pub(super) peer_port: Option<u16>,
    pub(super) trace_id: Option<TraceId>,
    pub(super) trust_generation: Option<u64>,
}

impl Asked {
    pub(crate) fn of(request: &Request<'_>, connection: Option<&Connection>) -> Self {
        let address = connection.and_then(|connection| connection.info().peer_address);
        Self {
            time: request.time(),
            method: clip(request.method()),
            path: clip(request.path()),
            host: request.authority().map(clip),
            peer_ip: address.map(|address| address.ip()).or(request.peer_ip()),
            peer_port: address.map(|address| address.port()),
            trace_id: request.trace_id(),
            trust_generation: connection.and_then(Connection::trust_generation),
        }
    }
}
