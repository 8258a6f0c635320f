//! Makes a pack: which files go into it, and what is left of the tree.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use tracing::debug_span;

use super::alike::is_given;
use super::index::{Kind, Node, NodeId, Tree};
use super::location::OpenDirectory;
use super::node_set::NodeSet;
use super::source::Source;
use super::subtree::Subtree;
use super::transfer_stats::TransferStats;
use super::{Engine, Error, Result};
use crate::sys::{self, Dir, FileType};

/// Larger files are worth an inode: it is what most file systems give to the smallest one.
const LARGEST: u64 = 4096;

/// Files of one directory that one thread reads at a time, at most.
const BATCH: usize = 128;

/// Files that are read before they are written, and so 16 MB at most.
const CHUNK: usize = 4096;

/// How much of the pack is written at a time, in bytes.
const BUFFER: usize = 256 * 1024;

/// A pack that is to be made.
#[derive(Debug)]
pub struct NewPack<'a> {
    /// Its directory.
    pub directory: &'a Dir,
    /// Its name there.
    pub name: Vec<u8>,
    /// Its permission bits.
    pub mode: u16,
}

/// What came of a tree that was packed.
#[derive(Debug)]
pub struct Packed {
    /// What is packed. A directory of small files with nothing in it but what is packed is packed itself.
    pub packed: NodeSet,
    /// What is not packed.
    pub rest: Subtree,
    /// What was packed.
    pub stats: TransferStats,
}

/// For each node of `tree` whether it is for a pack with the permission bits `mode`: whether it is small and need not be a
/// file of its own, as what is `linkable` is to be, and names of one file. What some may not read who may read the pack is not
/// for it.
pub fn packable(tree: &Tree, linkable: &[bool], mode: u16) -> Vec<bool> {
    let readers = mode & 0o444;
    let mut is_open_to_them = vec![true; tree.len() as usize];
    let is_for_it = |(id, node): (NodeId, &Node)| {
        let above = is_open_to_them[node.parent as usize];
        match node.kind {
            Kind::Directory { .. } => {
                let to_pass = readers >> 2;
                is_open_to_them[id as usize] = above && node.mode & to_pass == to_pass;
                false
            }
            Kind::File { size, group: 0 } => {
                size <= LARGEST
                    && !linkable.get(id as usize).copied().unwrap_or(false)
                    // What was given its time is compared by what it holds, and for that it is to be a file.
                    && !is_given(node.mtime)
                    && above
                    && node.mode & readers == readers
            }
            Kind::File { .. } | Kind::Symlink { .. } => false,
        }
    };
    tree.iter().map(is_for_it).collect()
}

