//! A directory for one test, and what is mounted in it; all of it is gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::environment::which;

/// What the tests run besides the program itself.
const PROGRAMS: [&str; 8] =
    ["mount", "umount", "unshare", "strace", "flock", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"];

/// A directory for one test.
pub(crate) struct Place {
    // Dropped in this order: what is mounted first, the last one of it before the others.
    mounts: Vec<Mount>,
    dir: TempDir,
}

impl Place {
    /// A new directory. Panics where these tests cannot run.
    pub(crate) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests mount file systems, which only root can: use `scripts/disk.sh` as root"
        );
        let missing: Vec<_> = PROGRAMS.into_iter().filter(|program| which(program).is_none()).collect();
        assert!(missing.is_empty(), "missing: {missing:?}; `scripts/disk.sh` installs them");
        let dir = tempfile::Builder::new().prefix("runner-cache-disk.").tempdir().unwrap();
        // What runs in a mount namespace of its own has a copy of all mounts, and would keep a device busy that is
        // unmounted here. What is mounted below a shared mount goes there as well when it goes here.
        run(Command::new("mount").arg("--bind").args([dir.path(), dir.path()]));
        let shared = Mount { path: dir.path().into() };
        run(Command::new("mount").arg("--make-shared").arg(dir.path()));
        Self { mounts: vec![shared], dir }
    }

    /// A path in the directory.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Mounts a tmpfs of these options, such as `size=1m`, on the directory `path`, made if absent.
    pub(crate) fn tmpfs(&mut self, path: &str, options: &str) -> PathBuf {
        let options = format!("mode=0700,{options}");
        self.mount(path, &["-t", "tmpfs", "-o", &options, "tmpfs"])
    }

    /// Mounts the image file `image` on the directory `path`, made if absent.
    pub(crate) fn image(&mut self, path: &str, image: &Path, options: &str) -> PathBuf {
        let options = format!("loop,{options}");
        self.mount(path, &["-o", &options, image.to_str().unwrap()])
    }

    fn mount(&mut self, path: &str, args: &[&str]) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(&path).unwrap();
        run(Command::new("mount").args(args).arg(&path));
        self.mounts.push(Mount { path: path.clone() });
        path
    }

    /// Gives the mount at the directory `path` other options.
    pub(crate) fn remount(&self, path: &str, options: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path(path)));
    }

    /// Takes away what was mounted on the directory `path`.
    pub(crate) fn unmount(&mut self, path: &str) {
        let path = self.path(path);
        let at = self.mounts.iter().position(|mount| mount.path == path).expect("it was mounted here");
        drop(self.mounts.remove(at));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        while let Some(mount) = self.mounts.pop() {
            drop(mount);
        }
    }
}

/// Something mounted.
struct Mount {
    path: PathBuf,
}

impl Drop for Mount {
    fn drop(&mut self) {
        let umount = |lazily: &[&str]| {
            Command::new("umount").args(lazily).arg(&self.path).output().is_ok_and(|o| o.status.success())
        };
        // Lazily where somebody still uses it: the kernel ends it when nobody does.
        if !umount(&[]) && !umount(&["-l"]) {
            eprintln!("{} is still mounted", self.path.display());
        }
    }
}

/// Runs a command that must succeed, and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
