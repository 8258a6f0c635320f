//! Whether a place stands where it is whatever other users do.

use std::path::{Path, PathBuf};

use super::error::Result;
use super::file;

/// The first directory on the way to what `path` leads to, itself included, in which somebody else than root and `owner` can
/// rename or remove what is there; `None` where nobody can. What is not there yet is passed over. In a directory with the
/// sticky bit everybody keeps what is theirs. A group of root's can write: its members are root's choice.
pub fn changeable_by_others(path: &Path, owner: u32) -> Result<Option<PathBuf>> {
    let there = path.ancestors().find(|place| file::is_present(place)).unwrap_or(Path::new("/"));
    for place in file::canonicalize(there)?.ancestors() {
        let Some((of, mode)) = file::owner_and_mode(place)? else { continue };
        let is_sticky = mode & 0o1000 != 0;
        let is_open = mode & 0o002 != 0 && !is_sticky || mode & 0o020 != 0 && !is_sticky && of != 0;
        if of != 0 && of != owner || is_open {
            return Ok(Some(place.to_path_buf()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]
    fn a_directory_that_everybody_can_write_is_found_also_behind_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let own = rustix::process::geteuid().as_raw();
        let open = directory.path().canonicalize().unwrap().join("open");
        std::fs::create_dir_all(open.join("in")).unwrap();
        std::os::unix::fs::symlink(open.join("in"), directory.path().join("link")).unwrap();
        let found = |path: &str| changeable_by_others(&directory.path().join(path), own).unwrap();
        assert_eq!(found("open/in/absent"), None);
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(found("open/in/absent"), Some(open.clone()));
        assert_eq!(found("link"), Some(open.clone()));
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(found("open/in"), None);
    }
}
