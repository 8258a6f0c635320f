//! A root of the entry from which the job started, beside what is in the job now.

use std::collections::HashSet;

use crate::cargo::SOURCES;
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::working_tree::Live;
use crate::store::{Lease, Root};
use crate::tree::{self, Files, Kind, NodeId, PACKED, Tree};

/// A root of the entry from which the job started, the base, and the live root of that name.
pub(crate) struct Alike {
    /// The number of the base's root.
    pub(crate) number: usize,
    /// For each live node whether the base has the same.
    pub(crate) same: Vec<bool>,
    /// Where the base's files lie, by live nodes.
    files: Files,
}

impl Alike {
    /// `None` where the base has no such root.
    pub(crate) fn find(job: &Job, base: Option<&Lease>, live: &Live) -> Result<Option<Self>, Trouble> {
        let Some(base) = base else { return Ok(None) };
        let (root, roots) = (&live.root, &base.manifest().roots);
        let is_it = |other: &Root| other.name == root.name && other.is_partial == root.is_partial;
        let Some(number) = roots.iter().position(is_it) else { return Ok(None) };
        let mut same = root.tree.same_as(&roots[number].tree);
        let files = base.open_root(number)?.of_part(&roots[number].tree, &root.tree);
        // A crate of one version holds the same always, and only whole ones that nobody patched are here.
        if root.name != SOURCES {
            tree::only_truly_same(&root.tree, &mut same, &live.dir, files.folders(), &job.interrupt)?;
        }
        Ok(Some(Self { number, same, files }))
    }

    /// Leaves of what is the same what is really there, as far as names, sizes and times tell.
    pub(crate) fn look_after(&mut self, job: &Job, tree: &Tree) -> Result<(), Trouble> {
        let mut chosen = self.same.clone();
        tree.add_folders_around(&mut chosen);
        let mut is_lacking = vec![false; chosen.len()];
        for damage in tree::verify(tree, self.files.folders(), false, Some(&chosen), &job.interrupt)?.damages
        {
            is_lacking[damage.id as usize] = true;
        }
        // What is in a folder comes behind it.
        for (id, node) in tree.iter() {
            is_lacking[id as usize] |= is_lacking[node.parent as usize];
            self.same[id as usize] &= !is_lacking[id as usize];
        }
        Ok(())
    }

    /// In which of the base's folders the same as the live node `id` lies; `None` where there is no such.
    pub(crate) fn place(&self, id: NodeId) -> Option<u8> {
        let place = self.files.place(id);
        (self.same[id as usize] && place != PACKED).then_some(place)
    }

    /// For each of `places` how many files and bytes of the live `tree` are the same there.
    pub(crate) fn used(&self, tree: &Tree, places: usize) -> Vec<(u64, u64)> {
        let mut used = vec![(0, 0); places];
        let mut groups = HashSet::new();
        for (id, node) in tree.iter() {
            let Some(place) = self.place(id).map(usize::from) else { continue };
            let (files, bytes) = &mut used[place];
            match node.kind {
                Kind::Folder { .. } => {}
                Kind::Symlink { .. } => *files += 1,
                Kind::File { size, group } => {
                    *files += 1;
                    if group == 0 || groups.insert((place, group)) {
                        *bytes = u64::saturating_add(*bytes, size);
                    }
                }
            }
        }
        used
    }
}
