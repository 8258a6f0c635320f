//! GitHub's REST API, read page by page. A page that has not changed costs no question of the rate limit.

use http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use jiff::Timestamp;
use octocrab::{FromResponse as _, Octocrab, Page};
use serde::de::DeserializeOwned;

use super::client::Client;
use super::error::{Error, Failure};
use super::limit::RateLimit;
use super::token::Token;
use super::url::{Url, shown};

/// The API where the environment names none.
pub const PUBLIC_API: &str = "https://api.github.com";

/// Bytes of an answer, at most: a hundred releases have some hundred thousand.
const MOST: usize = 16 << 20;

/// The API of one server.
#[derive(Debug, Clone)]
pub struct Api {
    octocrab: Octocrab,
    base: Url,
    has_token: bool,
}

/// A page of a list.
#[derive(Debug)]
pub enum Answer<T> {
    /// What was read before under this tag.
    Unchanged,
    /// What it is now.
    Page {
        /// What is on it.
        items: Vec<T>,
        /// What to ask with next time.
        etag: Option<String>,
        /// The route of the page after it.
        next: Option<String>,
    },
}

impl Api {
    /// The API at `base`. In [`super::wait`] only.
    pub fn new(client: &Client, base: &Url, token: Option<&Token>) -> Result<Self, Error> {
        let wrong = |error: octocrab::Error| Error::NoClient(error.to_string());
        let uri = base.as_str().trim_end_matches('/');
        let mut builder = Octocrab::builder().base_uri(uri).map_err(wrong)?.upload_uri(uri).map_err(wrong)?;
        if let Some(token) = token {
            builder = builder.personal_token(token.reveal().to_owned());
        }
        let octocrab = builder.build_with_reqwest(client.0.clone()).map_err(wrong)?;
        Ok(Self { octocrab, base: base.clone(), has_token: token.is_some() })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Asks for the page of a list at `route`, below the base. `etag` is the tag of the page that is known.
    pub async fn page<T: DeserializeOwned>(
        &self,
        route: &str,
        etag: Option<&str>,
    ) -> Result<Answer<T>, Failure> {
        let url = format!("{}{route}", shown(&self.base).trim_end_matches('/'));
        let url = url.split('?').next().unwrap_or_default().to_owned();
        let not_understood = |why: String| Failure::Lasting(Error::NotUnderstood { url: url.clone(), why });
        let mut headers = HeaderMap::new();
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let answer = self.octocrab._get_with_headers(route, Some(headers)).await;
        let answer = answer.map_err(|error| Failure::of_transport(url.clone(), &error))?;
        let status = answer.status();
        if status == StatusCode::NOT_MODIFIED && etag.is_some() {
            return Ok(Answer::Unchanged);
        }
        if status != StatusCode::OK {
            let host = self.base.host_str().unwrap_or_default();
            let limit = RateLimit::told(host, status, answer.headers(), self.has_token, Timestamp::now());
            return Err(limit.map_or_else(
                || Failure::of_status(url, status),
                |limit| Failure::Lasting(Error::RateLimited(limit)),
            ));
        }
        let etag = answer.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| Failure::of_transport(url.clone(), &*error))?.to_bytes();
        let body = Full::new(body).map_err(|never| match never {});
        let page = Page::from_response(http::Response::from_parts(parts, body)).await;
        let page = page.map_err(|error| not_understood(error.to_string()))?;
        let next = match &page.next {
            None => None,
            // Without it the list would look whole.
            Some(next) => Some(self.route(next).ok_or_else(|| {
                let host = next.host().unwrap_or_default();
                not_understood(format!("its next page is said to be at {host}"))
            })?),
        };
        Ok(Answer::Page { items: page.items, etag, next })
    }

    /// The route of a URL of this API. What leads elsewhere is none.
    fn route(&self, uri: &Uri) -> Option<String> {
        let url = Url::parse(&uri.to_string()).ok().filter(|url| url.origin() == self.base.origin())?;
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/')).unwrap_or(url.path());
        Some(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }
}
