//! The tools of `cargo-bins`: which are installed when a job is saved, and which of an entry's come into a job.
//!
//! Others use the same directories at the same time, so nothing is read or written there without cargo's lock, and nothing that
//! is there is replaced.

use std::collections::HashSet;
use std::path::Path;

use crate::cargo::{Fit, InstallRoot, Installs, Records, Tool, may_hold_secret, name_and_version};
use crate::job::cargo_lock::lock_installs;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::rules::{Coverage, Replaced, Rules, Saving};
use crate::outcome::LackingTool;
use crate::plan::{LayerPlan, RootPlan};
use crate::store::{Header, Install, LayerData, Root};
use crate::sys::{Dir, FileType, file};
use crate::tree::{self, Selection, Tree};

/// The rules of the layer `bins`.
pub(crate) struct Bins<'p> {
    plan: &'p LayerPlan,
    /// What is installed of its tools, as a save found it.
    installed: Installed,
    /// What comes of an entry, while it does.
    arrival: Option<Arrival>,
}

impl<'p> Bins<'p> {
    pub(crate) fn new(plan: &'p LayerPlan) -> Self {
        Self { plan, installed: Installed::default(), arrival: None }
    }
}

impl Rules for Bins<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        let tools = self.plan.tools();
        if !tools.iter().any(|tool| is_in(tool, entry)) {
            Coverage::OtherTools
        } else if tools.iter().all(|tool| is_in(tool, entry)) {
            Coverage::by_contents(self.plan, entry)
        } else {
            Coverage::Part
        }
    }

    fn before_files(&mut self, job: &Job, entry: &Header) -> Result<(), Trouble> {
        self.arrival = announce(job, self.plan, entry)?;
        Ok(())
    }

    fn wanted(&self, _root: &RootPlan, recorded: &Root, _directory: &Path) -> Option<Tree> {
        Some(self.arrival.as_ref()?.of(&recorded.tree))
    }

    fn after_files(&mut self, job: &Job, have_come: bool) -> Vec<LackingTool> {
        let Some(arrival) = self.arrival.take() else { return Vec::new() };
        if !have_come {
            arrival.call_off(job);
        }
        arrival.lacking
    }

    fn before_reading(&mut self, job: &Job) -> Result<(), Trouble> {
        self.installed = installed(job, self.plan)?;
        Ok(())
    }

    fn selection(
        &self,
        _saving: Saving<'_>,
        _root: &RootPlan,
        _directory: &Path,
    ) -> Result<Option<Selection>, Trouble> {
        let patterns = patterns(&self.installed.installs);
        // Without a pattern it would be all that is in the directory.
        Ok(if patterns.is_empty() { None } else { Some(Selection::new(&patterns, &[])?) })
    }

    fn is_told_by(&self, base: &Header) -> bool {
        self.installed.installs.iter().all(|install| base.installs().contains(install))
    }

    /// A tool that is gone may be one that would not fit what was there: the next job can have it.
    fn may_have_more(&self) -> bool {
        true
    }

    fn data(&self) -> LayerData {
        LayerData::Bins { installs: self.installed.installs.clone() }
    }

    /// Cargo installs by renames.
    fn replaced<'t>(
        &self,
        _root: &'t RootPlan,
        _tree: &'t Tree,
        _others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        Ok(Some(Box::new(|_, _| true)))
    }
}

fn is_in(tool: &Tool, entry: &Header) -> bool {
    entry.installs().iter().any(|install| tool.is(&install.package))
}

/// The directory of the layer's executables, and that which cargo installs into.
fn places(layer: &LayerPlan) -> Option<(&Path, InstallRoot)> {
    let bin = layer.roots.first()?.path.as_path();
    Some((bin, InstallRoot::at(bin.parent()?)))
}

/// What is installed of the layer's tools.
#[derive(Default)]
struct Installed {
    installs: Vec<Install>,
    /// While it is held, it stays so.
    _lock: Option<Installs>,
}

