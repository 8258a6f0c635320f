//! The HTTP client: TLS by rustls with the host's certificates, its proxies, and no redirect to where bytes may not come from.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, IF_RANGE, RANGE};
use reqwest::Response;
use reqwest::redirect::Policy;

use super::error::{Error, Failure};
use super::names::HostNames;
use super::token::Token;
use super::url::{Url, is_allowed, is_loopback, shown};

/// How we call ourselves; GitHub answers nobody who has no name.
const NAME: &str = concat!("runner-cache/", env!("CARGO_PKG_VERSION"));

/// For a connection.
const CONNECT: Duration = Duration::from_secs(15);

/// Between two parts of an answer.
const READ: Duration = Duration::from_secs(30);

/// Redirects in a row, at most.
const REDIRECTS: usize = 5;

/// The client.
#[derive(Debug, Clone)]
pub struct Client(pub(super) reqwest::Client);

impl Client {
    /// A client that begins at `first`.
    pub fn new(first: &Url) -> Result<Self, Error> {
        // Fails where there is one, which is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let is_here = is_loopback(first) && first.scheme() == "http";
        let redirects = Policy::custom(move |attempt| {
            let url = attempt.url();
            if attempt.previous().len() > REDIRECTS {
                attempt.error("it redirects too often")
            } else if is_allowed(url) && (is_here || url.scheme() == "https") {
                attempt.follow()
            } else {
                let why = format!("it redirects to {}, which is not an https URL", shown(url));
                attempt.error(why)
            }
        });
        let mut builder = reqwest::Client::builder()
            .user_agent(NAME)
            .connect_timeout(CONNECT)
            .read_timeout(READ)
            .redirect(redirects)
            .referer(false)
            .dns_resolver(Arc::new(HostNames));
        if is_here {
            builder = builder.no_proxy();
        }
        builder.build().map(Self).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Error::NoClient(cause.unwrap_or_else(|| error.to_string()))
        })
    }

    /// Asks for the bytes at `url` from `start` on, of what has the tag `etag`. The token goes to this host, and the client takes
    /// it off before it follows a redirect to another one.
    pub(crate) async fn file(
        &self,
        url: &Url,
        token: Option<&Token>,
        start: usize,
        etag: Option<&str>,
    ) -> Result<Response, Failure> {
        // The API describes an asset, unless it is asked for its bytes.
        let mut request = self.0.get(url.clone()).header(ACCEPT, "application/octet-stream");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.header());
        }
        if let Some(etag) = etag.filter(|_| start > 0) {
            request = request.header(RANGE, format!("bytes={start}-")).header(IF_RANGE, etag);
        }
        request.send().await.map_err(|error| Failure::of_transport(shown(url), &error))
    }
}
