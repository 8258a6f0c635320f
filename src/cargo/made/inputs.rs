//! What one unit was made of.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::super::dep_info::Base;
use super::super::outside::is_settled;
use super::super::package::Package;
use super::super::patched::is_any_patched;
use super::super::record::Record;
use super::super::source_trees::nodes_of_package;
use super::super::strays::output_folders;
use super::super::units::Unit;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::super::linked::{folders_flagged, folders_told, is_linked, is_of_system};
use super::named::{LINKERS, Named, is_product};
use super::read::ReadUnits;
use super::{Noting, OutputFolder};
use crate::store::{Ability, Inputs, Known, OutsideInput, SourceId};
use crate::sys::{Time, file};
use crate::tree::{Kind, NodeId, Tree};

/// The longest file, in bytes, that is looked through for the names of others.
const LONGEST_TEXT: u64 = 64 * 1024;

const CONFIGURATIONS_OF_CLIPPY: [&str; 2] = ["clippy.toml", ".clippy.toml"];

impl Noting<'_> {
    /// `output` is the output directory of that number.
    pub(super) fn inputs(
        &mut self,
        (number, output): (usize, &OutputFolder<'_>),
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
            let folders: Vec<_> = own.iter().map(|&own| self.package_folder(own)).collect();
            if !inputs.packages.is_empty() && has_modules(folders.iter().chain(output.workspaces)) {
                return Inputs::Unknown;
            }
            if !self.add_listed(&mut inputs, output, record, &folders)
                || !self.add_watched(&mut inputs, output, record, &folders)
            {
                return Inputs::Unknown;
            }
        } else if self.is_patched(record) || !self.add_watched(&mut inputs, output, record, &[]) {
            return Inputs::Unknown;
        }
        let flags = record.fingerprint.rustflags();
        self.add_named(&mut inputs, output, flags.iter().map(String::as_str));
        self.add_libraries(&mut inputs, output, &folders_flagged(flags));
        for path in self.making.configured {
            self.add_file(&mut inputs, output, path);
        }
        self.add_named_by_texts(&mut inputs, named);
        self.add_paths(&mut inputs, &named.paths);
        if is_run || read.macros(output.tree, index, abilities).asks {
            for path in self.making.setting_variables {
                self.add_file(&mut inputs, output, path);
            }
        }
        if is_product(output.tree, unit) {
            self.add_programs(&mut inputs, LINKERS);
        }
        if let Some(run) = run {
            // What was taken out of its output afterwards a script that does not run again will not make.
            let is_touched = |id: &NodeId| output.tree.node(*id).mtime > *run.end();
            if !self.add_written(&mut inputs, run) || output_folders(output.tree, unit).iter().any(is_touched)
            {
                return Inputs::Unknown;
            }
            self.add_native(&mut inputs, output, unit);
            let before = self.carrying.map(|carrying| carrying.written_before(number, output, unit));
            inputs.read.extend(before.unwrap_or_default());
            self.add_linked(&mut inputs, output, unit);
            if holds_target_folder(output.tree, unit) {
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
                let is_leaf = !matches!(node.kind, Kind::Folder { .. });
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
        let folder = self.packages[package as usize].folder;
        let tree = self.making.sources.tree(folder.sources);
        let is_other = |node| self.packages.iter().any(|other| other.folder == SourceId { node, ..folder });
        let nodes = nodes_of_package(tree, folder.node, is_other);
        { nodes.into_iter() }.all(|node| {
            let node = tree.node(node);
            !matches!(node.kind, Kind::Folder { .. }) || node.mtime <= since
        })
    }

    fn files_of_package(&self, package: u32) -> Vec<SourceId> {
        let (folder, sources) = (self.packages[package as usize].folder, self.making.sources);
        let is_other = |node| self.packages.iter().any(|other| other.folder == SourceId { node, ..folder });
        let tree = sources.tree(folder.sources);
        let is_leaf = |node: &NodeId| !matches!(tree.node(*node).kind, Kind::Folder { .. });
        let nodes = nodes_of_package(tree, folder.node, is_other).into_iter().filter(is_leaf);
        nodes.map(|node| SourceId { node, ..folder }).collect()
    }

    /// The packages that a unit can be of, by name and by where its first source lies; `None` where there is none.
    pub(super) fn own_packages(
        &self,
        output: &OutputFolder<'_>,
        read: &ReadUnits,
        index: usize,
    ) -> Option<Vec<u32>> {
        let target = output.tree;
        let name = read.units[index].names(target).0;
        let named = (0..).zip(self.packages).filter(|(_, package)| package.name.as_bytes() == name);
        let named: Vec<(u32, &Package)> = named.collect();
        // A run of a build script is of the package of the script.
        let record = read.records[index].as_ref()?;
        let script = || {
            let needs = read.needs[index].iter().flatten();
            let scripts = needs.filter(|&&need| read.units[need].names(target).0 == name);
            scripts.filter_map(|&need| read.records[need].as_ref()).find(|record| !record.sources.is_empty())
        };
        let record = if record.sources.is_empty() { script() } else { Some(record) };
        let first = record.and_then(|record| record.sources.first());
        let is_around = |(_, package): &&(u32, &Package)| {
            let folder = self.making.sources.path(package.folder);
            first.is_some_and(|first| {
                output.workspaces.iter().any(|workspace| workspace.join(first).starts_with(&folder))
            })
        };
        let around: Vec<_> = named.iter().filter(is_around).map(|(number, _)| *number).collect();
        let found =
            if around.is_empty() { named.into_iter().map(|(number, _)| number).collect() } else { around };
        (!found.is_empty()).then_some(found)
    }

    pub(super) fn package_folder(&self, package: u32) -> PathBuf {
        self.making.sources.path(self.packages[package as usize].folder)
    }

    fn add_manifests(&mut self, inputs: &mut Collected, own: &[u32]) {
        for &package in own {
            let manifest = self.package_folder(package).join("Cargo.toml");
            self.add(&mut inputs.read, &mut inputs.outside, &manifest);
        }
    }

    /// Where clippy looks for its configuration and finds none: in a package's directory and those around it.
    fn add_absent(&self, inputs: &mut Collected, own: &[u32]) {
        for &package in own {
            let folder = self.packages[package as usize].folder;
            let tree = self.making.sources.tree(folder.sources);
            let around =
                std::iter::successors(Some(folder.node), |&node| (node != 0).then(|| tree.node(node).parent));
            for (node, name) in around.flat_map(|node| CONFIGURATIONS_OF_CLIPPY.map(|name| (node, name))) {
                if tree.child(node, name.as_bytes()).is_none() {
                    inputs.absent.insert((SourceId { node, ..folder }, name.to_owned()));
                }
            }
        }
    }

    /// What cargo's list and rustc's name. `false` where one of them is not known.
    fn add_listed(
        &mut self,
        inputs: &mut Collected,
        output: &OutputFolder<'_>,
        record: &Record,
        folders: &[PathBuf],
    ) -> bool {
        let mut paths = BTreeSet::new();
        for (base, path) in &record.info.files {
            match base {
                _ if path.is_absolute() => {
                    paths.insert(path.clone());
                }
                Base::Package => paths.extend(folders.iter().map(|folder| folder.join(path))),
                Base::Target => {}
            }
        }
        for source in &record.sources {
            paths.extend(
                output
                    .workspaces
                    .iter()
                    .map(|workspace| workspace.join(source))
                    .filter(|path| source.is_absolute() || file::is_present(path)),
            );
        }
        let paths = paths.iter().filter(|path| !path.starts_with(output.path));
        let mut are_known = true;
        for path in paths {
            are_known &= self.add(&mut inputs.listed, &mut inputs.outside, path);
        }
        are_known
    }

    /// What a build script said that it reads.
    fn add_watched(
        &mut self,
        inputs: &mut Collected,
        output: &OutputFolder<'_>,
        record: &Record,
        folders: &[PathBuf],
    ) -> bool {
        let Some(watched) = record.fingerprint.watched() else { return true };
        let mut are_known = true;
        for path in watched.paths().map(Path::new) {
            let paths = if path.is_absolute() {
                vec![path.to_path_buf()]
            } else {
                folders.iter().map(|folder| folder.join(path)).collect()
            };
            for path in paths.iter().filter(|path| !path.starts_with(output.path)) {
                are_known &= self.add(&mut inputs.watched, &mut inputs.outside, path);
                self.add_beside(inputs, path);
                are_known &= self.add_linked_to(inputs, path);
            }
        }
        are_known
    }

    /// What links in a directory that a script names lead to: cargo follows them.
    fn add_linked_to(&mut self, inputs: &mut Collected, path: &Path) -> bool {
        let sources = self.making.sources;
        let below = sources.lead(path).ids.into_iter().flat_map(|id| sources.leaves_below(id)).collect();
        self.add_links(inputs, below)
    }

    fn add_links(&mut self, inputs: &mut Collected, leaves: Vec<SourceId>) -> bool {
        let sources = self.making.sources;
        let is_link =
            |id: &SourceId| matches!(sources.tree(id.sources).node(id.node).kind, Kind::Symlink { .. });
        let links: Vec<_> = leaves.into_iter().filter(is_link).map(|id| sources.path(id)).collect();
        // One that leads nowhere is what it is.
        for link in links.iter().filter(|link| file::is_present(link)) {
            if !self.add(&mut inputs.watched, &mut inputs.outside, link) {
                return false;
            }
        }
        true
    }

    /// What lies beside a file that a script names may be read with it, as headers are: in a directory that is no package's.
    fn add_beside(&self, inputs: &mut Collected, path: &Path) {
        for id in self.making.sources.lead(path).ids {
            let tree = self.making.sources.tree(id.sources);
            let folder = SourceId { node: tree.node(id.node).parent, ..id };
            let is_package = self.packages.iter().any(|package| package.folder == folder);
            if matches!(tree.node(id.node).kind, Kind::File { .. }) && folder.node != 0 && !is_package {
                inputs.beside.insert(folder);
            }
        }
    }

    /// What a script wrote into the sources while it ran. `false` where something was taken away or cannot be told.
    fn add_written(&mut self, inputs: &mut Collected, run: &RangeInclusive<Time>) -> bool {
        for (sources, _, tree) in self.making.sources.iter() {
            let born = self.born(sources);
            let is_folder = |node: NodeId| matches!(tree.node(node).kind, Kind::Folder { .. });
            // A folder changes with each file in it; it is a script's only if it was made meanwhile.
            let is_written = |node: NodeId| {
                let [changed, made] = born[node as usize];
                let is_changed = run.contains(&tree.node(node).mtime) || run.contains(&changed);
                run.contains(&made) || is_changed && !is_folder(node)
            };
            for node in 0..tree.len() {
                if node != 0 && is_written(node) {
                    inputs.read.insert(SourceId { sources, node });
                } else if is_folder(node)
                    && run.contains(&tree.node(node).mtime)
                    && !tree.children(node).any(is_written)
                {
                    return false;
                }
            }
        }
        true
    }

    /// When each node of the sources of this number came to be.
    fn born(&self, sources: u32) -> &[[Time; 2]] {
        self.born[sources as usize].get_or_init(|| {
            let tree = self.making.sources.tree(sources);
            let epoch = Time { seconds: 0, nanoseconds: 0 };
            let of = |node| {
                let path = self.making.sources.path(SourceId { sources, node });
                file::inode_times(&path).unwrap_or([epoch; 2])
            };
            (0..tree.len()).into_par_iter().map(of).collect()
        })
    }

    /// Libraries that a script tells cargo to link, where they are no dependency's own.
    fn add_linked(&mut self, inputs: &mut Collected, output: &OutputFolder<'_>, unit: &Unit) {
        let is_told = |id: &NodeId| [&b"output"[..], b"stdout"].contains(&output.tree.name(*id));
        let told = unit.files(output.tree).into_iter().find(is_told);
        let Some(Ok(Some(told))) = told.map(|id| output.folders.read(output.tree, id)) else { return };
        let told = String::from_utf8_lossy(&told);
        self.add_libraries(inputs, output, &folders_told(&told));
        self.add_named(inputs, output, told.lines().filter(|line| line.contains("rustc-link-arg")));
    }

    /// All libraries and objects in these directories: what of them is linked a source can say as well as a flag.
    fn add_libraries(&mut self, inputs: &mut Collected, output: &OutputFolder<'_>, folders: &[PathBuf]) {
        for folder in folders {
            for workspace in output.workspaces {
                let folder = workspace.join(folder);
                if is_of_system(&folder) {
                    continue;
                }
                for name in file::names(&folder).unwrap_or_default() {
                    if is_linked(&name) {
                        self.add_file(inputs, output, &folder.join(name));
                    }
                }
            }
        }
    }

    /// Files that flags name, by themselves or behind an option: objects, scripts of the linker, lists of arguments.
    fn add_named<'f>(
        &mut self,
        inputs: &mut Collected,
        output: &OutputFolder<'_>,
        flags: impl Iterator<Item = &'f str>,
    ) {
        let words = |text: &str| -> Vec<String> {
            let words =
                text.split(|character: char| "=,\"'()".contains(character) || character.is_whitespace());
            words.filter(|word| word.contains(['/', '.'])).map(str::to_owned).collect()
        };
        let mut pending: Vec<_> = flags.flat_map(words).collect();
        let mut seen = BTreeSet::new();
        while let Some(word) = pending.pop() {
            for name in [&*word, word.trim_start_matches("-T"), word.trim_start_matches('@')] {
                if !seen.insert(name.to_owned()) {
                    continue;
                }
                // These name others: lists of arguments, scripts of the linker.
                for text in self.add_file(inputs, output, Path::new(name)) {
                    pending.extend(words(&text));
                }
            }
        }
    }

    /// What a script's texts lead to.
    fn add_paths(&mut self, inputs: &mut Collected, paths: &BTreeSet<PathBuf>) {
        for path in paths {
            for id in self.making.sources.lead(path).ids {
                let is_folder =
                    matches!(self.making.sources.tree(id.sources).node(id.node).kind, Kind::Folder { .. });
                if is_folder {
                    inputs.beside.insert(id)
                } else {
                    inputs.read.insert(id)
                };
            }
        }
    }

    /// Adds a file by a path that may be relative to a workspace; what a unit has itself is no input. Tells what is in it if it
    /// is a short text.
    fn add_file(&mut self, inputs: &mut Collected, output: &OutputFolder<'_>, path: &Path) -> Vec<String> {
        let mut texts = Vec::new();
        for workspace in output.workspaces {
            let path = workspace.join(path);
            if path.starts_with(output.path) {
                continue;
            }
            if let Some((size, _)) = file::size_and_time(&path) {
                self.add(&mut inputs.read, &mut inputs.outside, &path);
                let text = (size <= LONGEST_TEXT).then(|| file::read(&path).ok()).flatten();
                texts.extend(text.and_then(|text| String::from_utf8(text).ok()));
            }
        }
        texts
    }

    /// Adds what `path` leads to. `false` where there is nothing.
    fn add(&mut self, ids: &mut BTreeSet<SourceId>, outside: &mut BTreeSet<u32>, path: &Path) -> bool {
        if is_settled(path, self.making.home) {
            return true;
        }
        let led = self.making.sources.lead(path);
        ids.extend(led.ids);
        if let Some(path) = led.outside.filter(|path| !is_settled(path, self.making.home)) {
            return self.add_outside(outside, &path);
        }
        // What is left out of the sources, such as `.git`, is as good as outside.
        if led.is_absent && file::is_present(path) {
            return self.add_outside(outside, path);
        }
        !led.is_absent
    }

    /// `false` where the path cannot be noted.
    pub(super) fn add_outside(&mut self, outside: &mut BTreeSet<u32>, path: &Path) -> bool {
        let Some(path) = path.to_str() else { return false };
        outside.insert(self.outside.number(OutsideInput::Path(path.to_owned())));
        true
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

/// Inputs while they are found, each once.
#[derive(Default)]
pub(super) struct Collected {
    own: BTreeSet<u32>,
    listed: BTreeSet<SourceId>,
    watched: BTreeSet<SourceId>,
    watched_packages: BTreeSet<u32>,
    read: BTreeSet<SourceId>,
    packages: BTreeSet<u32>,
    pub(super) beside: BTreeSet<SourceId>,
    absent: BTreeSet<(SourceId, String)>,
    pub(super) outside: BTreeSet<u32>,
    is_open: bool,
}

impl Collected {
    fn into_known(self) -> Known {
        Known {
            own: self.own.into_iter().collect(),
            listed: self.listed.into_iter().collect(),
            watched: self.watched.into_iter().collect(),
            watched_packages: self.watched_packages.into_iter().collect(),
            read: self.read.into_iter().collect(),
            packages: self.packages.into_iter().collect(),
            beside: self.beside.into_iter().collect(),
            absent: self.absent.into_iter().collect(),
            outside: self.outside.into_iter().collect(),
            is_open: self.is_open,
        }
    }
}

/// Whether there are packages of Node.js in one of `folders`: they are no sources, but who reads what he wants may read them.
fn has_modules<'p>(mut folders: impl Iterator<Item = &'p PathBuf>) -> bool {
    folders.any(|folder| file::is_dir(&folder.join("node_modules")))
}

/// Whether a script has a target directory of another cargo in its output.
fn holds_target_folder(target: &Tree, unit: &Unit) -> bool {
    unit.files(target).into_iter().any(|id| target.name(id) == b".rustc_info.json")
}
