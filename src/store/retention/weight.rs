//! What entries take on the disk when they share files and extents, and what is free once some of them are gone.

use std::collections::HashMap;

use super::policy::Room;

/// A piece of the disk that several entries may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockId {
    /// What only the file of this inode takes.
    File(u64),
    /// An extent that several files share, by its place on the disk.
    Extent(u64),
}

/// A piece of the disk that an entry holds. An entry names each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which.
    pub id: BlockId,
    /// Its size.
    pub bytes: u64,
    /// Whether something outside of the store holds it as well, so that it stays when the store lets go.
    pub is_held_elsewhere: bool,
}

/// What one entry takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its blocks.
    pub blocks: Vec<Block>,
}

impl Usage {
    /// Its bytes, whoever else holds them.
    pub fn bytes(&self) -> u64 {
        self.blocks.iter().map(|block| block.bytes).sum()
    }
}

/// What a set of entries takes, each block once, and what was freed since some of them left the set.
#[derive(Debug, Default)]
pub struct Weights {
    /// How many hold a block, and its size as the first of them told it.
    holders: HashMap<BlockId, (u32, u64)>,
    size: u64,
    freed: Room,
}

impl Weights {
    /// Those of all entries of `usage`.
    pub fn of<'u>(usage: impl IntoIterator<Item = &'u Usage>) -> Self {
        let mut weights = Self::default();
        usage.into_iter().for_each(|usage| weights.add(usage));
        weights.freed = Room::default();
        weights
    }

    /// Bytes of the entries in the set.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the disk has more since the start.
    pub fn freed(&self) -> Room {
        self.freed
    }

    /// Takes an entry out.
    pub fn remove(&mut self, usage: &Usage) {
        for block in &usage.blocks {
            let Some(holders) = self.holders.get_mut(&block.id) else { continue };
            let (count, bytes) = holders;
            *count -= 1;
            if *count == 0 {
                let bytes = *bytes;
                self.holders.remove(&block.id);
                self.size -= bytes;
                if !block.is_held_elsewhere {
                    self.freed.bytes += bytes;
                    self.freed.inodes += u64::from(matches!(block.id, BlockId::File(_)));
                }
            }
        }
    }

    /// Puts an entry back, or in.
    pub fn add(&mut self, usage: &Usage) {
        for block in &usage.blocks {
            let (count, _) = self.holders.entry(block.id).or_insert((0, block.bytes));
            *count += 1;
            if *count == 1 {
                self.size += block.bytes;
                if !block.is_held_elsewhere {
                    self.freed.bytes = self.freed.bytes.saturating_sub(block.bytes);
                    let inode = u64::from(matches!(block.id, BlockId::File(_)));
                    self.freed.inodes = self.freed.inodes.saturating_sub(inode);
                }
            }
        }
    }
}

/// For each entry its bytes, those of a block divided among the entries that hold it.
pub(super) fn shares(usage: &[Usage]) -> Vec<f64> {
    let all = Weights::of(usage);
    let share = |block: &Block| block.bytes as f64 / f64::from(all.holders[&block.id].0);
    usage.iter().map(|usage| usage.blocks.iter().map(share).sum()).collect()
}
