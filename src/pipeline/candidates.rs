//! The entries that can serve a layer: which of them do, and which serves most.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use tracing::debug;

use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::rules_of;
use crate::layers::target_dir::freshness::{self, Judged, UnitPath};
use crate::layers::target_dir::live_sources::LiveSources;
use crate::outcome::{Code, Hit};
use crate::plan::{LayerPlan, Plan, RootPlan};
use crate::report::bytes;
use crate::store::{self, Candidate, Lease, Store};

/// How many candidates besides the first are compared with the checkout.
pub(crate) const MOST_OTHERS: usize = 4;

/// A candidate whose entry can be read.
pub(crate) struct Usable {
    pub(crate) candidate: Candidate,
    pub(crate) lease: Lease,
    /// Roots of the plan, each with the number of the entry's root of the same name.
    pub(crate) pairs: Vec<(usize, usize)>,
    is_exact: bool,
}

impl Usable {
    /// `has_all`: whether the job gets all that the entry has.
    pub(crate) fn hit(&self, has_all: bool) -> Hit {
        if self.is_exact && has_all { Hit::Exact } else { Hit::Partial }
    }
}

/// A candidate that serves more of what the job needs than the one before it.
pub(crate) struct Better {
    /// Its number among the others.
    pub(crate) index: usize,
    serves: SparedWork,
    /// What the first of the candidates would have served.
    instead: SparedWork,
}

/// What an entry spares the job to compile. More bytes are more work, whatever units they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct SparedWork {
    bytes: u64,
    units: usize,
}

impl SparedWork {
    /// What units serve of those that are `needed`, each with the bytes of its files.
    fn of(serving: impl Iterator<Item = UnitPath>, needed: &HashMap<UnitPath, u64>) -> Self {
        serving.filter_map(|unit| needed.get(&unit)).fold(Self::default(), |served, bytes| Self {
            bytes: served.bytes + bytes,
            units: served.units + 1,
        })
    }
}

/// Which of `others` serves most, if it serves more than `first`. The order is that of preference: of two that serve the same
/// the earlier, which is the newer one of its scope and lane.
fn best(first: SparedWork, others: &[SparedWork]) -> Option<usize> {
    let (index, most) = others.iter().enumerate().rev().max_by_key(|(_, served)| **served)?;
    (*most > first).then_some(index)
}

