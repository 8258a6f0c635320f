//! What in a directory belongs to other users: containers that run as root leave it in workspaces.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Gid, Uid, chownat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::error::{Error, Named as _, Result};
use super::{Dir, FileType};

/// A directory in `directory`, itself included, that is not this user's, and the user whose it is; `None` where none was found within
/// `patience`. Who owns all directories can remove whatever is in them.
pub fn foreign_directory(directory: &Path, patience: Duration) -> Option<(PathBuf, u32)> {
    let until = Instant::now() + patience;
    let own = geteuid().as_raw();
    let mut found = None;
    let _ = for_each_directory(&Dir::open(directory).ok()?, |dir| {
        let owner = dir.stat_self()?.owner;
        if owner != own {
            found = Some((dir.path().to_path_buf(), owner));
        }
        Ok(found.is_none() && Instant::now() < until)
    });
    found
}

/// Gives what root has in `top` to the user and group of that, and tells how many files and directories that were. Symlinks are
/// not followed; a file with another name, which may be elsewhere, is left alone, and so is what is mounted there. `for_user` is who
/// asked root for it.
///
/// It takes no longer than `bound`, but for the directory that it is at then.
///
/// # Errors
///
/// `top` is root's own or another user's, or cannot be read, or an owner not be changed.
pub fn hand_back(top: &Dir, for_user: Option<u32>, bound: Duration) -> Result<u64> {
    let until = Instant::now() + bound;
    let stat = top.stat_self()?;
    let (user, group) = (stat.owner, stat.group);
    if user == 0 || for_user.is_some_and(|asked| asked != user) {
        return Err(Error::new("hand back", top.path(), Errno::PERM));
    }
    let mut given = 0;
    for_each_directory(top, |dir| {
        let mut names = Vec::new();
        dir.for_each_name(|name| names.push(name.to_vec()))?;
        for name in names {
            match give(dir, &name, (user, group), stat.device) {
                Ok(is_given) => given += u64::from(is_given),
                // It went meanwhile, or something is mounted on it.
                Err(error) if error.is(Errno::NOENT) || error.is(Errno::XDEV) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Instant::now() < until)
    })?;
    Ok(given)
}

/// Looks at an open file, so that nobody can lay another one in its place.
fn give(dir: &Dir, name: &[u8], (user, group): (u32, u32), device: (u32, u32)) -> Result<bool> {
    let file = dir.open_path_of_same_mount(name)?;
    let stat = dir.stat_open(&file, name)?;
    if stat.owner != 0 || stat.device != device || stat.kind != FileType::Directory && stat.links > 1 {
        return Ok(false);
    }
    let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
    chownat(&file, "", user, group, AtFlags::EMPTY_PATH).named("set owner of", || dir.join(name))?;
    Ok(true)
}

/// Calls `each` with `top` and all directories in it on its file system, until it says no.
fn for_each_directory(top: &Dir, mut each: impl FnMut(&Dir) -> Result<bool>) -> Result<()> {
    let device = top.stat_self()?.device;
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        // What goes meanwhile, or cannot be entered, has been told of by its own owner.
        let Ok(dir) = top.open_beneath_of_same_mount(&path) else { continue };
        if dir.stat_self()?.device != device {
            continue;
        }
        if !each(&dir)? {
            return Ok(());
        }
        let mut names = Vec::new();
        if dir.for_each_name(|name| names.push(name.to_vec())).is_err() {
            continue;
        }
        for name in names {
            if dir.stat(&name).is_ok_and(|stat| stat.kind == FileType::Directory) {
                let below = Path::new(OsStr::from_bytes(&path)).join(OsStr::from_bytes(&name));
                waiting.push(below.as_os_str().as_bytes().to_vec());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn what_is_this_users_is_not_foreign() {
        let directory = tempfile::tempdir().unwrap();
        file::make_dirs(&directory.path().join("a/b/c")).unwrap();
        assert_eq!(foreign_directory(directory.path(), Duration::from_secs(60)), None);
    }
}
