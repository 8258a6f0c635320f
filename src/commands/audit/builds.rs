//! The builds of an audit: on what was restored, and from nothing at the same path.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::left::{Directory, Finals, Left};
use super::used::Marks;
use crate::cargo::{Build, Slot, Unit, units};
use crate::commands::run::{Output, code_of, execute};
use crate::job::{Exit, Job};
use crate::outcome::{Code, Hit, LayerRestore, RestoreOutcome};
use crate::plan::RootPlan;
use crate::store::Layer;
use crate::sys::Interrupt;
use crate::tree::Aside;

/// Why an audit ends without a result.
pub(super) enum Stopped {
    /// That was told already, or nobody wants it any more.
    Early(Exit),
    /// This failed.
    Trouble(anyhow::Error),
    /// A target directory could not be put back.
    NotPutBack(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// The command, and where it builds.
pub(super) struct Builds<'a> {
    pub(super) job: &'a Job,
    /// The target directories.
    pub(super) roots: &'a [RootPlan],
    pub(super) command: &'a [OsString],
    pub(super) output: Output,
    pub(super) outcome: &'a RestoreOutcome,
}

/// The build on what was restored.
pub(super) struct OnRestored<'a> {
    code: u8,
    /// The target directories after it.
    pub(super) directories: Vec<Directory<'a>>,
    /// Units that the command asked for; where the disk keeps no times of reading, those that it compiled.
    used: BTreeSet<Slot>,
    /// Whether the disk keeps such times.
    is_use_known: bool,
    /// Units that it compiled.
    pub(super) compiled: BTreeSet<Slot>,
}

impl<'a> Builds<'a> {
    /// Runs the command on what was restored.
    pub(super) fn on_restored(&self) -> Result<OnRestored<'a>, Stopped> {
        let before = Directory::read_all(self.roots, &self.job.interrupt)?;
        let marks = before
            .iter()
            .map(|directory| directory.dir.as_ref().map(|dir| Marks::set(dir, &directory.tree)).transpose());
        let marks = marks.collect::<Result<Vec<_>, _>>()?;
        let code = self.execute(&self.outcome.env());
        let after = Directory::read_all(self.roots, &Interrupt::default())?;
        let mut found = OnRestored {
            code: 0,
            directories: Vec::new(),
            used: BTreeSet::new(),
            is_use_known: true,
            compiled: BTreeSet::new(),
        };
        for ((before, after), marks) in before.iter().zip(after).zip(marks) {
            found.add(before, &after, marks)?;
            found.directories.push(after);
        }
        Ok(OnRestored { code: code?, ..found })
    }

    /// Runs the command from nothing, and puts everything back.
    pub(super) fn clean(&self) -> Result<Left, Stopped> {
        // Nothing but this process knows where the user's directories are meanwhile.
        let _whole = self.job.interrupt.whole();
        let mut aside = Vec::new();
        let mut set = Ok(());
        for root in self.roots {
            match Aside::set(&root.path) {
                Ok(one) => aside.push(one),
                Err(error) => {
                    let hint = "hint: use a directory that can be renamed, not a mount point";
                    let what = format!("cannot move {} aside; {hint}", root.path.display());
                    set = Err(Stopped::Trouble(anyhow::Error::new(error).context(what)));
                    break;
                }
            }
        }
        let left = set.and_then(|()| {
            let code = self.execute(&env_of_miss(self.outcome))?;
            let directories = Directory::read_all(self.roots, &self.job.interrupt)?;
            Ok(Left::read(&directories, code, |_| true, Finals::All, &self.job.interrupt)?)
        });
        self.put_back(aside)?;
        left
    }

    /// The last that was set aside comes first: one can lie in another.
    fn put_back(&self, aside: Vec<Aside>) -> Result<(), Stopped> {
        let mut failed = Ok(());
        for one in aside.into_iter().rev() {
            let waits = one.path();
            match one.put_back() {
                Ok(true) => {}
                Ok(false) => self.job.warn(
                    Code::LeftBehind,
                    format!(
                        "cannot remove the clean build in {}; hint: it may belong to another user",
                        waits.parent().unwrap_or(&waits).display()
                    ),
                ),
                Err(error) => {
                    let what = format!("cannot put the target directory back from {}", waits.display());
                    failed = Err(Stopped::NotPutBack(anyhow::Error::new(error).context(what)));
                }
            }
        }
        failed
    }

    fn execute(&self, env: &[(&'static str, String)]) -> Result<u8, Stopped> {
        let status = execute(self.job, self.command, env, self.output).map_err(Stopped::Early)?;
        if self.job.interrupt.is_raised() {
            return Err(Stopped::Early(Exit::Interrupted));
        }
        Ok(code_of(status))
    }
}

impl OnRestored<'_> {
    /// Adds what the command did in a target directory.
    fn add(
        &mut self,
        before: &Directory<'_>,
        after: &Directory<'_>,
        marks: Option<Marks>,
    ) -> anyhow::Result<()> {
        let units = units(&after.tree);
        let compiled: Vec<_> = units.iter().map(|unit| is_compiled(before, after, unit)).collect();
        let used = match (&marks, &after.dir) {
            (Some(marks), Some(dir)) => marks.used(dir, &after.tree, &units)?,
            // All that is there is of this build.
            _ => Some(vec![true; units.len()]),
        };
        self.is_use_known &= used.is_some();
        let used = used.unwrap_or_else(|| compiled.clone());
        for ((unit, is_used), is_compiled) in units.iter().zip(used).zip(compiled) {
            let slot = after.slot(unit);
            if is_compiled {
                self.compiled.insert(slot.clone());
            }
            if is_used {
                self.used.insert(slot);
            }
        }
        if let (Some(marks), Some(dir)) = (marks, &after.dir) {
            marks.take_away(dir, &after.tree)?;
        }
        Ok(())
    }

    /// What it left of the units that it used. Where that is not known, those of the `clean` build count as used.
    pub(super) fn left(
        &self,
        finals: Finals<'_>,
        clean: &Build,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Left> {
        let is_meant =
            |slot: &Slot| self.used.contains(slot) || !self.is_use_known && clean.units.contains_key(slot);
        Left::read(&self.directories, self.code, is_meant, finals, interrupt)
    }
}

/// Whether a fingerprint of the unit was written since.
fn is_compiled(before: &Directory<'_>, after: &Directory<'_>, unit: &Unit) -> bool {
    unit.fingerprints.iter().any(|&id| {
        let earlier = before.tree.at(&after.tree.path_below(0, id));
        earlier.is_none_or(|earlier| before.tree.node(earlier).mtime != after.tree.node(id).mtime)
    })
}

/// The variables of a job in which no build was restored.
fn env_of_miss(report: &RestoreOutcome) -> Vec<(&'static str, String)> {
    let layers = report.layers.iter().cloned().map(|layer| match layer.layer {
        Layer::Target | Layer::Builds => LayerRestore { hit: Hit::Miss, transfer: None, ..layer },
        Layer::Cargo | Layer::Units | Layer::Paths | Layer::Bins => layer,
    });
    RestoreOutcome { layers: layers.collect(), ..report.clone() }.env()
}
