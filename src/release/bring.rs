//! A release's program, downloaded and verified, in memory.

use super::download::{Size, download};
use super::error::Error;
use super::find::{Found, Web};
use super::packed::{check, unpack};
use crate::api::shown;

/// The attestations' name on the release page.
pub(super) const BUNDLE: &str = "attestation.jsonl";

/// Bytes of the attestations, at most.
const MOST_OF_BUNDLE: u64 = 16 << 20;

/// A program of which all hashes are right.
#[derive(Debug)]
pub struct Brought {
    /// The program.
    pub program: Vec<u8>,
    /// The file it was packed in, by the name it was released under.
    pub(super) file: String,
    pub(super) packed: Vec<u8>,
    /// The release's attestations, where they were asked for.
    pub(super) bundle: Option<Vec<u8>>,
}

/// Downloads and verifies the program, and its attestations if they are wanted. In [`crate::api::wait`] only.
pub async fn bring(found: &Found, web: &Web<'_>, with_attestations: bool) -> Result<Brought, Error> {
    let of_release = &found.packed;
    let place = found.source.place(Some(&found.version), &of_release.file)?;
    let url = shown(&place.url);
    (web.watch.say)(format!("downloading runner-cache {} from {url}", found.version));
    let size = Size::Exactly(of_release.size);
    let packed = download(&found.client, &place, web.token.as_ref(), size, &web.watch).await?;
    if let Some(expected) = &place.sha256 {
        check(&packed, expected, &url)?;
    }
    let program = unpack(&packed, of_release, &url)?;
    let mut bundle = None;
    if with_attestations {
        let place = found.source.place(Some(&found.version), BUNDLE)?;
        let size = Size::AtMost(MOST_OF_BUNDLE);
        bundle = Some(download(&found.client, &place, web.token.as_ref(), size, &web.watch).await?);
    }
    Ok(Brought { program, file: of_release.file.clone(), packed, bundle })
}
