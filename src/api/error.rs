//! What goes wrong on the way to a server and back.

use std::time::Duration;

use super::limit::RateLimit;
use crate::sys;

/// Why something did not come. URLs in it are shown without signatures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a URL at all.
    #[error("`{0}` is not a URL")]
    NoUrl(String),
    /// Whoever is in between could put something else in its place.
    #[error("{0} is not an https URL")]
    NotHttps(String),
    /// The file or variable does not hold a token.
    #[error("{0} holds no token: it is empty, or has characters that no token has")]
    NoToken(String),
    /// The client could not be made.
    #[error("no https is to be had here: {0}")]
    NoClient(String),
    /// Nobody answered, or not to the end.
    #[error(
        "{url} cannot be reached: {why}; hint: HTTPS_PROXY names a proxy, SSL_CERT_FILE more certificates"
    )]
    Unreachable {
        /// Which.
        url: String,
        /// The causes.
        why: String,
    },
    /// The answer was another than 200.
    #[error("{url} answered {status}")]
    Status {
        /// Which.
        url: String,
        /// What.
        status: http::StatusCode,
    },
    /// Too many questions in an hour.
    #[error("{0}")]
    RateLimited(RateLimit),
    /// It is not what the API is documented to answer.
    #[error("{url} answered what is not understood: {why}")]
    NotUnderstood {
        /// Which.
        url: String,
        /// The reader's words.
        why: String,
    },
    /// All of it took too long.
    #[error("no complete answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The process was asked to end.
    #[error("stopped by a signal")]
    Interrupted,
    /// A file of this machine.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

/// How an attempt failed.
#[derive(Debug)]
pub enum Failure<E = Error> {
    /// The next one may succeed.
    Passing(E),
    /// All others would fail as well.
    Lasting(E),
}

impl<E> Failure<E> {
    /// The error itself.
    pub fn into_error(self) -> E {
        let (Self::Passing(error) | Self::Lasting(error)) = self;
        error
    }
}

impl Failure {
    /// Of a request to `url` that got no answer, or not all of it.
    pub(crate) fn of_transport(url: String, error: &(dyn std::error::Error + 'static)) -> Self {
        let is_refused = chain(error)
            .any(|cause| cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_redirect));
        let error = Error::Unreachable { url, why: cause(error) };
        if is_refused { Self::Lasting(error) } else { Self::Passing(error) }
    }

    /// Of an answer of `url` that is no good one.
    pub(crate) fn of_status(url: String, status: http::StatusCode) -> Self {
        let is_passing = status.is_server_error() || [408, 429].contains(&status.as_u16());
        let error = Error::Status { url, status };
        if is_passing { Self::Passing(error) } else { Self::Lasting(error) }
    }
}

/// The error and what it comes from.
fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What an error comes from in the end: the words before it tell the client's parts, and whole URLs.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let of_client = |error: &&(dyn std::error::Error + 'static)| {
        error.is::<reqwest::Error>() || error.is::<octocrab::Error>()
    };
    let last = chain(error).filter(|error| !of_client(error)).last();
    last.map_or_else(|| "the connection broke".to_owned(), ToString::to_string)
}
