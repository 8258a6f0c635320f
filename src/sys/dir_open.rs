//! How directories are opened: by which ways a path may lead there.

use std::ffi::OsString;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::error::{Error, Named, Result};

/// Longest relative path that is handed to the kernel at once; below `PATH_MAX` (4096, the final NUL included).
const LONGEST_PATH: usize = 4000;

impl Dir {
    /// Opens the directory at `path`, following symlinks.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .named("open directory", || path.to_path_buf())?;
        Ok(Self { fd, path: path.to_path_buf() })
    }

    /// Opens the directory called `name` in this one; a symlink is an error.
    pub fn open_dir(&self, name: &[u8]) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::openat(self, name, flags, Mode::empty()).named("open directory", || self.join(name))?;
        Ok(Self { fd, path: self.join(name) })
    }

    /// Opens the directory at the relative path `path`, however long it is, following no symlink. An empty path opens this
    /// directory anew.
    pub fn open_beneath(&self, path: &[u8]) -> Result<Self> {
        self.open_beneath_if(path, fs::ResolveFlags::empty())
    }

    /// The same, unless something else is mounted on the way.
    pub(super) fn open_beneath_of_same_mount(&self, path: &[u8]) -> Result<Self> {
        self.open_beneath_if(path, fs::ResolveFlags::NO_XDEV)
    }

    fn open_beneath_if(&self, path: &[u8], resolve: fs::ResolveFlags) -> Result<Self> {
        let mut here = None;
        let mut rest = path;
        loop {
            let at = here.as_ref().unwrap_or(self);
            let (head, tail) = split_path(rest);
            let dir = at.open_short(head, resolve)?;
            if tail.is_empty() {
                return Ok(dir);
            }
            here = Some(dir);
            rest = tail;
        }
    }

    /// Opens the directory at the absolute path `path` as if this one were `/`: symlinks lead to places in it, and never out.
    pub fn open_in_root(&self, path: &Path) -> Result<Self> {
        let full = || self.path.join(path.strip_prefix("/").unwrap_or(path));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::openat2(self, path, flags, Mode::empty(), fs::ResolveFlags::IN_ROOT) {
            Err(Errno::NOSYS | Errno::PERM) => self.open_by_component(path.as_os_str().as_bytes(), full()),
            opened => Ok(Self { fd: opened.named("open directory", full)?, path: full() }),
        }
    }

    fn open_short(&self, path: &[u8], resolve: fs::ResolveFlags) -> Result<Self> {
        let (path, full) =
            if path.is_empty() { (&b"."[..], self.path.clone()) } else { (path, self.join(path)) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = resolve | fs::ResolveFlags::BENEATH | fs::ResolveFlags::NO_SYMLINKS;
        match fs::openat2(self, path, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => self.open_by_component(path, full),
            opened => Ok(Self { fd: opened.named("open directory", || full.clone())?, path: full }),
        }
    }

    /// The same for kernels before 5.6, and for containers whose filter hides the call.
    fn open_by_component(&self, path: &[u8], full: PathBuf) -> Result<Self> {
        let mut components = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        let first = components.next().unwrap_or(b".");
        let mut here = self.open_dir(first)?;
        for name in components {
            if name == b".." {
                return Err(Error::new("open directory", &full, Errno::XDEV));
            }
            here = here.open_dir(name)?;
        }
        Ok(Self { path: full, ..here })
    }

    /// Opens the directory `name` unless something else is mounted on it.
    pub(super) fn open_dir_of_same_mount(&self, name: &[u8]) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.open_of_same_mount(name, flags)?;
        Ok(Self { fd, path: self.join(name) })
    }

    /// Opens `name` to look at it, whatever it is, unless something else is mounted on it.
    pub(super) fn open_path_of_same_mount(&self, name: &[u8]) -> Result<OwnedFd> {
        self.open_of_same_mount(name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)
    }

    fn open_of_same_mount(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd> {
        let resolve = fs::ResolveFlags::BENEATH | fs::ResolveFlags::NO_XDEV;
        match fs::openat2(self, name, flags, Mode::empty(), resolve) {
            // Kernels before 5.6, and containers whose filter hides the call.
            Err(Errno::NOSYS | Errno::PERM) => fs::openat(self, name, flags, Mode::empty()),
            opened => opened,
        }
        .named("open", || self.join(name))
    }

    /// Where it really is, by the kernel: nobody can lay another one in its place.
    pub fn real_path(&self) -> Result<PathBuf> {
        let link = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        fs::readlink(&link, Vec::new())
            .named("read link", || link.into())
            .map(|path| PathBuf::from(OsString::from_vec(path.into_bytes())))
    }
}

/// Splits a relative path at a `/` so that the head is short enough for one call.
fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= LONGEST_PATH {
        return (path, b"");
    }
    // Names are 255 bytes at most, so there is a slash.
    match path[..LONGEST_PATH].iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, b""),
    }
}
