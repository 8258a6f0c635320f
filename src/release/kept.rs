//! The list of releases as it was read last: the server tells whether it still holds, and that costs no question of the rate limit.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::list::Release;
use crate::github::Environment;
use crate::sys::{self, changeable_by_others, file};

/// The pages of one repository's list.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) pages: Vec<KeptPage>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptPage {
    pub(super) route: String,
    pub(super) etag: Option<String>,
    pub(super) next: Option<String>,
    pub(super) releases: Vec<Release>,
}

/// The directory of the lists, in the user's cache directory. (`runner-cache` there may be a cache root.) None where another user can
/// change it, and could lead what is written there elsewhere.
pub fn kept_lists(env: &Environment) -> Option<PathBuf> {
    let of_user = env.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|directory| directory.is_absolute());
    let of_user = of_user.or_else(|| Some(Path::new(env.get("HOME")?).join(".cache")));
    let of_user = of_user?;
    let lists = of_user.join("runner-cache-releases");
    matches!(changeable_by_others(&lists, geteuid().as_raw()), Ok(None)).then_some(lists)
}

/// The file of a list in their directory.
pub(super) fn file_of(directory: &Path, api: &str, repository: &str) -> PathBuf {
    let digest = sys::sha256_hex(format!("{api}\n{repository}").as_bytes());
    directory.join(format!("{}.json", &digest[..16]))
}

impl Kept {
    /// Reads it. One that is not whole is none; neither is one that another user can write, since it tells where files are.
    pub(super) fn read(path: &Path) -> Self {
        let Ok(Some((owner, mode))) = file::owner_and_mode(path) else { return Self::default() };
        if owner != geteuid().as_raw() || mode & 0o022 != 0 {
            return Self::default();
        }
        let bytes = file::read(path).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) -> sys::Result<()> {
        file::make_private_dirs(path.parent().unwrap_or(Path::new(".")))?;
        let text = serde_json::to_vec(self).expect("it has nothing that JSON has not");
        file::write_atomic(path, &text)
    }

    /// What is known of the page at `route`.
    pub(super) fn page(&self, route: &str) -> Option<&KeptPage> {
        self.pages.iter().find(|page| page.route == route)
    }
}
