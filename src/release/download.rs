//! The bytes of a file: several attempts, each from where the last one stopped, and never more than there are.

use http::header::{CONTENT_RANGE, ETAG};
use http::{HeaderMap, StatusCode};

use super::error::Error;
use super::source::Place;
use super::watch::Watch;
use crate::api::{self, Client, Failure, Token, shown, with_retries};

/// What is known of a file's size.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// It has so many bytes.
    Exactly(u64),
    /// It has no more.
    AtMost(u64),
}

/// What came until now.
#[derive(Debug, Default)]
struct Begun {
    bytes: Vec<u8>,
    /// What it is a part of; without a tag nobody knows.
    etag: Option<String>,
}

/// Downloads the file at `place`.
pub(super) async fn download(
    client: &Client,
    place: &Place,
    token: Option<&Token>,
    size: Size,
    watch: &Watch<'_>,
) -> Result<Vec<u8>, Error> {
    let token = token.filter(|_| place.takes_token);
    let mut begun = Begun::default();
    with_retries(watch.say, async || begun.go_on(client, place, token, size, watch).await).await?;
    Ok(begun.bytes)
}

impl Begun {
    async fn go_on(
        &mut self,
        client: &Client,
        place: &Place,
        token: Option<&Token>,
        size: Size,
        watch: &Watch<'_>,
    ) -> Result<(), Failure<Error>> {
        let url = shown(&place.url);
        let answer = client.file(&place.url, token, self.bytes.len(), self.etag.as_deref()).await;
        let mut answer = answer.map_err(wider)?;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT if is_rest(answer.headers(), self.bytes.len()) => {}
            StatusCode::OK => self.bytes.clear(),
            // All of it is there, or of something else; or it is another part.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                *self = Self::default();
                let status = answer.status();
                return Err(Failure::Passing(api::Error::Status { url, status }.into()));
            }
            status => return Err(wider(Failure::of_status(url, status))),
        }
        self.etag = strong_tag(answer.headers());
        if let Some(length) = answer.content_length() {
            size.check(self.bytes.len() as u64 + length, &url).map_err(Failure::Lasting)?;
        }
        loop {
            let part = answer.chunk().await;
            let part = match part {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(error) => {
                    if self.etag.is_none() {
                        self.bytes.clear();
                    }
                    return Err(wider(Failure::of_transport(url, &error)));
                }
            };
            let (Size::Exactly(most) | Size::AtMost(most)) = size;
            if self.bytes.len() as u64 + part.len() as u64 > most {
                return Err(Failure::Lasting(Error::TooLarge { url, size: most }));
            }
            self.bytes.extend_from_slice(&part);
            if let Size::Exactly(all) = size {
                (watch.progress)(self.bytes.len() as u64, all);
            }
        }
        size.check(self.bytes.len() as u64, &url).map_err(Failure::Lasting)
    }
}

impl Size {
    /// Whether a file of `got` bytes can be it.
    fn check(self, got: u64, url: &str) -> Result<(), Error> {
        let url = url.to_owned();
        match self {
            Self::Exactly(size) if got != size => Err(Error::WrongSize { url, got, size }),
            Self::AtMost(size) if got > size => Err(Error::TooLarge { url, size }),
            _ => Ok(()),
        }
    }
}

fn wider(failure: Failure) -> Failure<Error> {
    match failure {
        Failure::Passing(error) => Failure::Passing(error.into()),
        Failure::Lasting(error) => Failure::Lasting(error.into()),
    }
}

/// The tag of exactly these bytes; a weak one is also of others that mean the same.
fn strong_tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    tag.starts_with('"').then(|| tag.to_owned())
}

/// Whether an answer is what comes after `start` bytes.
fn is_rest(headers: &HeaderMap, start: usize) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()) == Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_next_is_added() {
        let is_it = |range: &str, start| {
            is_rest(&HeaderMap::from_iter([(CONTENT_RANGE, range.parse().unwrap())]), start)
        };
        assert!(is_it("bytes 100-199/200", 100));
        assert!(
            !is_it("bytes 0-199/200", 100) && !is_it("bytes 100-199/200", 99) && !is_it("bytes */200", 100)
        );
        assert!(!is_rest(&HeaderMap::new(), 0));
        let tag = |tag: &str| strong_tag(&HeaderMap::from_iter([(ETAG, tag.parse().unwrap())]));
        assert_eq!((tag("W/\"a\""), tag("\"a\"")), (None, Some("\"a\"".to_owned())));
    }
}
