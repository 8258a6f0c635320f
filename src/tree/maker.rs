//! Makes one file, symlink or directory of a tree, with its contents and all that is known of it.

use std::sync::atomic::Ordering;

use super::bases::{BaseDirectory, Bases};
use super::index::{Kind, NodeId, Tree};
use super::link::{File, Metadata, Used};
use super::location::OpenDirectory;
use super::source::Source;
use super::transfer_stats::{Counts, TransferStats};
use super::{Engine, Error, Result};
use crate::sys::{self, Dir};

/// Makes what is in a tree, and counts it.
pub(super) struct Maker<'a> {
    pub source: Source<'a>,
    pub bases: Option<Bases<'a>>,
    engine: Engine<'a>,
    /// The bit, if directories get it from the directory in which they are made.
    setgid: u16,
    /// Whether files and directories may get another mode than they are made with, whatever the umask, from that directory.
    is_mode_changed: bool,
    counts: Counts,
}

impl<'a> Maker<'a> {
    /// One that makes them in `into` and below.
    pub(super) fn new(
        source: Source<'a>,
        bases: Option<Bases<'a>>,
        engine: Engine<'a>,
        into: &Dir,
    ) -> Result<Self> {
        let setgid = into.stat_self()?.mode & 0o2000;
        let is_mode_changed = into.has_default_acl();
        Ok(Self { source, bases, engine, setgid, is_mode_changed, counts: Counts::default() })
    }

    /// What was made, besides `linked` further names.
    pub(super) fn stats(self, linked: u64) -> TransferStats {
        let mut stats = self.counts.stats();
        stats.files += linked;
        stats.obstacle = self.engine.linker.obstacle();
        stats
    }

    pub(super) fn tree(&self) -> &'a Tree {
        self.source.tree
    }

    /// The directory of the bases in which what is in directory `id` may lie. `above` is that of the directory above.
    pub(super) fn open_base(&self, id: NodeId, above: Option<&BaseDirectory>) -> Option<BaseDirectory> {
        self.bases.and_then(|bases| bases.open(self.tree(), id, above))
    }

    /// Makes a file or a symlink, `to_name` in `to`. The source's node lies in `from`, and in `base` of the bases; `near` is the
    /// directory of a base that was opened last (see [`Bases::link`]).
    pub(super) fn make(
        &self,
        id: NodeId,
        from: &OpenDirectory<'a>,
        base: Option<&BaseDirectory>,
        near: &mut Option<BaseDirectory>,
        to: &Dir,
        to_name: &[u8],
    ) -> Result<()> {
        let tree = self.tree();
        let node = tree.node(id);
        match node.kind {
            Kind::Symlink { target } => {
                to.make_symlink(to_name, tree.text(target))?;
                to.set_mtime(to_name, node.mtime)?;
                self.engine.progress.add(0);
                self.counts.symlinks.fetch_add(1, Ordering::Relaxed);
            }
            Kind::File { size, .. } => {
                self.engine.progress.add(size);
                if let Some(bases) = self.bases
                    && bases.link(tree, id, base, near, to, to_name)?
                {
                    self.counts.add(Used::Hardlink, size);
                    return Ok(());
                }
                let metadata = self.metadata(id);
                if let Some(contents) = from.packed(id)? {
                    self.counts.add(metadata.make(&contents, to, to_name)?, size);
                    return Ok(());
                }
                let linkable = self.source.linkable.get(id as usize).copied().unwrap_or(false);
                let file = File {
                    from: from.dir()?,
                    name: tree.name(id),
                    size,
                    metadata,
                    linkable,
                    is_live: self.source.is_live,
                };
                self.counts.add(self.engine.linker.transfer(&file, to, to_name)?, size);
            }
            Kind::Directory { .. } => {}
        }
        Ok(())
    }

    /// Makes a packed file, as yet without contents.
    pub(super) fn make_empty(&self, id: NodeId, to: &Dir) -> Result<()> {
        self.metadata(id).make_empty(to, self.tree().name(id))
    }

    /// Gives a packed file, which was made empty, what it holds.
    pub(super) fn fill(&self, id: NodeId, from: &OpenDirectory<'a>, to: &Dir) -> Result<()> {
        if let Some(contents) = from.packed(id)? {
            let used = self.metadata(id).fill(&contents, to, self.tree().name(id))?;
            self.engine.progress.add(contents.len() as u64);
            self.counts.add(used, contents.len() as u64);
        }
        Ok(())
    }

    /// Gives a directory in which all is made its attributes, mode and time. One that `is_placed` itself, and not only what it is
    /// in, can be written to by its owner: only such a directory can be moved to another one.
    pub(super) fn finish_directory(
        &self,
        id: NodeId,
        is_placed: bool,
        from: &OpenDirectory<'a>,
        to: &Dir,
    ) -> Result<()> {
        let node = self.tree().node(id);
        // One that is packed has no attributes.
        if let Some(source) = from.own()? {
            sys::copy_user_attributes(source, to).map_err(|errno| Error::Copy {
                from: source.path().to_path_buf(),
                to: to.path().to_path_buf(),
                source: errno.into(),
            })?;
        }
        let is_kept = self.is_mode_kept(node.mode) && node.mode & 0o700 == 0o700;
        let mode = self.directory_mode(if is_placed { node.mode | 0o700 } else { node.mode });
        Ok(to.finish_self((!is_kept).then_some(mode), node.mtime)?)
    }

    /// The mode of a directory that was made here.
    pub(super) fn directory_mode(&self, mode: u16) -> u16 {
        mode | self.setgid
    }

    fn metadata(&self, id: NodeId) -> Metadata {
        let node = self.tree().node(id);
        Metadata { mode: node.mode, is_mode_kept: self.is_mode_kept(node.mode), mtime: node.mtime }
    }

    fn is_mode_kept(&self, mode: u16) -> bool {
        !self.is_mode_changed && sys::is_mode_kept(mode)
    }
}
