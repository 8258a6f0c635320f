//! `explain`: what this job looks for, what there is, and why an entry serves it or does not.

use crate::cli::Inputs;
use crate::job::{Exit, Job};
use crate::layers::units::restore::preview;
use crate::pipeline::lookup::explain;
use crate::pipeline::planning;
use crate::report::explanation;
use crate::store::{self, Store};

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs) -> anyhow::Result<Exit> {
    planning::tell_of_root(job, inputs);
    let settings = inputs.settings(&job.env);
    let plan = match planning::make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => return Ok(planning::tell(job, &no_plan)),
    };
    let store = Store::open_existing(&settings.cache_root, settings.upkeep.access)?;
    let known =
        store.as_ref().map_or_else(|| Ok(Vec::new()), |store| store.known_in(&store::Layer::OF_JOBS))?;
    let mut layers = Vec::new();
    for layer in &plan.layers {
        let mut explained = explain(&plan, layer, store.as_ref(), &known)?;
        if let (Some(store), Some(pool)) = (&store, layer.pool()) {
            explained.pool = Some(preview(job, store, pool)?).filter(|pool| pool.units > 0);
        }
        layers.push(explained);
    }
    job.console.print(explanation(&layers, &plan.scopes, &plan.lane, &settings.cache_root).trim_end());
    Ok(Exit::Success)
}
