//! Makes a history that fails smaller while it still fails.

use crate::history::{Branch, Checkout, Clock, Command, History, Options, Step};

/// The smallest history found for which `fails` tells the step that fails, within so many trials.
pub(crate) fn minimise(
    history: History,
    step: usize,
    trials: usize,
    fails: impl Fn(&History) -> Option<usize>,
) -> History {
    let mut search = Search { best: history, left: trials, fails };
    search.end_at(step);
    // What a pass drops may let the next drop more.
    loop {
        let before = size(&search.best);
        search.drop_shapes();
        search.drop_steps();
        search.drop_changes();
        search.drop_commands();
        search.make_plain();
        if size(&search.best) == before || search.left == 0 {
            return search.best;
        }
    }
}

/// What shall become less.
fn size(history: &History) -> usize {
    serde_json::to_string(history).expect("a history is JSON").len()
}

struct Search<F> {
    best: History,
    left: usize,
    fails: F,
}

impl<F: Fn(&History) -> Option<usize>> Search<F> {
    /// Takes `other` if it fails as well.
    fn accepts(&mut self, other: History) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let Some(step) = (self.fails)(&other) else { return false };
        self.best = other;
        self.end_at(step);
        true
    }

    /// Nothing counts after the step that fails.
    fn end_at(&mut self, step: usize) {
        self.best.steps.truncate(step + 1);
    }

    fn drop_shapes(&mut self) {
        // Most often one is to blame.
        if self.best.shapes.len() > 1 {
            for shape in self.best.shapes.clone() {
                if self.accepts(only(&self.best, |other| other == shape)) {
                    return;
                }
            }
        }
        for shape in self.best.shapes.clone() {
            if self.best.shapes.len() > 1 {
                self.accepts(only(&self.best, |other| other != shape));
            }
        }
    }

    fn drop_steps(&mut self) {
        // The first commit makes the project, and the last job fails.
        let mut index = self.best.steps.len().saturating_sub(2);
        while index > 0 {
            let mut other = self.best.clone();
            other.steps.remove(index);
            self.accepts(other);
            index = (index - 1).min(self.best.steps.len().saturating_sub(2));
        }
    }

    fn drop_changes(&mut self) {
        for index in 0..self.best.steps.len() {
            let count = |best: &History| match best.steps.get(index) {
                Some(Step::Commit { changes, .. }) => changes.len(),
                _ => 0,
            };
            for change in (0..count(&self.best)).rev() {
                let mut other = self.best.clone();
                if let Some(Step::Commit { changes, .. }) = other.steps.get_mut(index)
                    && change < changes.len()
                {
                    changes.remove(change);
                    self.accepts(other);
                }
            }
        }
    }

    fn drop_commands(&mut self) {
        for index in 0..self.best.steps.len() {
            while let Some(Step::Job(job)) = self.best.steps.get(index)
                && job.commands.len() > 1
            {
                let is_smaller = (0..job.commands.len()).any(|command| {
                    self.accepts(with_job(&self.best, index, |job| {
                        job.commands.remove(command);
                    }))
                });
                if !is_smaller {
                    break;
                }
            }
        }
    }

    /// Turns all that is odd to what is usual.
    fn make_plain(&mut self) {
        let plain: [fn(&mut History); 3] =
            [|history| history.has_root_package = false, |history| history.is_lean = false, one_branch];
        for change in plain {
            self.try_with(change);
        }
        self.try_with(|history| each_job(history, |job| job.options = Options::DEFAULT));
        self.try_with(|history| each_job(history, |job| (job.runner, job.place) = (0, 0)));
        self.try_with(|history| each_job(history, |job| job.lane = 0));
        self.try_with(|history| each_job(history, |job| job.checkout = Checkout::Clone));
        for index in 0..self.best.steps.len() {
            let changes: [fn(&mut crate::history::Job); 5] = [
                |job| job.clock = Clock::Right,
                |job| job.killed_after = None,
                |job| job.checkout = Checkout::Clone,
                |job| job.saves = true,
                |job| job.commands = vec![Command::Build],
            ];
            for change in changes {
                self.try_with(|history| *history = with_job(history, index, change));
            }
        }
    }

    fn try_with(&mut self, change: impl FnOnce(&mut History)) {
        let mut other = self.best.clone();
        change(&mut other);
        let is_same = serde_json::to_value(&other).ok() == serde_json::to_value(&self.best).ok();
        if !is_same {
            self.accepts(other);
        }
    }
}

/// The history with those shapes only.
fn only(history: &History, stays: impl Fn(&str) -> bool) -> History {
    let mut other = history.clone();
    other.has_root_package &= stays(&other.shapes[0]);
    other.shapes.retain(|shape| stays(shape));
    for step in &mut other.steps {
        if let Step::Commit { changes, .. } = step {
            changes.retain(|change| change.shape().is_none_or(&stays));
        }
    }
    other
}

fn each_job(history: &mut History, change: impl Fn(&mut crate::history::Job)) {
    for step in &mut history.steps {
        if let Step::Job(job) = step {
            change(job);
        }
    }
}

fn with_job(history: &History, index: usize, change: impl FnOnce(&mut crate::history::Job)) -> History {
    let mut other = history.clone();
    if let Some(Step::Job(job)) = other.steps.get_mut(index) {
        change(job);
    }
    other
}

fn one_branch(history: &mut History) {
    for step in &mut history.steps {
        match step {
            Step::Commit { branch, .. } | Step::Back { branch } => *branch = Branch::Main,
            Step::Job(job) => job.branch = Branch::Main,
            Step::Gone { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::minimise;
    use crate::history::{Change, History, Step};
    use crate::shapes;

    #[test]
    fn minimise_drops_what_a_failure_does_not_need() {
        let all: Vec<_> = shapes::all().map(|shape| shape.name).collect();
        let is_break = |change: &Change| matches!(change, Change::Break { .. });
        // As if every job after a commit that breaks something were stale.
        let fails = |history: &History| {
            let breaks =
                |step: &Step| matches!(step, Step::Commit { changes, .. } if changes.iter().any(is_break));
            let commit = history.steps.iter().position(breaks)?;
            let after = history.steps[commit..].iter().position(|step| matches!(step, Step::Job(_)))?;
            Some(commit + after)
        };
        let failing = (0..1000)
            .map(|seed| History::random(seed, &all))
            .find(|history| fails(history).is_some())
            .unwrap();
        let step = fails(&failing).unwrap();
        let smallest = minimise(failing, step, 1000, fails);
        assert_eq!(smallest.shapes.len(), 1);
        match &smallest.steps[..] {
            [Step::Commit { .. }, Step::Commit { changes, .. }, Step::Job(job)] => {
                assert!(changes.len() == 1 && is_break(&changes[0]), "{smallest:?}");
                assert_eq!(job.commands.len(), 1);
            }
            _ => panic!("{smallest:?}"),
        }
    }
}
