//! Whether the files of a tree are as it says, and what they hold.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::Result;
use super::failure::UntilFailure;
use super::index::{Kind, Node, NodeId, Tree};
use crate::sys::{self, Digest, Dir, Errno, FileType, Interrupt, Stat};

/// Something that is not as the tree says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub path: PathBuf,
    /// How it is instead.
    pub what: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong, by path.
    pub damages: Vec<Damage>,
    /// For each file, by its node, a digest of its contents; nothing unless they were read.
    pub digests: Vec<(NodeId, Digest)>,
}

/// Compares kind, size and time of all that is in `tree` with the folder `root`, and reads all contents where `deep`.
/// Modes are not compared: a restore sets them right.
pub fn verify(tree: &Tree, root: &Dir, deep: bool, interrupt: &Interrupt) -> Result<Verified> {
    let work = Work { tree, deep, found: Mutex::default(), jobs: UntilFailure::new(interrupt) };
    let root = root.open_beneath(b"")?;
    rayon::scope(|scope| work.jobs.run(|| work.folder(scope, 0, root)));
    work.jobs.finish()?;
    let mut found = work.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.damages.sort_by(|a, b| a.path.cmp(&b.path));
    found.digests.sort_unstable_by_key(|(id, _)| *id);
    Ok(found)
}

struct Work<'a> {
    tree: &'a Tree,
    deep: bool,
    found: Mutex<Verified>,
    jobs: UntilFailure<'a>,
}

impl Work<'_> {
    fn folder<'scope>(&'scope self, scope: &Scope<'scope>, folder: NodeId, here: Dir) -> Result<()> {
        let here = Arc::new(here);
        for id in self.tree.children(folder) {
            let here = Arc::clone(&here);
            if let Kind::Folder { .. } = self.tree.node(id).kind {
                scope.spawn(move |scope| {
                    self.jobs.run(|| match here.open_dir(self.tree.name(id)) {
                        Ok(dir) => self.folder(scope, id, dir),
                        Err(error) => self.tell(&here, id, error.reason()),
                    });
                });
            } else if self.deep {
                scope.spawn(move |_| self.jobs.run(|| self.contents(&here, id)));
            } else {
                self.metadata(&here, id)?;
            }
        }
        Ok(())
    }

    fn metadata(&self, here: &Dir, id: NodeId) -> Result<()> {
        match here.stat_if_present(self.tree.name(id)) {
            Ok(None) => self.tell(here, id, "it is missing".into()),
            Ok(Some(stat)) => match self.difference(here, id, &stat) {
                Some(what) => self.tell(here, id, what),
                None => Ok(()),
            },
            Err(error) => self.tell(here, id, error.reason()),
        }
    }

    fn contents(&self, here: &Dir, id: NodeId) -> Result<()> {
        if !matches!(self.tree.node(id).kind, Kind::File { .. }) {
            return self.metadata(here, id);
        }
        let opened: sys::Result<(OwnedFd, Stat)> = here.open_file(self.tree.name(id));
        let read = match opened {
            Ok((file, stat)) => match self.difference(here, id, &stat) {
                Some(what) => Err(what),
                None => Digest::of_file(file).map_err(|errno| std::io::Error::from(errno).to_string()),
            },
            Err(error) if error.is(Errno::NOENT) => Err("it is missing".into()),
            Err(error) => Err(error.reason()),
        };
        match read {
            Ok(digest) => {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.digests.push((id, digest));
                Ok(())
            }
            Err(what) => self.tell(here, id, what),
        }
    }

    /// How the file is instead of what the tree says.
    fn difference(&self, here: &Dir, id: NodeId, stat: &Stat) -> Option<String> {
        let node: &Node = self.tree.node(id);
        match node.kind {
            Kind::File { .. } if stat.kind != FileType::RegularFile => Some("it is no regular file".into()),
            Kind::File { size, .. } if stat.size != size => {
                Some(format!("{} bytes instead of {size}", stat.size))
            }
            Kind::Symlink { .. } if stat.kind != FileType::Symlink => Some("it is no symlink".into()),
            Kind::Symlink { target }
                if here.read_symlink(self.tree.name(id)).ok().as_deref() != Some(self.tree.text(target)) =>
            {
                Some("it leads elsewhere".into())
            }
            _ if stat.mtime != node.mtime => Some("another time of change".into()),
            _ => None,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a damage is a finding; callers end with it")]
    fn tell(&self, here: &Dir, id: NodeId, what: String) -> Result<()> {
        let path = here.join(self.tree.name(id));
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.damages.push(Damage { path, what });
        Ok(())
    }
}
