//! A host with one job: a cache root, a workspace with a target directory, and a temporary directory.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use test_support::{Job, Listing, Said, files, store};

use crate::PROGRAM;

/// Runs a command so that nothing it leaves behind outlives it: not the flush that a save starts, nor what it mounts.
/// Where `BOOT_ID` names a file, the kernel tells its contents as the id of the boot.
pub(crate) const ALONE: [&str; 12] = [
    "unshare",
    "--mount",
    "--propagation",
    "slave",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-euc",
    "if [ -n \"${BOOT_ID-}\" ]; then mount --bind \"$BOOT_ID\" /proc/sys/kernel/random/boot_id; fi; exec \"$@\"",
    "sh",
];

/// The arguments of most restores and saves here: the target directory under a key in the user's words, so that neither cargo
/// nor rustc is asked; and no look at the disk.
pub(crate) const UNGUARDED: [&str; 6] = ["--layers", "target", "--key", "k-1", "--disk-guard", "off"];

/// A host: the job on it, and what these tests look at.
pub(crate) struct Host(Job);

impl Deref for Host {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.0
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Job {
        &mut self.0
    }
}

impl Host {
    /// A host in the directory `base`, with no target directory yet.
    pub(crate) fn new(base: &Path) -> Self {
        Self(Job::at(base, PROGRAM))
    }

    /// The target directory.
    pub(crate) fn target(&self) -> PathBuf {
        self.path("work/project/target")
    }

    /// What is in the target directory; `None` where there is none.
    pub(crate) fn listing(&self) -> Option<Listing> {
        Listing::of(&self.target())
    }

    /// Removes the target directory.
    pub(crate) fn remove_target(&self) {
        files::remove(&self.target());
    }

    /// Runs the program with these arguments. Only a save leaves something running, and here not even that.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_under(if args[0] == "save" { &ALONE } else { &[] }, args)
    }

    /// Runs the program in another boot of the host, as it seems.
    pub(crate) fn run_in_another_boot(&self, args: &[&str]) -> Said {
        let id = self.path("boot_id");
        files::write(&id, "0e5a7b1c-0000-4000-8000-00000000b007\n");
        let boot = format!("BOOT_ID={}", id.display());
        self.run_under(&[&["env", &boot], &ALONE[..]].concat(), args)
    }

    /// Runs the program, which must succeed without a warning.
    pub(crate) fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert!(said.is_success() && said.warnings() == 0, "{args:?}: {said:#?}");
        said
    }

    /// Saves the target directory as an entry of its key, without a look at the disk, and must succeed.
    pub(crate) fn save(&self) -> Said {
        let said = self.ok(&[&["save"], &UNGUARDED[..]].concat());
        assert!(said.has_saved(), "{said:#?}");
        said
    }

    /// Restores the target directory without a look at the disk and leaves nothing for a save; must succeed.
    pub(crate) fn restore(&self) -> Said {
        self.ok(&[&["restore", "--no-session"], &UNGUARDED[..]].concat())
    }

    /// Directories of all entries of the target layer.
    pub(crate) fn entries(&self) -> Vec<PathBuf> {
        self.0.entries("target")
    }

    /// What an entry holds.
    pub(crate) fn held_by(&self, entry: &Path) -> Listing {
        let unpacked = self.path("unpacked");
        store::unpack(&self.path("root"), entry, &unpacked).unwrap();
        let listing = Listing::of(&unpacked).unwrap();
        files::remove(&unpacked);
        listing
    }

    /// What lies where nothing may stay: in directories of the root, and of restores in the workspace.
    pub(crate) fn debris(&self) -> Vec<PathBuf> {
        let mut debris = store::debris(&self.path("root"));
        debris.extend(store::temporaries(&self.path("work/project")));
        debris.extend(store::temporaries(&self.target()));
        debris
    }
}
