//! The entries that can serve a layer: which of them do, and which serves most.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::rules_of;
use crate::layers::target_dir::freshness::{self, Judged};
use crate::plan::{LayerPlan, Plan, RootPlan};
use crate::report::Hit;
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
    /// How many units.
    serves: usize,
    /// And how many the other one.
    instead: usize,
}

/// Reads the candidates of a layer, and compares them with the checkout.
pub(crate) struct Candidates<'a> {
    job: &'a Job,
    store: &'a Store,
    plan: &'a Plan,
    layer: &'a LayerPlan,
    /// What was passed over.
    passed_over: RefCell<Vec<String>>,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(job: &'a Job, store: &'a Store, plan: &'a Plan, layer: &'a LayerPlan) -> Self {
        Self { job, store, plan, layer, passed_over: RefCell::default() }
    }

    /// One warning, however many they are: they mostly have one cause.
    pub(crate) fn tell_of_passed_over(&self) {
        let passed_over = self.passed_over.take();
        let Some(first) = passed_over.first() else { return };
        let more = match passed_over.len() {
            1 => String::new(),
            2 => "; another one was passed over, too".to_owned(),
            count => format!("; {} more were passed over, too", count - 1),
        };
        self.job.console.warn(format!("{}: {first}{more}", self.layer.layer()));
    }

    /// A candidate that can serve.
    pub(crate) fn usable(&self, candidate: Candidate) -> Option<Usable> {
        let lease = self.lease(&candidate)?;
        let pairs = self.pairs(&lease);
        let header = &lease.manifest().header;
        let coverage = rules_of(self.layer).coverage(header);
        if pairs.is_empty() || !coverage.serves() {
            return None;
        }
        let is_exact = coverage.is_exact_hit(&candidate, header);
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
        let own = [usable].into_iter().chain(others).find(|usable| self.is_own(usable));
        let needed = own.map(|own| freshness::unit_directories(&own.lease));
        let count = |judged: &Judged<'_>| {
            judged.served().filter(|unit| needed.as_ref().is_none_or(|needed| needed.contains(unit))).count()
        };
        let instead = judged.map_or(0, count);
        let (mut most, mut better) = (instead, None);
        for (index, other) in others.iter().enumerate() {
            let served = self.judge(other)?.as_ref().map_or(0, count);
            if served > most {
                (most, better) = (served, Some(index));
            }
        }
        Ok(better.map(|index| Better { index, serves: most, instead }))
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
            "{}: the entry {} serves {serves} of the units that this job needs, and so comes before {}, which serves {instead}",
            self.layer.layer(),
            what(taken),
            what(passed_over)
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
        freshness::judge(self.job, plan, &usable.lease, &ours, &directories).map(Some)
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
                self.pass_over(format!("an entry was passed over: {}", chain(&error)));
                None
            }
        }
    }

    /// Takes a damaged candidate out of use. Where that fails the next one may serve all the same.
    pub(crate) fn quarantine(&self, candidate: &Candidate, why: &str) {
        let done = match self.store.quarantine(&candidate.id) {
            Ok(_) => "a damaged entry was taken out of the cache".to_owned(),
            Err(error) => format!("a damaged entry could not be taken out of the cache ({})", chain(&error)),
        };
        self.pass_over(format!("{done}: {why}"));
    }

    fn pass_over(&self, told: String) {
        self.passed_over.borrow_mut().push(told);
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
