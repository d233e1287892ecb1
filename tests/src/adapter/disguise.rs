//! Everything that an application could take for alice, made without a proof.

use anyhow::Result;
use portcullis_core::{Authorizer, Certificate, Connection, Identity, Peer, Principal};

use crate::case::Shape;
use crate::fixtures::fixtures;

/// What a middleware puts into the extensions of each request, whoever sent it.
#[derive(Clone, Debug)]
pub(super) struct Disguise {
    pub(super) identity: Identity,
    pub(super) peer: Peer,
    pub(super) principal: Principal,
    /// Only where a case is about it: before the guard, this is the seam between acceptor and guard.
    pub(super) connection: Option<Connection>,
    /// Whether everything else goes, as when a middleware builds the request anew.
    pub(super) strips: bool,
}

impl Disguise {
    /// The one for an application of this shape; `None` if nobody lies there.
    pub(super) fn of(shape: Shape, auth: &Authorizer) -> Result<Option<Self>> {
        let connection = match shape {
            Shape::DisguiseOutside => false,
            Shape::DisguiseInside | Shape::StrippedInside | Shape::AssertedOutside => true,
            Shape::Standard | Shape::NormalizeInside | Shape::NormalizeOutside | Shape::Cors => {
                return Ok(None);
            }
        };
        let certificate = Certificate::from_der(fixtures()?.client("alice")?.certificate_der())?;
        let identity = Identity::assertion(certificate.clone(), "staff");
        let peer = Peer::Verified(identity.clone());
        Ok(Some(Self {
            principal: Principal::test("alice").role("admin").certificate(certificate).try_under(auth)?,
            connection: connection.then(|| Connection::assertion(peer.clone())),
            strips: shape == Shape::StrippedInside,
            identity,
            peer,
        }))
    }

    /// Puts it on each request of the `http` crate.
    pub(super) fn worn<B>(
        disguise: Option<Self>,
    ) -> impl Fn(http::Request<B>) -> http::Request<B> + Clone + Send + Sync + 'static {
        move |mut request| {
            if let Some(disguise) = &disguise {
                disguise.wear(request.extensions_mut());
            }
            request
        }
    }

    fn wear(&self, extensions: &mut http::Extensions) {
        if self.strips {
            extensions.clear();
        }
        extensions.insert(self.identity.clone());
        extensions.insert(self.peer.clone());
        extensions.insert(self.principal.clone());
        if let Some(connection) = &self.connection {
            extensions.insert(connection.clone());
        }
    }
}
