//! What is particular to each layer: what of it is saved, which entry serves it, and what happens before and after its files
//! come.

pub(crate) mod base_diff;
pub(crate) mod bins;
pub(crate) mod builds;
pub(crate) mod cargo_home;
pub(crate) mod linkable;
pub(crate) mod live_outside;
pub(crate) mod paths;
pub(crate) mod reading;
pub(crate) mod rules;
pub(crate) mod target_dir;
pub(crate) mod units;
pub(crate) mod working_tree;
pub(crate) mod worth;

use crate::layers::rules::Rules;
use crate::plan::{LayerPlan, LayerSpec};

/// The rules of the layer of `plan`.
pub(crate) fn rules_of(plan: &LayerPlan) -> Box<dyn Rules + '_> {
    match plan.spec {
        LayerSpec::Cargo { .. } => Box::new(cargo_home::CargoHomes::new(plan)),
        LayerSpec::Target(_) => Box::new(target_dir::rules::TargetDirs(plan)),
        LayerSpec::Builds { .. } => Box::new(builds::Builds(plan)),
        LayerSpec::Paths { .. } => Box::new(paths::Paths(plan)),
        LayerSpec::Bins { .. } => Box::new(bins::Bins::new(plan)),
    }
}
