//! What one unit was made of.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::linked::directories_flagged;
use super::super::outside::is_of_host;
use super::super::patched::is_any_patched;
use super::super::record::Record;
use super::super::sources::RUSTC_INFO;
use super::super::strays::{TEMPORARY, output_directories};
use super::super::units::Unit;
use super::collected::{Collected, Noted, Unknowable, known_if};
use super::named::{LINKERS, Named, is_program};
use super::read::{ReadUnits, told_by};
use super::written::Window;
use super::{Noting, OutputDirectory};
use crate::store::{Ability, Inputs, KnownInputs, OutsideInput, SourceId};
use crate::sys::{Time, file};
use crate::tree::{NodeId, Tree};

/// Variables by which something else is called than the compiler: cargo's hashes do not know them.
const WRAPPERS: [&str; 2] = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];

/// How the assembler is told to take in a file.
const ASSEMBLED: [&str; 2] = [".include", ".incbin"];

/// A unit that is looked at.
struct Looked<'l> {
    /// The number of its output directory.
    number: usize,
    output: &'l OutputDirectory<'l>,
    read: &'l ReadUnits,
    index: usize,
    unit: &'l Unit,
    record: &'l Record,
    abilities: &'l [Ability],
    /// From when to when it was run, where it is the run of a script.
    run: Option<&'l RangeInclusive<Time>>,
}

