//! Whether the sources of downloads are as cargo laid them in its home.
//!
//! Cargo never looks at them again, so nothing in a target directory tells what was compiled from patched ones.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::home::DOWNLOADED;
use crate::sys::{self, Dir};

/// How deep in the home a download lies: `registry/src/<registry>/<crate>`, `git/checkouts/<repository>/<commit>`.
const DEPTH: usize = 4;

/// Whether one of `sources` is of a download in `home`, and is younger than cargo's mark or not to be looked at.
pub(super) fn is_any_patched(sources: &[PathBuf], home: &Path) -> bool {
    let dir = Dir::open(home);
    let is_as_downloaded =
        |source| dir.as_ref().is_ok_and(|dir| is_as_downloaded(dir, source).unwrap_or(false));
    sources.iter().filter_map(|source| source.strip_prefix(home).ok()).any(|source| !is_as_downloaded(source))
}

fn is_as_downloaded(home: &Dir, source: &Path) -> sys::Result<bool> {
    let download: PathBuf = source.iter().take(DEPTH).collect();
    let mark = home.stat(download.join(DOWNLOADED).as_os_str().as_bytes())?;
    Ok(home.stat(source.as_os_str().as_bytes())?.mtime <= mark.mtime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Time, file};

    #[test]
    fn a_source_of_a_download_is_patched_where_it_is_younger_than_the_mark() {
        let place = tempfile::tempdir().unwrap();
        let home = Dir::open(place.path()).unwrap();
        let is_patched = |source: &str| is_any_patched(&[home.join(source.as_bytes())], home.path());
        for download in ["registry/src/i-1/a-1.0.0", "git/checkouts/a-1/0123456"] {
            let source = format!("{download}/src/lib.rs");
            file::make_dirs(&home.join(format!("{download}/src").as_bytes())).unwrap();
            for file in [&format!("{download}/{DOWNLOADED}"), &source] {
                file::append(&home.join(file.as_bytes()), "").unwrap();
                home.set_mtime(file.as_bytes(), Time { seconds: 10, nanoseconds: 5 }).unwrap();
            }
            assert!(!is_patched(&source));
            home.set_mtime(source.as_bytes(), Time { seconds: 10, nanoseconds: 6 }).unwrap();
            assert!(is_patched(&source));
            assert!(is_patched(&format!("{download}/src/gone.rs")));
        }
        assert!(is_patched("registry/src/i-1/half-1.0.0/src/lib.rs"));
        assert!(!is_any_patched(&["/w/target/out/x.rs".into(), "src/lib.rs".into()], home.path()));
    }
}
