//! What happens to a project: commits, and jobs of its runners. A value that follows from a seed.

use serde::{Deserialize, Serialize};

use crate::shape::Commands;
use crate::shapes;

/// A project of these shapes, and what happens to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) shapes: Vec<String>,
    /// Whether the first shape's package is the repository's root.
    pub(crate) has_root_package: bool,
    /// Without debug information, which takes its time.
    pub(crate) is_lean: bool,
    pub(crate) steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    /// A commit; a branch that is new begins at `main`.
    Commit {
        branch: Branch,
        changes: Vec<Change>,
    },
    /// A force push takes the branch's last commit away.
    Back {
        branch: Branch,
    },
    /// A workspace of the host is gone.
    Gone {
        place: u8,
    },
    Job(Job),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Branch {
    Main,
    Topic,
}

impl Branch {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Topic => "topic",
        }
    }
}

/// Something that a commit changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Change {
    /// One of the shape's edits.
    Edit { shape: String, edit: usize, number: u32 },
    /// A source of the shape gets a further comment.
    Comment { shape: String, number: u32 },
    /// A source of the shape does not compile any more.
    Break { shape: String },
    /// And compiles again.
    Mend { shape: String },
    /// The debug profile has assertions or none.
    Profile { has_assertions: bool },
    /// A page beside all packages.
    Page { number: u32 },
}

impl Change {
    /// The shape that it is about.
    pub(crate) fn shape(&self) -> Option<&str> {
        match self {
            Self::Edit { shape, .. }
            | Self::Comment { shape, .. }
            | Self::Break { shape }
            | Self::Mend { shape } => Some(shape),
            Self::Profile { .. } | Self::Page { .. } => None,
        }
    }
}

/// A job from its checkout to its save.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) runner: u8,
    /// Where the workspace is: runners in containers have the same path.
    pub(crate) place: u8,
    pub(crate) checkout: Checkout,
    pub(crate) branch: Branch,
    pub(crate) lane: u8,
    pub(crate) commands: Vec<Command>,
    /// The first command is killed when cargo has told that so many units are done.
    pub(crate) killed_after: Option<u8>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) saves: bool,
}

/// How the workspace comes to the job's commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Checkout {
    /// There is nothing, or it is removed.
    Clone,
    /// `git clean -ffdx`, and a checkout.
    Clean,
    /// The same, but what git ignores stays, with it the target directory.
    Keep,
}

/// What is odd about the times of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Clock {
    Right,
    /// Sources are laid out with times of long ago.
    OldSources,
    /// The clock was ahead during the build.
    WasAhead,
}

/// The action's inputs, and the job's variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own that is on or off")]
pub(crate) struct Options {
    pub(crate) has_freshness: bool,
    pub(crate) has_pool: bool,
    pub(crate) is_incremental: bool,
    pub(crate) keeps_all: bool,
}

impl Options {
    pub(crate) const DEFAULT: Self =
        Self { has_freshness: true, has_pool: true, is_incremental: true, keeps_all: false };
}

/// What a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Build,
    Release,
    Check,
    Test,
    Clippy,
    Doc,
    Run,
}

impl History {
    /// Whether a job finds a target directory that no restore brought. There cargo can be wrong by itself.
    pub(crate) fn keeps_targets(&self) -> bool {
        let keeps = |step: &Step| matches!(step, Step::Job(Job { checkout: Checkout::Keep, .. }));
        self.steps.iter().any(keeps) || self.shapes.iter().any(|name| name == "stays")
    }

    /// The one of this seed, of these shapes.
    pub(crate) fn random(seed: u64, among: &[&str]) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut names: Vec<_> = among
            .iter()
            .copied()
            .filter(|name| !shapes::named(name).is_rare || random.u8(..10) == 0)
            .collect();
        random.shuffle(&mut names);
        // Now and then a large one, where many shapes are together.
        let count = random.usize(2..=7);
        names.truncate(if count == 7 { 12 } else { count });
        let excluded: Vec<_> = names.iter().flat_map(|name| shapes::named(name).excludes).collect();
        names.retain(|name| !excluded.contains(&name));
        let shapes: Vec<_> = names.into_iter().map(ToOwned::to_owned).collect();
        let (has_root_package, is_lean) = (random.u8(..3) == 0, random.u8(..4) != 0);
        let steps = Course::new(&mut random, &shapes).steps();
        Self { seed, shapes, has_root_package, is_lean, steps }
    }
}

/// How a history goes on.
struct Course<'a> {
    random: &'a mut fastrand::Rng,
    shapes: &'a [String],
    /// The place of each runner.
    places: Vec<u8>,
    /// What the jobs of each lane run, as a workflow says it.
    lanes: Vec<Vec<Command>>,
    /// Whether no job only checks.
    builds_only: bool,
    options: Options,
    has_topic: bool,
    /// Shapes that do not compile there.
    broken: Option<(Branch, Vec<String>)>,
}