/// Finds what is installed, and tells of what is not.
fn installed(job: &Job, layer: &LayerPlan) -> Result<Installed, Trouble> {
    let Some((bin, root)) = places(layer) else { return Ok(Installed::default()) };
    let lock = if root.is_used() { Some(lock_installs(job, &root)?) } else { None };
    let records = lock.as_ref().map(Installs::records).transpose()?;
    let bin = if file::is_dir(bin) { Some(Dir::open(bin)?) } else { None };
    let mut installs = Vec::new();
    for tool in layer.tools() {
        match whole(records.as_ref(), tool, bin.as_ref()) {
            Ok(found) => installs.extend(found),
            Err(why) => job.console.say(format!("bins: skipped {tool}: {why}")),
        }
    }
    Ok(Installed { installs, _lock: lock })
}

/// The packages that are `tool` with all their executables, or why it cannot be saved.
fn whole(records: Option<&Records>, tool: &Tool, bin: Option<&Dir>) -> Result<Vec<Install>, String> {
    let installs: Vec<_> = records.iter().flat_map(|records| records.of(tool)).cloned().collect();
    if installs.is_empty() {
        let any_version = tool.in_any_version();
        let other = records.and_then(|records| records.of(&any_version).next());
        return Err(match other {
            Some(other) => format!("cargo has {} installed", name_and_version(&other.package)),
            None => "cargo has no record of it".to_owned(),
        });
    }
    for Install { package, bins, .. } in &installs {
        if may_hold_secret(package) {
            return Err("its source URL may contain a password".to_owned());
        }
        let is_file = |name: &&String| {
            let stat = bin.and_then(|bin| bin.stat_if_present(name.as_bytes()).ok()?);
            stat.is_some_and(|stat| stat.kind == FileType::RegularFile)
        };
        if let Some(name) = bins.iter().find(|name| !is_file(name)) {
            return Err(format!("its executable {name} is missing"));
        }
    }
    Ok(installs)
}

/// The names of the packages' executables as patterns.
fn patterns(installs: &[Install]) -> Vec<String> {
    installs.iter().flat_map(|install| &install.bins).map(|name| globset::escape(name)).collect()
}

/// An entry's tools on their way into a job. Others wait until they have arrived.
struct Arrival {
    installs: Installs,
    /// The names of their executables, there or not.
    bins: HashSet<Vec<u8>>,
    /// What will not be there after it, and why.
    lacking: Vec<LackingTool>,
}

/// Decides which of the entry's tools come, and notes them for cargo; `None` where there is no place for them.
///
/// They are noted first: a note without executables does not keep cargo from installing, but executables without a note do.
fn announce(job: &Job, layer: &LayerPlan, entry: &Header) -> Result<Option<Arrival>, Trouble> {
    let Some((bin, root)) = places(layer) else { return Ok(None) };
    let installs = lock_installs(job, &root)?;
    let mut records = installs.records()?;
    let (mut bins, mut lacking, mut is_new) = (HashSet::new(), Vec::new(), false);
    for tool in layer.tools() {
        let is_there = |name: &str| file::is_present(&bin.join(name));
        match records.fit(tool, entry.installs(), is_there) {
            Ok(Fit::There) => {
                let offered = entry.installs().iter().filter(|install| tool.is(&install.package));
                let names = offered.flat_map(|install| &install.bins).filter(|name| is_there(name));
                bins.extend(names.map(|name| name.clone().into_bytes()));
            }
            Ok(Fit::Absent(offered)) => {
                for install in offered {
                    records.add(install);
                    bins.extend(install.bins.iter().map(|name| name.clone().into_bytes()));
                }
                is_new = true;
            }
            Err(why) => lacking.push(LackingTool { tool: tool.to_string(), why }),
        }
    }
    if is_new {
        installs.write(&records)?;
    }
    Ok(Some(Arrival { installs, bins, lacking }))
}

impl Arrival {
    /// Of the entry's executables those that come, and those that are there: these stay as they are.
    fn of(&self, tree: &Tree) -> Tree {
        tree.without(|id| !self.bins.contains(tree.name(id)))
    }

    /// Takes the notes back: the executables could not be brought.
    fn call_off(&self, job: &Job) {
        if let Err(error) = self.installs.put_back() {
            let hint = "cargo will reinstall them";
            job.console
                .say(format!("bins: cannot remove records of missing tools; {hint}: {}", chain(&error)));
        }
    }
}
