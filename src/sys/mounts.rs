//! What is mounted where.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::error::Result;
use super::{Dir, file};

/// What a file system has in its root by itself. It is root's, and nobody else can read or move it.
pub const LOST_AND_FOUND: &str = "lost+found";

/// What tells the mounts that this process sees from those of others; `None` where the kernel does not say.
pub fn mount_namespace() -> Option<String> {
    let link =
        Dir::open(Path::new("/proc/self/ns")).and_then(|directory| directory.read_symlink(b"mnt")).ok()?;
    String::from_utf8(link).ok()
}

/// The mount points strictly below `directory`, which is absolute and without symlinks.
pub fn mounts_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let table = file::read(Path::new("/proc/self/mountinfo"))?;
    let points = table.split(|&byte| byte == b'\n').filter_map(mount_point);
    Ok(points.filter(|point| point != directory && point.starts_with(directory)).collect())
}

/// Whether the file system of `directory` is mounted with an option of its own.
pub(super) fn has_mount_option(directory: &Dir, option: &str) -> Result<bool> {
    let (major, minor) = directory.stat_self()?.device;
    let device = format!("{major}:{minor}");
    let table = file::read(Path::new("/proc/self/mountinfo"))?;
    Ok(table.split(|&byte| byte == b'\n').any(|line| {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split(' ');
        // The third field and the last one, see proc(5).
        let is_its = fields.nth(2) == Some(&device);
        is_its && fields.next_back().is_some_and(|options| options.split(',').any(|one| one == option))
    }))
}

/// The file system that `path` is on, with its options, such as `ext4 rw,relatime`; nothing where nobody tells.
pub fn file_system_of(path: &Path) -> Option<String> {
    let table = file::read(Path::new("/proc/self/mountinfo")).ok()?;
    let path = path.ancestors().find_map(|above| file::canonicalize(above).ok())?;
    let lines = table.split(|&byte| byte == b'\n');
    let below = lines.filter_map(|line| Some((mount_point(line)?, line)));
    // Of several at one place the last one hides the others.
    let (_, line) = below
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.as_os_str().len())?;
    let line = String::from_utf8_lossy(line);
    let (mount, kind) = line.split_once(" - ")?;
    Some(format!("{} {}", kind.split(' ').next()?, mount.split(' ').nth(5)?))
}

/// The fifth field of a line of `mountinfo`, see proc(5).
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|&byte| byte == b' ').nth(4)?;
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        // Blanks and the like are written as a backslash and three octal digits.
        let octal = (byte == b'\\').then(|| tail.get(..3)).flatten();
        let escaped = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[3..] } else { tail };
    }
    Some(PathBuf::from(OsString::from_vec(path))).filter(|path| path.as_os_str().as_bytes().starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_may_have_blanks() {
        let line = br"36 35 98:0 / /mnt/a\040b rw,noatime master:1 - ext4 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from("/mnt/a b")));
        assert_eq!(mount_point(b""), None);
    }

    #[test]
    fn proc_is_mounted_below_the_root_and_not_below_itself() {
        assert!(mounts_below(Path::new("/")).unwrap().contains(&PathBuf::from("/proc")));
        assert!(!mounts_below(Path::new("/proc")).unwrap().contains(&PathBuf::from("/proc")));
    }
}