impl<'a> Course<'a> {
    fn new(random: &'a mut fastrand::Rng, shapes: &'a [String]) -> Self {
        let runners = random.u8(1..=3);
        let is_one_path = random.bool();
        let builds_only = shapes.iter().any(|shape| shapes::named(shape).commands == Commands::BuildsOnly);
        let lanes = (0..random.u8(1..=2)).map(|_| commands(random, builds_only)).collect();
        let rarely = |random: &mut fastrand::Rng| random.u8(..5) == 0;
        let options = Options {
            has_freshness: !rarely(random),
            has_pool: !rarely(random),
            is_incremental: random.bool(),
            keeps_all: rarely(random),
        };
        let places = (0..runners).map(|runner| if is_one_path { 0 } else { runner }).collect();
        Self { random, shapes, places, lanes, builds_only, options, has_topic: false, broken: None }
    }

    fn steps(mut self) -> Vec<Step> {
        let mut steps = vec![Step::Commit { branch: Branch::Main, changes: Vec::new() }];
        for _ in 0..self.random.usize(3..=7) {
            steps.push(Step::Job(self.job()));
            if self.random.u8(..8) == 0 {
                steps.push(Step::Gone { place: *self.random.choice(&self.places).unwrap() });
            }
            if self.has_topic && self.broken.is_none() && self.random.u8(..8) == 0 {
                steps.push(Step::Back { branch: Branch::Topic });
            }
            // Most jobs are about a new commit.
            if self.random.u8(..8) != 0 {
                steps.push(self.commit());
            }
        }
        steps.push(Step::Job(self.job()));
        steps
    }

    fn commit(&mut self) -> Step {
        if let Some((branch, shapes)) = self.broken.take() {
            let changes = shapes.into_iter().map(|shape| Change::Mend { shape }).collect();
            return Step::Commit { branch, changes };
        }
        let branch = if self.random.u8(..4) == 0 { Branch::Topic } else { Branch::Main };
        self.has_topic |= branch == Branch::Topic;
        let most = 3.max(self.shapes.len() / 2);
        let changes: Vec<_> = (0..self.random.usize(1..=most)).map(|_| self.change()).collect();
        let broken = changes.iter().filter(|change| matches!(change, Change::Break { .. }));
        let broken: Vec<_> = broken.filter_map(Change::shape).map(ToOwned::to_owned).collect();
        self.broken = (!broken.is_empty()).then_some((branch, broken));
        Step::Commit { branch, changes }
    }

    fn change(&mut self) -> Change {
        let shape = self.random.choice(self.shapes).unwrap().clone();
        let number = self.random.u32(2..900);
        match self.random.u8(..20) {
            0 => Change::Page { number },
            1 | 2 => Change::Comment { shape, number },
            3 => Change::Break { shape },
            4 => Change::Profile { has_assertions: self.random.bool() },
            _ => Change::Edit { edit: self.random.usize(..shapes::named(&shape).edits.len()), shape, number },
        }
    }

    fn job(&mut self) -> Job {
        let random = &mut *self.random;
        let runner = random.usize(..self.places.len());
        let lane = random.usize(..self.lanes.len());
        let checkout = match random.u8(..8) {
            0..4 => Checkout::Clone,
            4..7 => Checkout::Clean,
            _ => Checkout::Keep,
        };
        let clock = match random.u8(..12) {
            0 if checkout == Checkout::Clone => Clock::OldSources,
            1 => Clock::WasAhead,
            _ => Clock::Right,
        };
        // Now and then a workflow changes.
        if random.u8(..8) == 0 {
            self.lanes[lane] = commands(random, self.builds_only);
        }
        Job {
            runner: u8::try_from(runner).unwrap(),
            place: self.places[runner],
            checkout,
            branch: if self.has_topic && random.u8(..3) == 0 { Branch::Topic } else { Branch::Main },
            lane: u8::try_from(lane).unwrap(),
            commands: self.lanes[lane].clone(),
            killed_after: (random.u8(..10) == 0).then(|| random.u8(1..6)),
            clock,
            options: self.options,
            saves: random.u8(..10) != 0,
        }
    }
}

/// What a workflow runs, in its order.
fn commands(random: &mut fastrand::Rng, builds_only: bool) -> Vec<Command> {
    use Command::{Build, Check, Clippy, Doc, Release, Run, Test};
    let usual: [&[Command]; 9] = [
        &[Build],
        &[Build],
        &[Build, Test],
        &[Test],
        &[Check, Build],
        &[Clippy, Build],
        &[Release],
        &[Run, Build],
        &[Doc, Build],
    ];
    let is_allowed = |commands: &&[Command]| {
        !builds_only || !commands.iter().any(|command| matches!(command, Check | Clippy | Doc))
    };
    random.choice(usual.into_iter().filter(is_allowed).collect::<Vec<_>>()).unwrap().to_vec()
}

#[cfg(test)]
mod tests {
    use super::History;
    use crate::script::{Compared, Script};
    use crate::shapes;

    #[test]
    fn history_follows_from_its_seed_and_survives_json() {
        let all: Vec<_> = shapes::all().map(|shape| shape.name).collect();
        for seed in 0..50 {
            let history = History::random(seed, &all);
            let script = Script::of(&history, Compared::All).whole(&history);
            let again = History::random(seed, &all);
            let read: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
            for other in [again, read] {
                assert_eq!(Script::of(&other, Compared::All).whole(&other), script, "seed {seed}");
            }
        }
    }
}
