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