/// Packs what is [`packable`] of `source` and has no attributes. `None` where that is nothing. What cannot be read, or is not as
/// recorded, is left for others to tell.
pub fn pack(source: Source<'_>, new: &NewPack<'_>, engine: Engine<'_>) -> Result<Option<Packed>> {
    let _span = debug_span!("pack").entered();
    let Source { tree, linkable, .. } = source;
    let packable = packable(tree, linkable, new.mode);
    let files = tree.iter().filter_map(|(id, node)| match node.kind {
        Kind::File { size, .. } if packable[id as usize] => Some((id, size)),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return Ok(None);
    }
    let file = File::from(new.directory.create_file(&new.name, new.mode)?);
    let failed = |errno: std::io::Error| sys::Error::new("write", &new.directory.join(&new.name), errno);
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    let mut packing = Packing { is_packed: vec![false; tree.len() as usize], ..Packing::default() };
    let directory = |&(id, _): &(NodeId, u64)| tree.node(id).parent;
    for chunk in files.chunks(CHUNK) {
        let directories = chunk.chunk_by(|one, other| directory(one) == directory(other));
        let batches: Vec<_> = directories.flat_map(|files| files.chunks(BATCH)).collect();
        if engine.interrupt.is_raised() {
            return Err(Error::Interrupted);
        }
        let read: Vec<_> = batches.par_iter().map(|files| read(source, files)).collect::<Result<_>>()?;
        for batch in read {
            batch.files.iter().for_each(|&(_, size)| engine.progress.add(size));
            writer.write_all(&batch.bytes).map_err(failed)?;
            packing.add(batch);
        }
    }
    writer.flush().map_err(failed)?;
    if packing.files == 0 {
        new.directory.remove_file(&new.name)?;
        return Ok(None);
    }
    new.directory.set_mode(&new.name, new.mode)?;
    // Whoever writes into it changes that.
    new.directory.set_mtime(&new.name, tree.node(0).mtime)?;
    Ok(Some(packing.finish(tree)))
}

/// What was packed so far.
#[derive(Default)]
struct Packing {
    is_packed: Vec<bool>,
    /// Directories that have no attributes.
    plain: Vec<NodeId>,
    files: u64,
    bytes: u64,
}

impl Packing {
    fn add(&mut self, batch: Batch) {
        self.plain.extend(batch.plain);
        self.files += batch.files.len() as u64;
        for (id, size) in batch.files {
            self.is_packed[id as usize] = true;
            self.bytes += size;
        }
    }

    fn finish(self, tree: &Tree) -> Packed {
        let Self { mut is_packed, mut plain, files, bytes } = self;
        // What is in a directory comes behind it, and its directories behind those of its parent.
        plain.sort_unstable();
        plain.dedup();
        for directory in plain.into_iter().rev().filter(|&directory| directory != 0) {
            is_packed[directory as usize] = tree.children(directory).all(|id| is_packed[id as usize]);
        }
        let packed = NodeSet::of(&is_packed);
        let rest = Subtree::of(tree, is_packed.into_iter().map(|is_packed| !is_packed).collect());
        Packed {
            packed,
            rest,
            stats: TransferStats { files, bytes, copied: files, ..TransferStats::default() },
        }
    }
}

/// What was read of files in one directory.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Those that were, and their sizes.
    files: Vec<(NodeId, u64)>,
    /// Their directory, if it has no attributes.
    plain: Option<NodeId>,
}

/// Reads those of `files`, all in one directory, and each with its size, that can be packed.
fn read(source: Source<'_>, files: &[(NodeId, u64)]) -> Result<Batch> {
    let Source { tree, location, .. } = source;
    let directory = tree.node(files[0].0).parent;
    let here = OpenDirectory::new(tree, location, directory);
    let mut batch = Batch { bytes: Vec::new(), files: Vec::with_capacity(files.len()), plain: None };
    let is_plain = |dir: &Dir| sys::has_user_attributes(dir).is_ok_and(|has_any| !has_any);
    batch.plain = here.own().is_ok_and(|own| own.is_none_or(is_plain)).then_some(directory);
    for &(id, size) in files {
        let start = batch.bytes.len();
        let is_read = match here.packed(id)? {
            Some(bytes) => {
                batch.bytes.extend(bytes);
                true
            }
            None => here.dir().is_ok_and(|dir| read_file(dir, tree, id, size, &mut batch.bytes)),
        };
        if is_read {
            batch.files.push((id, size));
        } else {
            batch.bytes.truncate(start);
        }
    }
    Ok(batch)
}

/// Adds to `bytes` what the file `id` in `dir` holds, if it is as recorded and has no attributes.
fn read_file(dir: &Dir, tree: &Tree, id: NodeId, size: u64, bytes: &mut Vec<u8>) -> bool {
    let (node, name, start) = (tree.node(id), tree.name(id), bytes.len());
    let Ok(file) = dir.open_for_reading(name) else { return false };
    bytes.resize(start + usize::try_from(size).expect("it is small"), 0);
    sys::read_full(&file, &mut bytes[start..]).is_ok_and(|read| read == bytes.len() - start)
        // Afterwards, for it may be written to meanwhile.
        && dir.stat_open(&file, name).is_ok_and(|stat| {
            stat.kind == FileType::RegularFile && (stat.size, stat.mtime) == (size, node.mtime)
        })
        && sys::has_user_attributes(&file).is_ok_and(|has_any| !has_any)
}
