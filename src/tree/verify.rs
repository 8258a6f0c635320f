//! Whether the files of a tree are as it says, and what they hold.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::failure::UntilFailure;
use super::index::{Kind, Node, NodeId, Tree};
use super::location::{Location, OpenDirectory};
use super::{Error, Result};
use crate::sys::{self, Digest, Dir, Errno, FileType, Interrupt, Stat};

/// Something that is not as the tree says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The node. Of what is below a directory nothing is told where the directory itself is not there.
    pub id: NodeId,
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

/// Compares kind, size and time of all that is in `tree` at its `location`, and reads all contents where `deep`.
/// Modes are not compared: a restore sets them right. Where there is `chosen`, it is only about the nodes of which that holds,
/// and nothing in a directory of which it does not.
pub fn verify(
    tree: &Tree,
    location: Location<'_>,
    deep: bool,
    chosen: Option<&[bool]>,
    interrupt: &Interrupt,
) -> Result<Verified> {
    let work = Work { tree, deep, chosen, found: Mutex::default(), jobs: UntilFailure::new(interrupt) };
    let root = OpenDirectory::new(tree, location, 0);
    rayon::scope(|scope| work.jobs.run(|| work.directory(scope, 0, root)));
    work.jobs.finish()?;
    let mut found = work.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.damages.sort_by(|a, b| a.path.cmp(&b.path));
    found.digests.sort_unstable_by_key(|(id, _)| *id);
    Ok(found)
}

struct Work<'a> {
    tree: &'a Tree,
    deep: bool,
    chosen: Option<&'a [bool]>,
    found: Mutex<Verified>,
    jobs: UntilFailure<'a>,
}

impl<'a> Work<'a> {
    fn directory<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        directory: NodeId,
        here: OpenDirectory<'a>,
    ) -> Result<()> {
        let here = Arc::new(here);
        let is_chosen = |id: &NodeId| self.chosen.is_none_or(|chosen| chosen[*id as usize]);
        for id in self.tree.children(directory).filter(is_chosen) {
            let here = Arc::clone(&here);
            if let Kind::Directory { .. } = self.tree.node(id).kind {
                scope.spawn(move |scope| {
                    self.jobs.run(|| match here.below(id) {
                        Ok(directory) => self.directory(scope, id, directory),
                        Err(error) => self.tell_of(id, error),
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

    fn metadata(&self, here: &OpenDirectory<'a>, id: NodeId) -> Result<()> {
        if here.is_packed(id) {
            // A pack has the size that it is to have, or it could not be opened.
            return Ok(());
        }
        let name = self.tree.name(id);
        let (dir, stat) = match here.dir().and_then(|dir| Ok((dir, dir.stat_if_present(name)?))) {
            Ok(found) => found,
            Err(error) => return self.tell_of(id, error),
        };
        let what = match stat {
            None => Some("missing".into()),
            Some(stat) => self.difference(dir, id, &stat),
        };
        what.map_or(Ok(()), |what| self.tell(id, &dir.join(name), what))
    }

    fn contents(&self, here: &OpenDirectory<'a>, id: NodeId) -> Result<()> {
        if !matches!(self.tree.node(id).kind, Kind::File { .. }) {
            return self.metadata(here, id);
        }
        if here.is_packed(id) {
            return match here.packed(id) {
                Ok(contents) => {
                    self.add(id, Digest::of(&contents.unwrap_or_default()));
                    Ok(())
                }
                Err(Error::Changed { path, what }) => self.tell(id, &path, what),
                Err(Error::Sys(error)) => self.tell_of(id, error),
                Err(error) => Err(error),
            };
        }
        let name = self.tree.name(id);
        let (dir, opened) = match here.dir() {
            Ok(dir) => (dir, dir.open_file(name)),
            Err(error) => return self.tell_of(id, error),
        };
        let read = match opened {
            Ok((file, stat)) => match self.difference(dir, id, &stat) {
                Some(what) => Err(what),
                None => Digest::of_file(file).map_err(|errno| std::io::Error::from(errno).to_string()),
            },
            Err(error) if error.is(Errno::NOENT) => Err("missing".into()),
            Err(error) => Err(error.reason()),
        };
        match read {
            Ok(digest) => {
                self.add(id, digest);
                Ok(())
            }
            Err(what) => self.tell(id, &dir.join(name), what),
        }
    }

    fn add(&self, id: NodeId, digest: Digest) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.digests.push((id, digest));
    }

    /// How the file is instead of what the tree says.
    fn difference(&self, here: &Dir, id: NodeId, stat: &Stat) -> Option<String> {
        let node: &Node = self.tree.node(id);
        match node.kind {
            Kind::File { .. } if stat.kind != FileType::RegularFile => Some("not a regular file".into()),
            Kind::File { size, .. } if stat.size != size => {
                Some(format!("{} bytes instead of {size}", stat.size))
            }
            Kind::Symlink { .. } if stat.kind != FileType::Symlink => Some("not a symlink".into()),
            Kind::Symlink { target }
                if here.read_symlink(self.tree.name(id)).ok().as_deref() != Some(self.tree.text(target)) =>
            {
                Some("points elsewhere".into())
            }
            _ if stat.mtime != node.mtime => Some("modification time differs".into()),
            _ => None,
        }
    }

    /// Tells what is in the way, if that is the file's fault and not this process's.
    fn tell_of(&self, id: NodeId, error: sys::Error) -> Result<()> {
        if [Errno::MFILE, Errno::NFILE, Errno::NOMEM].iter().any(|&errno| error.is(errno)) {
            return Err(error.into());
        }
        self.tell(id, error.path(), error.reason())
    }

    #[expect(clippy::unnecessary_wraps, reason = "a damage is a finding; callers end with it")]
    fn tell(&self, id: NodeId, path: &Path, what: String) -> Result<()> {
        let path = path.to_path_buf();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.damages.push(Damage { id, path, what });
        Ok(())
    }
}