impl Looked<'_> {
    fn is_download(&self) -> bool {
        self.read.is_download(self.index)
    }

    /// Whether the linker made it: a program, a test, a script, a macro, a library for others than rustc.
    fn is_linked(&self) -> bool {
        let tree = self.output.tree;
        let is_shared = |id: &NodeId| tree.name(*id).ends_with(b".so");
        is_program(tree, self.unit) || self.unit.files(tree).iter().any(is_shared)
    }

    /// Of the macros that it was compiled with.
    fn macros(&self) -> Ability {
        self.read.macros(self.output.tree, self.index, self.abilities)
    }

    /// Whether it may read variables. Nothing tells whether a macro asks by another function than most do. What a download's
    /// sources say is not looked through.
    fn may_ask(&self) -> bool {
        self.run.is_some()
            || self.macros().asks
            || !self.is_download() && self.read.sees_macro(self.output.tree, self.index)
    }
}

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
        let times = Times::of(output.tree, unit, run).filter(|times| times.newest <= self.making.now);
        let Some(times) = times else { return Inputs::Unknown };
        if !record.is_known {
            return Inputs::Foreign;
        }
        let looked = Looked { number, output, read, index, unit, record, abilities, run };
        let known = self.known(&looked, named).ok().filter(|known| self.is_of_these(known, &times));
        known.map_or(Inputs::Unknown, |known| Inputs::Known(known.into()))
    }

    fn known(&mut self, looked: &Looked<'_>, named: &Named) -> Noted<KnownInputs> {
        let mut inputs = Collected::default();
        known_if(looked.read.needs[looked.index].is_some())?;
        if looked.is_download() {
            known_if(!self.is_patched(looked.record))?;
            self.add_watched(&mut inputs, looked.read, looked.record, &[])?;
        } else {
            self.add_packages(&mut inputs, looked)?;
        }
        self.add_told(&mut inputs, looked)?;
        self.add_named_by_texts(&mut inputs, named)?;
        if !looked.is_download() {
            self.add_named_in_sources(&mut inputs, looked)?;
        }
        if looked.may_ask() {
            let own: Vec<_> = inputs.own.iter().copied().collect();
            self.add_configurations(&mut inputs, looked.output, &own)?;
        }
        if looked.is_linked() {
            self.add_programs(&mut inputs, LINKERS);
            inputs.outside.insert(self.outside.number(OutsideInput::LinkVariables));
        }
        if let Some(run) = looked.run {
            self.add_run(&mut inputs, looked, run)?;
        } else if !looked.is_download()
            && let Some(compiled) = looked.unit.compiled(looked.output.tree)
        {
            // A macro, a wrapper of the compiler, the linker: nobody tells what they write.
            let window = Window::Compiled(&compiled, self.runs);
            self.add_written(&mut inputs, &window)?;
            known_if(!self.writes_temporaries(looked, &compiled))?;
        }
        Ok(inputs.into_known())
    }

    /// What of the packages that it belongs to a unit has.
    fn add_packages(&mut self, inputs: &mut Collected, looked: &Looked<'_>) -> Noted {
        let Looked { output, read, index, record, .. } = *looked;
        let own = self.own_packages(output, read, index).ok_or(Unknowable)?;
        self.add_manifests(inputs, &own)?;
        inputs.own.extend(own.iter().copied());
        inputs.is_open = looked.run.is_none() && looked.macros().reads;
        // A script that names no file is run again when any of its package changes, and documentation is made again. The same
        // goes for a script that names variables only: a fresh checkout has no run of it.
        let is_of_whole_package = record.fingerprint.is_of_whole_package();
        let names_nothing = looked.run.is_some() && record.fingerprint.watched().is_none();
        if inputs.is_open || is_of_whole_package || names_nothing {
            inputs.packages.extend(own.iter().copied());
            known_if(!has_modules(output.workspaces))?;
            known_if(!own.iter().any(|&package| self.has_holes(package)))?;
        }
        if is_of_whole_package {
            inputs.watched_packages.extend(own.iter().copied());
            let links = own.iter().flat_map(|&package| self.files_of_package(package)).collect();
            self.add_links(inputs, links)?;
        }
        if record.asks_clippy() {
            self.add_absent(inputs, &own);
        }
        let directories: Vec<_> = own.iter().map(|&own| self.package_directory(own)).collect();
        self.add_listed(inputs, (output, read), record, &directories)?;
        self.add_watched(inputs, read, record, &own)
    }

    /// What the texts of a unit's sources name where somebody can read that: a macro, or the assembler. For the run of a script,
    /// what the files name that it names.
    fn add_named_in_sources(&mut self, inputs: &mut Collected, looked: &Looked<'_>) -> Noted {
        let own: Vec<_> = inputs.own.iter().copied().collect();
        let around = self.directories_around(&own);
        if looked.run.is_some() {
            return self.add_followed(inputs, &around);
        }
        let may_read = looked.macros().reads;
        let sources = looked.record.sources.iter();
        let sources: BTreeSet<_> = sources
            .flat_map(|source| looked.output.workspaces.iter().map(move |at| at.join(source)))
            .collect();
        for source in sources {
            let is_read = |text: &str| may_read || ASSEMBLED.iter().any(|directive| text.contains(directive));
            self.add_named_in(inputs, source, &around, is_read)?;
        }
        Ok(())
    }

    /// What flags, the configuration and variables of the compiler name.
    fn add_told(&mut self, inputs: &mut Collected, looked: &Looked<'_>) -> Noted {
        let Looked { output, record, .. } = *looked;
        let flags = record.fingerprint.rustflags();
        let directories = directories_flagged(flags);
        self.add_named(inputs, output, flags.iter().map(String::as_str), &directories)?;
        self.add_libraries(inputs, output, &directories)?;
        for path in &self.making.configured.files {
            self.add_file(inputs, output, path)?;
        }
        for program in &self.making.configured.programs {
            inputs.outside.insert(self.outside.number(OutsideInput::Program(program.clone())));
        }
        for variable in WRAPPERS {
            inputs.outside.insert(self.outside.number(OutsideInput::Variable(variable.to_owned())));
        }
        let own: Vec<_> = inputs.own.iter().copied().collect();
        let around = self.directories_around(&own);
        for (_, value) in record.fingerprint.variables_read() {
            // It may tell where a tool or something else is, of which cargo only compares the path.
            // Some are lists.
            for value in
                value.into_iter().flat_map(|value| value.split(':')).filter(|value| !value.is_empty())
            {
                self.add_told_place(inputs, output, Path::new(value), &around)?;
            }
        }
        Ok(())
    }

    /// What other scripts tell a script by variables `DEP_*`, where that is a path.
    fn add_metadata(&mut self, inputs: &mut Collected, looked: &Looked<'_>) -> Noted {
        let Looked { output, read, index, .. } = *looked;
        let own: Vec<_> = inputs.own.iter().copied().collect();
        let mut places = BTreeSet::new();
        for &need in read.needs[index].iter().flatten() {
            if !read.units[need].is_run(output.tree) {
                continue;
            }
            let told = told_by(output, &read.units[need])?;
            places.extend(told.lines().filter_map(metadata).map(PathBuf::from));
        }
        let own: Vec<_> = own.iter().map(|&own| self.package_directory(own)).collect();
        places.retain(|place| place.is_absolute() && !self.is_around(place, &own) && self.is_input(place));
        self.add_paths(inputs, &places)
    }

    /// What is at the path that a variable has, which may be relative to one of `around`.
    fn add_told_place(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        path: &Path,
        around: &[PathBuf],
    ) -> Noted {
        let directories = output.workspaces.iter().chain(around);
        let places = directories.map(|directory| file::normal(&directory.join(path)));
        let is_input = |place: &PathBuf| !self.is_around(place, output.workspaces) && self.is_input(place);
        let places: BTreeSet<_> = places.filter(is_input).collect();
        self.add_paths(inputs, &places)
    }

    /// Whether there is something at `path` that can be an input where somebody names it by its whole path.
    fn is_input(&self, path: &Path) -> bool {
        if self.making.sources.lead(path).outside.is_none() {
            return file::is_present(path);
        }
        file::is_file(path) && !is_of_host(path) || self.is_for_builds(path)
    }

    /// What a script found besides, and what it wrote.
    fn add_run(&mut self, inputs: &mut Collected, looked: &Looked<'_>, run: &RangeInclusive<Time>) -> Noted {
        let Looked { number, output, unit, .. } = *looked;
        // What was taken out of its output afterwards a script that does not run again will not make.
        let is_touched = |id: &NodeId| output.tree.node(*id).mtime > *run.end();
        known_if(!output_directories(output.tree, unit).iter().any(is_touched))?;
        // Nothing of what is there is kept.
        known_if(!self.writes_temporaries(looked, run))?;
        // Cargo, started by the script, goes by times that nobody has looked at.
        known_if(!holds_target_directory(output.tree, unit))?;
        self.add_written(inputs, &Window::Run(run))?;
        inputs.outside.insert(self.outside.number(OutsideInput::OutputVariables));
        self.add_native(inputs, output, unit)?;
        let before = self.carrying.map(|carrying| carrying.written_before(number, output, unit));
        inputs.read.extend(before.unwrap_or_default());
        self.add_linked(inputs, output, unit)?;
        self.add_metadata(inputs, looked)
    }

    /// Whether something came in `window` to where tests leave what they like.
    fn writes_temporaries(&self, looked: &Looked<'_>, window: &RangeInclusive<Time>) -> bool {
        let times = self.temporaries[looked.number].get_or_init(|| {
            let directory = looked.output.path.join(OsStr::from_bytes(TEMPORARY));
            let names = file::names(&directory).unwrap_or_default().into_iter();
            let times = names.filter_map(|name| file::inode_times(&directory.join(name)));
            let mut times: Vec<_> = times.flat_map(|times| [times.changed, times.made]).collect();
            times.sort_unstable();
            times
        });
        let first = times.partition_point(|time| time < window.start());
        times.get(first).is_some_and(|time| window.contains(time))
    }

    /// Whether a job changed a source of a download: the next one may find it as it was.
    fn is_patched(&self, record: &Record) -> bool {
        self.making.home.is_some_and(|home| is_any_patched(&record.sources, home))
    }

    /// Whether nothing of what a unit was made of changed after that: then the unit is of something else.
    fn is_of_these(&self, known: &KnownInputs, times: &Times) -> bool {
        let sources = self.making.sources;
        let is_until = |ids: &[SourceId], time: Time| {
            ids.iter().all(|id| {
                // A file that was moved here has the time that it had elsewhere.
                let changed = self.inode_times(id.sources)[id.node as usize].changed;
                let node = sources.tree(id.sources).node(id.node);
                let is_leaf = !node.kind.is_directory();
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
            && (times.made < self.making.since
                || known.outside.iter().all(|&input| self.is_outside_until(input, times.made)))
    }

    /// Whether a path outside was as it is before `time`, as far as its own times tell. Of units that the job did not make itself
    /// it was looked at when they came.
    fn is_outside_until(&self, input: u32, time: Time) -> bool {
        let OutsideInput::Path(path) = &self.outside.list[input as usize].input else { return true };
        let path = Path::new(path);
        // A link may lead to what changed.
        let real = file::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let is_fine = |path| file::inode_times(path).is_none_or(|times| times.changed <= time);
        is_fine(path) && is_fine(&real)
    }

    /// Whether nothing came to or went from the directories of a package since.
    fn is_untouched(&self, package: u32, since: Time) -> bool {
        let mut directories = self.nodes_of_package(package).into_iter().filter(|id| self.is_directory(*id));
        directories.all(|id| self.making.sources.tree(id.sources).node(id.node).mtime <= since)
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
    unit.files(target).into_iter().any(|id| target.name(id) == RUSTC_INFO.as_bytes())
}

/// The value of what a line of a script's output tells others by `DEP_*`.
fn metadata(line: &str) -> Option<&str> {
    let said = line.strip_prefix("cargo:")?;
    match said.strip_prefix(':') {
        Some(said) => said.strip_prefix("metadata=")?.split_once('='),
        None => said
            .split_once('=')
            .filter(|(key, _)| !key.starts_with("rustc-") && !key.starts_with("rerun-if-")),
    }
    .map(|(_, value)| value)
}
