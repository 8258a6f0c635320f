//! What is left out of target directories as none of their units', or as not what cargo made.

use std::collections::BTreeSet;

use crate::cargo::{changed_in_place, strays, units};
use crate::layers::working_tree::WorkingTree;
use crate::plan::LayerPlan;
use crate::store::Lease;
use crate::sys::file;
use crate::tree::NodeId;

/// Leaves out of target directories what is none of their units', and units that are not as cargo made them.
pub(crate) fn leave_out(working: &mut [WorkingTree<'_>], layer: &LayerPlan, base: Option<&Lease>) {
    for working in working.iter_mut() {
        let earlier = base.and_then(|base| base.root_called(&working.root.name));
        let tree = &working.root.tree;
        let changed = changed_in_place(tree, &units(tree), earlier);
        working.leave_out(&changed);
    }
    let units: Vec<_> = working.iter().map(|working| units(&working.root.tree)).collect();
    let outputs: Vec<_> =
        working.iter().zip(&units).map(|(working, units)| (&working.root.tree, &**units)).collect();
    let known = known_extras(working, base);
    let inode_times = |root: u32, id: NodeId| {
        let working = &working[root as usize];
        file::inode_times(&working.dir.join(&working.root.tree.path_below(0, id)))
    };
    let strays = strays(&outputs, layer.target().map(|target| &target.kept), &known, &inode_times);
    for (working, strays) in working.iter_mut().zip(strays) {
        working.leave_out(&strays);
    }
}

/// What scripts wrote into target directories in jobs before, by the numbers of roots and nodes there.
fn known_extras(working: &[WorkingTree<'_>], base: Option<&Lease>) -> BTreeSet<(u32, NodeId)> {
    let mut known = BTreeSet::new();
    let Some(manifest) = base.map(Lease::manifest) else { return known };
    let extras = manifest.provenance.roots.iter().flatten().flat_map(|made| &made.extras);
    for &(root, id) in extras {
        let root = &manifest.roots[root as usize];
        let path = root.tree.path_below(0, id);
        let there = (0..).zip(working).find(|(_, working)| working.root.name == root.name);
        known.extend(there.and_then(|(number, working)| Some((number, working.root.tree.at(&path)?))));
    }
    known
}
