//! A program that is put in its place whole or not at all.

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::TempPath;

use super::error::{Error, Named as _, Result};

/// How its name begins until then. What killed ones leave in a tool cache, `scripts/install.sh` removes.
const PREFIX: &str = ".download.";

/// A new program beside its place, which goes unless it is put there.
#[derive(Debug)]
pub struct NewProgram {
    path: TempPath,
}

impl NewProgram {
    /// Writes it to the disk beside `place`, with these permission bits.
    pub fn beside(place: &Path, bytes: &[u8], mode: u32) -> Result<Self> {
        let directory = place.parent().filter(|above| !above.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let make = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o700).open(path);
        let created = tempfile::Builder::new().prefix(PREFIX).make_in(directory, make);
        let mut file = created.named("create a file in", || directory.into())?;
        file.as_file_mut()
            .write_all(bytes)
            .and_then(|()| file.as_file().set_permissions(Permissions::from_mode(mode)))
            .and_then(|()| file.as_file().sync_all())
            .named("write", || place.into())?;
        // Closed, since what is open for writing cannot be run.
        Ok(Self { path: file.into_temp_path() })
    }

    /// Gives it the owner and group of what is at `place` now.
    pub fn own_as(&self, place: &Path) -> Result<()> {
        let now = std::fs::symlink_metadata(place).named("read metadata of", || place.into())?;
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let new = OpenOptions::new()
            .read(true)
            .custom_flags(no_link)
            .open(&self.path)
            .named("open", || self.path.to_path_buf())?;
        let own = new.metadata().named("read metadata of", || self.path.to_path_buf())?;
        if (own.uid(), own.gid()) == (now.uid(), now.gid()) {
            return Ok(());
        }
        // It takes the bits that run a program as another user away.
        fchown(&new, Some(now.uid()), Some(now.gid()))
            .and_then(|()| new.set_permissions(Permissions::from_mode(own.mode() & 0o7777)))
            .named("set the owner of", || place.into())
    }

    /// Where it is until then.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to `place`: whoever looks there sees the old one or the new one, and who runs the old one goes on.
    pub fn put(self, place: &Path) -> Result<()> {
        self.path.persist(place).map_err(|error| Error::new("rename to", place, error.error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_put_in_place_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("program");
        drop(NewProgram::beside(&place, b"new", 0o755).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        NewProgram::beside(&place, b"new", 0o750).unwrap().put(&place).unwrap();
        assert_eq!(std::fs::metadata(&place).unwrap().mode() & 0o7777, 0o750);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