/// Reads the candidates of a layer, and compares them with the checkout.
pub(crate) struct Candidates<'a> {
    job: &'a Job,
    store: &'a Store,
    plan: &'a Plan,
    layer: &'a LayerPlan,
    live: LiveSources,
    /// What was passed over.
    passed_over: RefCell<Vec<(Code, String)>>,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(job: &'a Job, store: &'a Store, plan: &'a Plan, layer: &'a LayerPlan) -> Self {
        Self { job, store, plan, layer, live: LiveSources::new(), passed_over: RefCell::default() }
    }

    /// One warning, however many they are: they mostly have one cause.
    pub(crate) fn tell_of_passed_over(&self) {
        let passed_over = self.passed_over.take();
        let Some((code, first)) = passed_over.first() else { return };
        let more = match passed_over.len() {
            1 => String::new(),
            2 => "; skipped one more".to_owned(),
            count => format!("; skipped {} more", count - 1),
        };
        self.job.warn(*code, format!("{}: {first}{more}", self.layer.layer()));
    }

    /// A candidate that can serve.
    pub(crate) fn usable(&self, candidate: Candidate) -> Option<Usable> {
        let lease = self.lease(&candidate)?;
        let pairs = self.pairs(&lease);
        let header = &lease.manifest().header;
        let coverage = rules_of(self.layer).coverage(header);
        if pairs.is_empty() || !coverage.serves() {
            debug!(entry = %candidate.id.path().display(), "is about something else");
            return None;
        }
        let is_exact = coverage.is_exact_hit(&candidate, header);
        debug!(entry = %candidate.id.path().display(), is_exact, lane = header.lane, "can serve");
        Some(Usable { candidate, lease, pairs, is_exact })
    }

    /// Which of `others` serves more of what the job needs than `usable` does: what its lane built before, or else all that there
    /// is. An exact entry of another lane, or of a runner at another path, can have little of it.
    pub(crate) fn better(
        &self,
        usable: &Usable,
        judged: Option<&Judged<'_>>,
        others: &VecDeque<Usable>,
    ) -> Result<Option<Better>, Trouble> {
        let all = || [usable].into_iter().chain(others);
        let mut needed = HashMap::new();
        match all().find(|usable| self.is_own(usable)) {
            Some(own) => needed = freshness::unit_sizes(&own.lease),
            None => all().for_each(|usable| needed.extend(freshness::unit_sizes(&usable.lease))),
        }
        let count = |judged: Option<&Judged<'_>>| {
            judged.map_or(SparedWork::default(), |judged| SparedWork::of(judged.served(), &needed))
        };
        let instead = count(judged);
        let served = others.iter().map(|other| Ok::<_, Trouble>(count(self.judge(other)?.as_ref())));
        let served = served.collect::<Result<Vec<_>, _>>()?;
        Ok(best(instead, &served).map(|index| Better { index, serves: served[index], instead }))
    }

    pub(crate) fn tell_of_better(
        &self,
        Better { serves, instead, .. }: &Better,
        passed_over: &Usable,
        taken: &Usable,
    ) {
        let what = |usable: &Usable| {
            let header = &usable.lease.manifest().header;
            format!(
                "{} of {}, lane {}",
                header.created.strftime("%Y-%m-%d %H:%M:%S"),
                header.scope.reference,
                header.lane
            )
        };
        self.job.console.say(format!(
            "{}: chose entry {} ({} usable units, {}) over {} ({}, {})",
            self.layer.layer(),
            what(taken),
            serves.units,
            bytes(serves.bytes),
            what(passed_over),
            instead.units,
            bytes(instead.bytes),
        ));
    }

    /// Whether it is of the job's own lane.
    pub(crate) fn is_own(&self, usable: &Usable) -> bool {
        usable.lease.manifest().header.lane == self.plan.lane
    }

    pub(crate) fn judge<'l>(&self, usable: &'l Usable) -> Result<Option<Judged<'l>>, Trouble> {
        let Some(plan) = self.layer.sources() else { return Ok(None) };
        let directories: Vec<_> = self.layer.roots.iter().map(|root| root.path.clone()).collect();
        let ours: Vec<_> = usable.pairs.iter().map(|&(planned, _)| directories[planned].clone()).collect();
        freshness::judge(self.job, plan, &self.live, &usable.lease, &ours, &directories).map(Some)
    }

    /// Reads a candidate's manifest. `None` for one that cannot serve.
    fn lease(&self, candidate: &Candidate) -> Option<Lease> {
        match self.store.lease(candidate.id.clone()) {
            Ok(lease) => Some(lease),
            Err(store::Error::Gone { .. }) => None,
            Err(error) if error.is_damage() => {
                self.quarantine(candidate, &chain(&error));
                None
            }
            Err(error) => {
                self.pass_over(Code::Unreadable, format!("skipped an entry: {}", chain(&error)));
                None
            }
        }
    }

    /// Takes a damaged candidate out of use. Where that fails the next one may serve all the same.
    pub(crate) fn quarantine(&self, candidate: &Candidate, why: &str) {
        let done = match self.store.quarantine(&candidate.id) {
            Ok(_) => "took a damaged entry out of use".to_owned(),
            Err(error) => format!("cannot take a damaged entry out of use ({})", chain(&error)),
        };
        self.job.note_damaged(1);
        self.pass_over(Code::Damaged, format!("{done}: {why}"));
    }

    fn pass_over(&self, code: Code, told: String) {
        self.passed_over.borrow_mut().push((code, told));
    }

    /// Roots of the plan, each with the number of the entry's root of the same name.
    pub(crate) fn pairs(&self, lease: &Lease) -> Vec<(usize, usize)> {
        let roots = &lease.manifest().roots;
        let pair = |(index, root): (usize, &RootPlan)| {
            Some((index, roots.iter().position(|other| other.name == root.name)?))
        };
        self.layer.roots.iter().enumerate().filter_map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(units: &[&str]) -> SparedWork {
        let path = |unit: &str| ("target".to_owned(), unit.as_bytes().to_vec());
        let needed = [("large", 100), ("small", 1), ("other", 1)].map(|(unit, bytes)| (path(unit), bytes));
        SparedWork::of(units.iter().map(|unit| path(unit)), &HashMap::from(needed))
    }

    #[test]
    fn an_entry_serves_the_bytes_of_the_needed_units_that_it_has() {
        assert_eq!(served(&["large", "small", "strange"]), SparedWork { bytes: 101, units: 2 });
        assert_eq!(served(&[]), SparedWork::default());
    }

    #[test]
    fn the_entry_that_leaves_the_fewest_bytes_to_compile_is_the_best_and_of_equals_the_first() {
        let (much, little) = (served(&["large"]), served(&["small", "other"]));
        assert_eq!(best(little, &[little, much]), Some(1), "two small units are less than a large one");
        assert_eq!(best(little, &[much, much]), Some(0));
        assert_eq!(best(much, &[much, little]), None);
        assert_eq!(best(little, &[]), None);
    }
}
