//! What a job looks for, and why an entry serves it or does not.

use jiff::Timestamp;

use crate::layers::rules::Coverage;
use crate::layers::rules_of;
use crate::outcome::{ExplainedEntry, ExplainedLayer, ExplainedPool, Miss, NearestEntry, Unusable, Verdict};
use crate::plan::{LayerPlan, Plan, differences, nearest};
use crate::store::retention::Known;
use crate::store::{self, Candidate, Lanes, Store, key_id};

/// Says of each entry of the project whether it serves the layer.
pub(crate) fn explain(
    plan: &Plan,
    layer: &LayerPlan,
    store: Option<&Store>,
    known: &[Known],
) -> Result<ExplainedLayer, store::Error> {
    let query = layer.query(&plan.scopes.read, &plan.lane, Timestamp::now());
    let candidates = store.map_or_else(|| Ok(Vec::new()), |store| store.candidates(&query))?;
    let is_of_project = |known: &&Known| {
        known.header.layer() == layer.layer() && known.header.scope.repository == plan.scopes.repository
    };
    let (mut entries, mut is_served) = (Vec::new(), false);
    let mut of_project: Vec<_> = known.iter().filter(is_of_project).collect();
    let rank = |known: &&Known| candidates.iter().position(|candidate| candidate.id == known.id);
    of_project
        .sort_by_key(|known| (rank(known).unwrap_or(usize::MAX), std::cmp::Reverse(known.header.created)));
    for known in &of_project {
        let candidate = candidates.iter().find(|candidate| candidate.id == known.id);
        let verdict = verdict(plan, layer, store, known, candidate, is_served);
        is_served |= matches!(verdict, Verdict::Taken { .. });
        entries.push(ExplainedEntry { known: (*known).clone(), verdict });
    }
    Ok(ExplainedLayer {
        layer: layer.layer(),
        id: key_id(layer.layer(), &layer.key),
        key: layer.key.clone(),
        restore_keys: layer.restore_keys.clone(),
        factors: layer.factors.clone(),
        paths: layer.roots.iter().map(|root| root.path.clone()).collect(),
        nearest: nearest_of(layer, &entries),
        entries,
        pool: layer.pool().map(|pool| ExplainedPool { factors: pool.factors.clone(), serves: None }),
    })
}

/// The entry of `entries` whose key is nearest to the layer's.
pub(crate) fn nearest_of(layer: &LayerPlan, entries: &[ExplainedEntry]) -> Option<NearestEntry> {
    let (header, differences) = nearest(layer, entries.iter().map(|entry| &entry.known.header))?;
    Some(NearestEntry { key: header.key.clone(), reference: header.scope.reference.clone(), differences })
}

fn verdict(
    plan: &Plan,
    layer: &LayerPlan,
    store: Option<&Store>,
    known: &Known,
    candidate: Option<&Candidate>,
    is_served: bool,
) -> Verdict {
    let header = &known.header;
    let (Some(candidate), Some(store)) = (candidate, store) else {
        if !plan.scopes.read.contains(&header.scope) {
            return Verdict::OtherScope;
        }
        if layer.lanes() == Lanes::Own && header.lane != plan.lane {
            return Verdict::OtherLane;
        }
        return Verdict::OtherKey(differences(&layer.factors, &header.factors));
    };
    let coverage = rules_of(layer).coverage(header);
    match coverage {
        Coverage::OtherPaths => return Verdict::OtherPaths,
        Coverage::OtherTools => return Verdict::OtherTools,
        Coverage::Part | Coverage::Whole => {}
    }
    if let Err(error) = store.lease(candidate.id.clone()) {
        return Verdict::Unusable(Unusable::from(&error));
    }
    match (is_served, coverage.is_exact_hit(candidate, header)) {
        (true, _) => Verdict::Later,
        (false, is_exact) => Verdict::Taken { is_exact },
    }
}

/// Why the job did not find what it looked for: the nearest entry, and what differs. `entry` is the one that
/// served in its place.
pub(crate) fn reason(
    plan: &Plan,
    layer: &LayerPlan,
    store: &Store,
    entry: Option<&store::Header>,
) -> Option<Miss> {
    if let Some(header) = entry
        && header.key == layer.key
        && !header.finality.is_final()
    {
        return Some(Miss::Partial);
    }
    let found = if entry.is_some() {
        Vec::new()
    } else {
        store.newest_headers(layer.layer(), &plan.scopes.read).ok()?
    };
    let rules = rules_of(layer);
    let is_of_others =
        |header: &store::Header| header.key == layer.key && rules.coverage(header) == Coverage::OtherPaths;
    if let Some(header) = found.iter().find(|header| is_of_others(header)) {
        return Some(Miss::OtherPaths { reference: header.scope.reference.clone() });
    }
    let headers = entry.map_or(&*found, std::slice::from_ref);
    let Some((header, differences)) = nearest(layer, headers) else {
        let is_empty = entry.is_none() && headers.is_empty();
        return is_empty.then_some(Miss::NoEntry);
    };
    (!differences.is_empty())
        .then(|| Miss::OtherKey { reference: header.scope.reference.clone(), differences })
}
