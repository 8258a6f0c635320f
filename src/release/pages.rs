//! Reads the list of releases, page by page.

use super::kept::{Kept, KeptPage};
use super::list::Release;
use super::watch::Watch;
use crate::api::{self, Answer, Api, with_retries};

/// Pages that are read, at most: a thousand releases.
const PAGES: usize = 10;

/// Reads the whole list of `repository`. What `kept` has of before is not asked for again; it gets what was read.
pub(super) async fn read(
    api: &Api,
    repository: &str,
    kept: &mut Kept,
    watch: &Watch<'_>,
) -> Result<Vec<Release>, api::Error> {
    let mut route = Some(format!("/repos/{repository}/releases?per_page=100"));
    let (mut pages, mut releases) = (Vec::new(), Vec::new());
    while let Some(next) = route.take().filter(|_| pages.len() < PAGES) {
        let known = kept.page(&next);
        let etag = known.and_then(|page| page.etag.as_deref());
        let answer = with_retries(watch.say, async || api.page(&next, etag).await).await?;
        let page = match (answer, known) {
            (Answer::Page { items, etag, next: after }, _) => {
                KeptPage { route: next, etag, next: after, releases: items }
            }
            (Answer::Unchanged, Some(known)) => known.clone(),
            // The tag that was asked with is of a page that is known.
            (Answer::Unchanged, None) => break,
        };
        releases.extend(page.releases.iter().cloned());
        route.clone_from(&page.next);
        pages.push(page);
    }
    kept.pages = pages;
    Ok(releases)
}
