//! What one unit was made of.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::super::linked::directories_flagged;
use super::super::patched::is_any_patched;
use super::super::record::Record;
use super::super::source_trees::nodes_of_package;
use super::super::strays::output_directories;
use super::super::units::Unit;
use super::collected::Collected;
use super::named::{LINKERS, Named, is_product};
use super::read::ReadUnits;
use super::{Noting, OutputDirectory};
use crate::store::{Ability, Inputs, Known, OutsideInput, SourceId};
use crate::sys::{Time, file};
use crate::tree::{Kind, NodeId, Tree};

impl Noting<'_> {
    /// `output` is the output directory of that number.
    pub(super) fn inputs(
        &mut self,
        (number, output): (usize, &OutputDirectory<'_>),
        read: &ReadUnits,
        index: usize,
        abilities: &[Ability],
        named: &Named,
        run: Option<&RangeInclusive<Time>>,
    ) -> Inputs {
        let (unit, Some(record)) = (&read.units[index], &read.records[index]) else { return Inputs::Unknown };
        let Some(times) = Times::of(output.tree, unit, run).filter(|times| times.newest <= self.making.now)
        else {
            return Inputs::Unknown;
        };
        if !record.is_known {
            return Inputs::Foreign;
        }
        if read.needs[index].is_none() {
            return Inputs::Unknown;
        }
        let mut inputs = Collected::default();
        let is_run = run.is_some();
        if !read.is_download(index) {
            let Some(own) = self.own_packages(output, read, index) else { return Inputs::Unknown };
            self.add_manifests(&mut inputs, &own);
            inputs.own.extend(own.iter().copied());
            inputs.is_open = !is_run && read.macros(output.tree, index, abilities).reads;
            // A script that names no file is run again when any of its package changes, and documentation is made again. The same
            // goes for a script that names variables only: a fresh checkout has no run of it.
            let is_of_whole_package = record.fingerprint.is_of_whole_package();
            if inputs.is_open || is_of_whole_package || is_run && record.fingerprint.watched().is_none() {
                inputs.packages.extend(own.iter().copied());
            }
            if is_of_whole_package {
                inputs.watched_packages.extend(own.iter().copied());
                let links = own.iter().flat_map(|&package| self.files_of_package(package)).collect();
                if !self.add_links(&mut inputs, links) {
                    return Inputs::Unknown;
                }
            }
            if record.asks_clippy() {
                self.add_absent(&mut inputs, &own);
            }
            let directories: Vec<_> = own.iter().map(|&own| self.package_directory(own)).collect();
            if !inputs.packages.is_empty()
                && (has_modules(output.workspaces) || own.iter().any(|&package| self.has_holes(package)))
            {
                return Inputs::Unknown;
            }
            if !self.add_listed(&mut inputs, (output, read), record, &directories)
                || !self.add_watched(&mut inputs, read, record, &own)
            {
                return Inputs::Unknown;
            }
        } else if self.is_patched(record) || !self.add_watched(&mut inputs, read, record, &[]) {
            return Inputs::Unknown;
        }
        let flags = record.fingerprint.rustflags();
        let directories = directories_flagged(flags);
        self.add_named(&mut inputs, output, flags.iter().map(String::as_str), &directories);
        self.add_libraries(&mut inputs, output, &directories);
        for path in &self.making.configured.files {
            self.add_file(&mut inputs, output, path);
        }
        for program in &self.making.configured.programs {
            inputs.outside.insert(self.outside.number(OutsideInput::Program(program.clone())));
        }
        self.add_named_by_texts(&mut inputs, named);
        self.add_paths(&mut inputs, &named.paths);
        // Nothing tells whether a macro asks by another function than most do. What a download's sources say is not looked through.
        let may_ask = || read.macros(output.tree, index, abilities).asks;
        if is_run || may_ask() || !read.is_download(index) && read.sees_macro(output.tree, index) {
            let own: Vec<_> = inputs.own.iter().copied().collect();
            self.add_configurations(&mut inputs, output, &own);
        }
        for (name, _) in record.fingerprint.variables_read() {
            // It may tell where a tool is, of which cargo only compares the path.
            if let Some(path) = self.outside.host.value(name).filter(|path| path.starts_with('/')) {
                self.add_file(&mut inputs, output, Path::new(path));
            }
        }
        if is_product(output.tree, unit) {
            self.add_programs(&mut inputs, LINKERS);
        }
        if let Some(run) = run {
            // What was taken out of its output afterwards a script that does not run again will not make.
            let is_touched = |id: &NodeId| output.tree.node(*id).mtime > *run.end();
            if !self.add_written(&mut inputs, run)
                || output_directories(output.tree, unit).iter().any(is_touched)
            {
                return Inputs::Unknown;
            }
            self.add_native(&mut inputs, output, unit);
            let before = self.carrying.map(|carrying| carrying.written_before(number, output, unit));
            inputs.read.extend(before.unwrap_or_default());
            self.add_linked(&mut inputs, output, unit);
            if holds_target_directory(output.tree, unit) {
                // Cargo, started by the script, goes by times that nobody has looked at.
                return Inputs::Unknown;
            }
        }
        let known = inputs.into_known();
        if self.is_of_these(&known, &times) { Inputs::Known(known.into()) } else { Inputs::Unknown }
    }

    /// Whether a job changed a source of a download: the next one may find it as it was.
    fn is_patched(&self, record: &Record) -> bool {
        self.making.home.is_some_and(|home| is_any_patched(&record.sources, home))
    }

    /// Whether nothing of what a unit was made of changed after that: then the unit is of something else.
    fn is_of_these(&self, known: &Known, times: &Times) -> bool {
        let sources = self.making.sources;
        let is_until = |ids: &[SourceId], time: Time| {
            ids.iter().all(|id| {
                // A file that was moved here has the time that it had elsewhere.
                let [changed, _] = self.born(id.sources)[id.node as usize];
                let node = sources.tree(id.sources).node(id.node);
                let is_leaf = !matches!(node.kind, Kind::Directory { .. });
                node.mtime <= time && !(is_leaf && changed > times.made)
            })
        };
        let whole: Vec<_> =
            known.packages.iter().flat_map(|&package| self.files_of_package(package)).collect();
        let below =
            |ids: &[SourceId]| -> Vec<_> { ids.iter().flat_map(|&id| sources.leaves_below(id)).collect() };
        let (watched, beside) = (below(&known.watched), below(&known.beside));
        is_until(&known.listed, times.list)
            && is_until(&watched, times.list)
            && is_until(&beside, times.made)
            && is_until(&known.read, times.made)
            && is_until(&whole, times.made)
            && known.packages.iter().all(|&package| self.is_untouched(package, times.made))
    }

    /// Whether nothing came to or went from the directories of a package since.
    fn is_untouched(&self, package: u32, since: Time) -> bool {
        let directory = self.packages[package as usize].directory;
        let tree = self.making.sources.tree(directory.sources);
        let is_other =
            |node| self.packages.iter().any(|other| other.directory == SourceId { node, ..directory });
        let nodes = nodes_of_package(tree, directory.node, is_other);
        { nodes.into_iter() }.all(|node| {
            let node = tree.node(node);
            !matches!(node.kind, Kind::Directory { .. }) || node.mtime <= since
        })
    }
}

/// When a unit was made.
struct Times {
    /// The time with which cargo compares its sources.
    list: Time,
    /// When all of it was there.
    made: Time,
    /// The latest of all its files.
    newest: Time,
}

impl Times {
    fn of(target: &Tree, unit: &Unit, run: Option<&RangeInclusive<Time>>) -> Option<Self> {
        let made = target.node(*unit.fingerprints.first()?).mtime;
        let list = match (run, unit.info(target)) {
            (Some(run), _) => *run.start(),
            (None, Some(list)) => target.node(list).mtime,
            (None, None) => made,
        };
        let newest = unit.files(target).into_iter().map(|id| target.node(id).mtime).max()?;
        Some(Self { list, made: made.max(list), newest })
    }
}

/// Whether there are packages of Node.js in one of `directories`: they are no sources, but who reads what he wants may read them.
fn has_modules(directories: &[PathBuf]) -> bool {
    directories.iter().any(|directory| file::is_dir(&directory.join("node_modules")))
}

/// Whether a script has a target directory of another cargo in its output.
fn holds_target_directory(target: &Tree, unit: &Unit) -> bool {
    unit.files(target).into_iter().any(|id| target.name(id) == b".rustc_info.json")
}
