//! `explain`: what this job looks for, what there is, and why an entry serves it or does not.

use super::meant::Named;
use crate::cli::Inputs;
use crate::job::{Exit, Job};
use crate::layers::units::restore::preview;
use crate::pipeline::lookup::explain;
use crate::pipeline::planning;
use crate::plan::nearest;
use crate::report::{ExplainedLayer, explanation};
use crate::store::{self, Store};

/// The command, about all entries or those `of` a key.
pub(super) fn run(job: &Job, inputs: &Inputs, of: Option<&str>) -> anyhow::Result<Exit> {
    planning::tell_of_root(job, inputs);
    let settings = inputs.settings(&job.env);
    let plan = match planning::make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => return Ok(planning::tell(job, &no_plan)),
    };
    let store = Store::open_existing(&settings.cache_root, settings.maintenance.access)?;
    let known =
        store.as_ref().map_or_else(|| Ok(Vec::new()), |store| store.known_in(&store::Layer::OF_JOBS))?;
    let mut layers = Vec::new();
    for layer in &plan.layers {
        let mut explained = explain(&plan, layer, store.as_ref(), &known)?;
        if let (Some(store), Some(pool), None) = (&store, layer.pool(), of) {
            explained.pool = Some(preview(job, store, pool)?).filter(|pool| pool.units > 0);
        }
        layers.push(explained);
    }
    if let Some(Err(why)) = of.map(|key| narrow(&mut layers, Named(key))) {
        job.console.error(why);
        return Ok(Exit::Failure);
    }
    job.console.print(explanation(&layers, &plan.scopes, &plan.lane, &settings.cache_root, of).trim_end());
    Ok(Exit::Success)
}

/// Leaves of `layers` what the named key is about.
fn narrow(layers: &mut Vec<ExplainedLayer>, key: Named<'_>) -> Result<(), String> {
    let headers = layers.iter().flat_map(|layer| layer.entries.iter().map(|entry| &entry.header));
    if let Some(why) = key.unclear(headers) {
        return Err(why);
    }
    for layer in &mut *layers {
        layer.entries.retain(|entry| key.is(&entry.header));
        let nearest = nearest(&layer.plan, layer.entries.iter().map(|entry| &entry.header));
        layer.nearest = nearest.map(|(header, differences)| (header.clone(), differences));
    }
    layers.retain(|layer| !layer.entries.is_empty());
    if layers.is_empty() {
        let key = key.0;
        return Err(format!(
            "no entry of this repository and of a layer of this job has the key or id `{key}`; hint: `runner-cache list` shows \
             all"
        ));
    }
    Ok(())
}
