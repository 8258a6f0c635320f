//! `explain`: what this job looks for, what there is, and why an entry serves it or does not.

use super::ended::Ended;
use super::meant::Named;
use crate::cli::Inputs;
use crate::job::{Exit, Job};
use crate::layers::units::restore::preview;
use crate::outcome::{Done, Explained, ExplainedLayer};
use crate::pipeline::lookup::{explain, nearest_of};
use crate::pipeline::planning::{self, Beginning};
use crate::plan::Plan;
use crate::store::{self, Store};

/// The command, about all entries or those `of` a key.
pub(super) fn run(job: &Job, inputs: &Inputs, of: Option<&str>) -> anyhow::Result<Ended> {
    let (settings, plan) = match planning::begin(job, inputs) {
        Beginning::Planned { settings, plan } => (settings, plan),
        Beginning::NoCache(_) => return Ok(Ended::early(Exit::Success)),
        Beginning::Refused(exit) => return Ok(Ended::early(exit)),
    };
    let store = Store::open_existing(&settings.cache_root, settings.maintenance.access)?;
    let known =
        store.as_ref().map_or_else(|| Ok(Vec::new()), |store| store.known_in(&store::Layer::OF_JOBS))?;
    let mut layers = Vec::new();
    for layer in &plan.layers {
        let mut explained = explain(&plan, layer, store.as_ref(), &known)?;
        if let (Some(store), Some(pool), None) = (&store, layer.pool(), of) {
            let serves = Some(preview(job, store, pool)?).filter(|pool| pool.units > 0);
            explained.pool.as_mut().expect("the layer has one").serves = serves;
        }
        layers.push(explained);
    }
    if let Some(Err(why)) = of.map(|key| narrow(&mut layers, &plan, Named(key))) {
        job.error(why);
        return Ok(Ended::early(Exit::Failure));
    }
    let scopes = &plan.scopes;
    let explained = Explained {
        cache_root: settings.cache_root,
        repository: scopes.repository.clone(),
        refs: scopes.read.iter().map(|scope| scope.reference.clone()).collect(),
        only_reads: scopes.write.as_ref().err().cloned(),
        lane: plan.lane,
        of: of.map(str::to_owned),
        layers,
    };
    Ok(Ended::with(Exit::Success, Done::Explain(explained)))
}

/// Leaves of `layers` what the named key is about.
fn narrow(layers: &mut Vec<ExplainedLayer>, plan: &Plan, key: Named<'_>) -> Result<(), String> {
    let headers = layers.iter().flat_map(|layer| layer.entries.iter().map(|entry| &entry.known.header));
    if let Some(why) = key.unclear(headers) {
        return Err(why);
    }
    for (layer, plan) in layers.iter_mut().zip(&plan.layers) {
        layer.entries.retain(|entry| key.is(&entry.known.header));
        layer.nearest = nearest_of(plan, &layer.entries);
    }
    layers.retain(|layer| !layer.entries.is_empty());
    if layers.is_empty() {
        let key = key.0;
        return Err(format!(
            "no entry of this repository and this job's layers has key or id `{key}`; hint: `runner-cache \
             list` lists all entries"
        ));
    }
    Ok(())
}
