//! Where to listen.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::ServeError;

/// Where to listen: an address, or a listener that is bound already.
///
/// An address is `host:port`, as in `"[::]:8443"` (every address, IPv4 as well on most systems),
/// `"0.0.0.0:8443"` or `"localhost:8443"` (the first address of that name that can be bound). Port 0 lets
/// the system choose one.
#[derive(Debug)]
pub struct Endpoint(Kind);

#[derive(Debug)]
enum Kind {
    Address(String),
    Std(std::net::TcpListener),
    Tokio(TcpListener),
}

impl Endpoint {
    pub(super) async fn bind(self) -> Result<TcpListener, ServeError> {
        match self.0 {
            Kind::Address(address) => bind(address).await,
            Kind::Std(listener) => adopt(listener).map_err(|cause| ServeError::Listener { cause }),
            Kind::Tokio(listener) => Ok(listener),
        }
    }
}

async fn bind(address: String) -> Result<TcpListener, ServeError> {
    let resolved = tokio::net::lookup_host(&address).await.map(Iterator::collect::<Vec<SocketAddr>>);
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(cause) => return Err(ServeError::Address { address, cause }),
    };
    TcpListener::bind(resolved.as_slice()).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => ServeError::AddressInUse { address },
        io::ErrorKind::PermissionDenied => ServeError::NotPermitted { address },
        _ => ServeError::Bind { address, cause },
    })
}

fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

impl From<&str> for Endpoint {
    fn from(address: &str) -> Self {
        address.to_owned().into()
    }
}

impl From<String> for Endpoint {
    fn from(address: String) -> Self {
        Self(Kind::Address(address))
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        address.to_string().into()
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for Endpoint {
    fn from((ip, port): (I, u16)) -> Self {
        SocketAddr::new(ip.into(), port).into()
    }
}

impl From<std::net::TcpListener> for Endpoint {
    fn from(listener: std::net::TcpListener) -> Self {
        Self(Kind::Std(listener))
    }
}

impl From<TcpListener> for Endpoint {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tokio(listener))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    async fn port(endpoint: impl Into<Endpoint>) -> u16 {
        endpoint.into().bind().await.unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn everything_that_names_a_place_can_be_bound() {
        assert_ne!(port("127.0.0.1:0").await, 0);
        assert_ne!(port("localhost:0".to_owned()).await, 0);
        assert_ne!(port(SocketAddr::from(([127, 0, 0, 1], 0))).await, 0);
        assert_ne!(port((Ipv4Addr::LOCALHOST, 0)).await, 0);

        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let expected = bound.local_addr().unwrap().port();
        assert_eq!(port(bound).await, expected);
        let bound = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let expected = bound.local_addr().unwrap().port();
        assert_eq!(port(bound).await, expected);
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap().to_string();
        let error = Endpoint::from(address.as_str()).bind().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("address in use: `{address}`: stop what listens there, or choose another port")
        );
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn what_is_no_address_is_named() {
        for address in ["8443", "localhost", "", "[::]", "127.0.0.1:x", "127.0.0.1:99999"] {
            let error = Endpoint::from(address).bind().await.unwrap_err();
            assert!(matches!(&error, ServeError::Address { .. }), "{address}: {error}");
            assert!(error.to_string().starts_with(&format!("cannot listen on `{address}`: ")), "{error}");
            assert!(error.to_string().ends_with("write host:port, such as `[::]:8443`"), "{error}");
        }
    }
}
