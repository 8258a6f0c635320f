//! The list of releases, as the API has it, and which of them is the newest.
//! <https://docs.github.com/en/rest/releases/releases#list-releases>

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::api::{self, Api, KnownLists, Pages, read_list};

/// A thousand releases; the newest come first.
const PAGES: Pages = Pages::First(10);

/// A release on its page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Release {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    pub(super) assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asset {
    pub(super) name: String,
    /// Where the API has it.
    pub(super) url: String,
    /// Where everybody can have it.
    pub(super) browser_download_url: String,
    /// `sha256:` and the hash in hexadecimal digits; servers of before 2025 tell none.
    #[serde(default)]
    pub(super) digest: Option<String>,
}

impl Release {
    /// Its version, where its tag is one.
    pub(super) fn version(&self) -> Option<Version> {
        Version::parse(self.tag_name.strip_prefix('v').unwrap_or(&self.tag_name)).ok()
    }
}

/// The releases of `repository`.
pub(super) async fn releases(
    api: &Api,
    repository: &str,
    known: &KnownLists,
    say: &dyn Fn(String),
) -> Result<Vec<Release>, api::Error> {
    read_list(api, format!("/repos/{repository}/releases?per_page=100"), PAGES, known, say).await
}

/// The release that everybody is to use.
pub(super) fn newest(releases: &[Release]) -> Option<(Version, &Release)> {
    let public = releases.iter().filter(|release| !release.draft && !release.prerelease);
    let versions = public.filter_map(|release| Some((release.version()?, release)));
    versions.filter(|(version, _)| version.pre.is_empty()).max_by(|(a, _), (b, _)| a.cmp(b))
}

/// The release of this version.
pub(super) fn named<'a>(releases: &'a [Release], version: &Version) -> Option<&'a Release> {
    releases.iter().find(|release| !release.draft && release.version().as_ref() == Some(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(tag: &str, draft: bool, prerelease: bool) -> Release {
        Release { tag_name: tag.to_owned(), draft, prerelease, assets: Vec::new() }
    }

    #[test]
    fn the_newest_is_the_highest_version_that_is_no_preview() {
        let releases = [
            release("v1.2.9", false, false),
            release("v1.10.0", false, false),
            release("v1.9.0", false, false),
            release("v2.0.0", false, true),
            release("v2.0.1-rc.1", false, false),
            release("v3.0.0", true, false),
            release("nightly", false, false),
        ];
        assert_eq!(newest(&releases).unwrap().0, Version::new(1, 10, 0));
        assert!(named(&releases, &Version::new(2, 0, 0)).is_some(), "a preview that is named");
        assert!(named(&releases, &Version::new(3, 0, 0)).is_none(), "a draft is nobody's");
        assert_eq!(newest(&releases[3..]), None);
    }
}
