//! Where the console may connect to on somebody's behalf. A name is resolved once, every address it has is judged before anything
//! is sent, and the connection is then made to exactly these addresses: what the name means a moment later does not matter.

use super::Outside;
use futures::future::BoxFuture;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

type LookUp = dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// Who says which addresses a name has: this machine's resolver, or a test.
#[derive(Clone)]
pub struct Names(Arc<LookUp>);

impl Names {
    pub fn by(look_up: impl Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::by(|host, port| Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }))
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

/// What an address is to somebody outside of this network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Public,
    /// With `--allow-private-webhooks` only.
    Private(&'static str),
    /// Nobody's web server: refused in any case.
    Never(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{host} has the address {address}, which is {what}. Nothing was sent.{remedy}")]
    Address { host: String, address: IpAddr, what: &'static str, remedy: &'static str },
    /// May pass.
    #[error("{host} cannot be found: {why}")]
    Name { host: String, why: String },
}

/// Azure's platform address is public by number and answers only from within.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

pub fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => place_v4(v4),
        IpAddr::V6(v6) => place_v6(v6),
    }
}

fn place_v4(a: Ipv4Addr) -> Place {
    let [w, x, y, _] = a.octets();
    match (w, x, y) {
        _ if a == AZURE_METADATA => Place::Never("a cloud's metadata service"),
        (0, ..) => Place::Never("unspecified"),
        (127, ..) => Place::Private("this machine"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Place::Private("in a private network"),
        // Alibaba's metadata service is in it.
        (100, 64..=127, _) => Place::Private("in a carrier's shared network"),
        (169, 254, _) => Place::Never("link-local, where clouds have their metadata service"),
        (198, 18 | 19, _) => Place::Private("in a test network"),
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) => Place::Never("reserved"),
        (224..=239, ..) => Place::Never("multicast"),
        (240..=255, ..) => Place::Never("reserved"),
        _ => Place::Public,
    }
}

fn place_v6(a: Ipv6Addr) -> Place {
    let s = a.segments();
    let inner = Ipv4Addr::from((u32::from(s[6]) << 16) | u32::from(s[7]));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => Place::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Private("this machine"),
        // IPv4 in IPv6: mapped, compatible, and as a NAT64 gateway reads it. The inner address is what answers.
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => place_v4(inner),
        [0x64, 0xff9b, ..] => Place::Private("in a private network"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Place::Private("in a private network"),
        [0xfe80..=0xfebf, ..] => Place::Never("link-local"),
        [0xff00..=0xffff, ..] => Place::Never("multicast"),
        // 6to4 and Teredo: tunnels to an IPv4 address that nobody uses any more.
        [0x2002, ..] | [0x2001, 0, ..] => Place::Never("a tunnel to another address"),
        [0x2001, 0xdb8, ..] | [0x2001, 0x10..=0x3f, ..] | [0x3fff, 0..=0xfff, ..] => Place::Never("reserved"),
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Never("reserved"),
    }
}

fn judge(host: &str, address: IpAddr, allow_private: bool) -> Result<(), Refused> {
    let refused = |what, remedy| Err(Refused::Address { host: host.into(), address, what, remedy });
    match place(address) {
        Place::Public => Ok(()),
        Place::Private(_) if allow_private => Ok(()),
        Place::Private(what) => refused(what, " Start the console with --allow-private-webhooks if that is meant."),
        Place::Never(what) => refused(what, ""),
    }
}

/// The addresses of a host, all of them fit to connect to; one that is not is reason to refuse them all.
pub async fn resolve(outside: &Outside, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        // The resolver also reads numbers (`0x7f.1`, `2130706433`), so it is what they come to that is judged.
        Err(_) => {
            (outside.names.0)(bare.to_owned(), port).await.map_err(|error| Refused::Name { host: host.into(), why: error.to_string() })?
        }
    };
    if found.is_empty() {
        return Err(Refused::Name { host: host.into(), why: "it has no address".into() });
    }
    found.iter().try_for_each(|at| judge(host, at.ip(), outside.allow_private))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Place {
        place(text.parse().expect(text))
    }

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "34.120.5.5",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert_eq!(of(text), Place::Public, "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
        ];
        let never = [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "168.63.129.16",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "203.0.113.9",
            "::",
            "fe80::1",
            "ff02::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "4000::1",
        ];
        for text in private {
            assert!(matches!(of(text), Place::Private(_)), "{text}: {:?}", of(text));
            assert!(judge("h", text.parse().unwrap(), true).is_ok() && judge("h", text.parse().unwrap(), false).is_err(), "{text}");
        }
        for text in never {
            assert!(matches!(of(text), Place::Never(_)), "{text}: {:?}", of(text));
            assert!(judge("h", text.parse().unwrap(), true).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let outside = |allow_private| Outside { allow_private, within: std::time::Duration::from_secs(2), names: Names::default() };
        for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1"] {
            let refused = resolve(&outside(false), host, 443).await.expect_err(host);
            assert!(matches!(refused, Refused::Address { .. }), "{host}: {refused}");
            assert!(resolve(&outside(true), host, 443).await.is_ok(), "{host}");
        }
        assert!(matches!(resolve(&outside(false), "nowhere.invalid", 443).await, Err(Refused::Name { .. })));
    }

    #[tokio::test]
    async fn one_private_address_among_public_ones_is_reason_to_refuse() {
        let answer = |with: &'static [&'static str]| {
            let all: Vec<SocketAddr> = with.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 443)).collect();
            let names = Names::by(move |_, _| Box::pin(std::future::ready(Ok(all.clone()))));
            Outside { allow_private: false, within: std::time::Duration::from_secs(2), names }
        };
        assert!(resolve(&answer(&["8.8.8.8", "2606:4700::1111"]), "mixed.test", 443).await.is_ok());
        let refused = resolve(&answer(&["8.8.8.8", "127.0.0.1"]), "mixed.test", 443).await.expect_err("refused");
        assert!(matches!(refused, Refused::Address { address, .. } if address.is_loopback()), "{refused}");
        assert!(matches!(resolve(&answer(&[]), "empty.test", 443).await, Err(Refused::Name { .. })));
    }
}
