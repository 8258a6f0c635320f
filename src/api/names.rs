//! Addresses of hosts' names, as the host's own programs have them.
//!
//! The released program is static. The C library in it would load the modules that `/etc/nsswitch.conf` names, of another C
//! library, into itself; `getent` is of the same one as they are. In a root without it there are no modules either.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::process::Command;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::sys::ask;

/// Name servers answer in some hundredths of a second, and the C library asks several of them, several times.
const PATIENCE: Duration = Duration::from_secs(15);

/// The host's way from names to addresses.
#[derive(Debug)]
pub(super) struct HostNames;

impl Resolve for HostNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(addresses(name.as_str())?.into_iter()) as Addrs) })
    }
}

fn addresses(name: &str) -> Result<Vec<SocketAddr>, std::io::Error> {
    // Of a flag it would tell something else.
    let of_host = if name.starts_with('-') {
        None
    } else {
        ask(Command::new("getent").args(["ahosts", name]), PATIENCE)
    };
    let found = of_host.map(|text| read(&String::from_utf8_lossy(&text))).unwrap_or_default();
    if found.is_empty() { Ok((name, 0).to_socket_addrs()?.collect()) } else { Ok(found) }
}

/// The addresses in what `getent` says, each once, in its order. The port is the URL's.
fn read(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for address in text.lines().filter_map(|line| line.split_whitespace().next()?.parse::<IpAddr>().ok()) {
        let address = SocketAddr::new(address, 0);
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_counts_once() {
        let text =
            "2606:50c0::1    STREAM example.com\n2606:50c0::1    DGRAM\n185.199.108.1  STREAM\nno address\n";
        assert_eq!(read(text), ["[2606:50c0::1]:0".parse().unwrap(), "185.199.108.1:0".parse().unwrap()]);
    }
}
