//! URLs that may be asked, and how they are shown.

use reqwest::Url as Parsed;

use super::error::Error;

/// A URL that was read.
pub type Url = Parsed;

/// Reads a URL that may be asked: by https, or by http from this machine alone.
pub fn parse_url(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|_| Error::NoUrl(harmless(text)))?;
    if is_allowed(&url) { Ok(url) } else { Err(Error::NotHttps(shown(&url))) }
}

/// A text that is no URL, without what may be a password and without what a terminal obeys.
fn harmless(text: &str) -> String {
    let behind = text.rsplit_once('@').map_or(text, |(_, behind)| behind);
    behind.escape_debug().to_string()
}

/// Whether bytes may come from there.
pub(super) fn is_allowed(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether `url` is of this machine: a proxy, or a test.
pub fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// Whether `api` is the API of the server at `server`: of its own host, as Enterprise Server, Forgejo and Gitea have it, or of the host
/// `api` below it, as github.com.
pub fn is_api_of(api: &Url, server: &str) -> bool {
    let Ok(server) = Url::parse(server) else { return false };
    let (Some(api_host), Some(host)) = (api.host_str(), server.host_str()) else { return false };
    let is_its = api_host == host || api_host.strip_prefix("api.") == Some(host);
    is_its && api.port_or_known_default() == server.port_or_known_default()
}

/// The URL without what is nobody's to see: a signature, or a password.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // These fail where a URL has no host.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_of_its_servers_host() {
        let is_of = |api: &str, server: &str| is_api_of(&Url::parse(api).unwrap(), server);
        for (api, server) in [
            ("https://api.github.com", "https://github.com"),
            ("https://ghe.example/api/v3", "https://ghe.example"),
            ("https://api.o.ghe.com/", "https://o.ghe.com"),
            ("http://127.0.0.1:3000/api/v1", "http://127.0.0.1:3000"),
        ] {
            assert!(is_of(api, server), "{api} {server}");
        }
        for (api, server) in [
            ("https://api.github.com", "https://ghe.example"),
            ("https://api.github.com.evil.example", "https://github.com"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3001"),
            ("https://api.github.com", "github.com"),
        ] {
            assert!(!is_of(api, server), "{api} {server}");
        }
    }

    #[test]
    fn without_tls_nothing_comes_but_from_this_machine() {
        for allowed in
            ["https://example.com/a", "http://127.0.0.1:80/a", "http://localhost/", "http://[::1]:1/"]
        {
            assert!(parse_url(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "example.com",
        ] {
            assert!(parse_url(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn passwords_and_signatures_are_not_shown() {
        let url = parse_url("https://user:secret@example.com/a?signature=secret#x").unwrap();
        assert_eq!(shown(&url), "https://example.com/a");
    }
}
