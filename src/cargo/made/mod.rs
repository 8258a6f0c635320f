//! What each unit of a job's target directories was made of, as a save notes it.
//!
//! Cargo's lists and rustc's own name files; the output of a build script names what is linked, and so do texts of scripts
//! and of sources. What came to be beside products while a unit was made is an input as well, for a fresh checkout lacks
//! it. What is read without being named (by a procedural macro that can read files, by a build script that names nothing)
//! is taken to be all of the package, and for a macro also what is of no package.

mod carried;
mod collected;
mod inputs;
mod links;
mod listed;
mod named;
mod own;
mod read;
mod words;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::bound::{Search, Traces};
use super::host::Host;
use super::outside::OutsideList;
use super::package::{Package, packages};
use super::profile::profile_settings;
use super::record::Record;
use super::source_trees::SourceTrees;
use super::strays::{Extras, extras, made_while, run_of};
use super::units::Unit;
use crate::store::{self, Ability, Inputs, Made, OutsideInput, Provenance, Revision, SourceId};
use crate::sys::Time;
use crate::sys::file::{self, InodeTimes};
use crate::tree::{self, Kind, Location, NodeId, Tree};

use carried::{Carried, Carrying};
pub use carried::{Earlier, SourcesSince};
use named::Lookup;
use read::{ReadUnits, ability_of};

/// A target directory, or that of intermediate files.
#[derive(Debug, Clone, Copy)]
pub struct OutputDirectory<'a> {
    /// Its path in the job.
    pub path: &'a Path,
    /// The workspaces that are built there.
    pub workspaces: &'a [PathBuf],
    /// What of it is saved.
    pub tree: &'a Tree,
    /// Where the files of that lie.
    pub location: Location<'a>,
}

/// What cargo is told by its configuration and by variables.
#[derive(Debug, Default)]
pub struct Configured {
    /// Files that are named, such as a linker or a wrapper of the compiler.
    pub files: Vec<PathBuf>,
    /// Programs that are named, and that the `PATH` leads to.
    pub programs: Vec<String>,
    /// The files of the configuration.
    pub configurations: Vec<PathBuf>,
}

/// What there is to know of the job besides.
#[derive(Debug)]
pub struct Making<'a> {
    /// The sources; none where they were not noted.
    pub sources: &'a SourceTrees<'a>,
    /// The cargo home of the builds.
    pub home: Option<&'a Path>,
    /// What cargo is told.
    pub configured: &'a Configured,
    /// Directories that units can be bound to.
    pub places: Vec<PathBuf>,
    /// What is checked out.
    pub revisions: Vec<Revision>,
    /// The host, as this step sees it.
    pub host: Host<'a>,
    /// What the job started from.
    pub earlier: Option<Earlier<'a>>,
    /// When the job began.
    pub since: Time,
    /// The present time.
    pub now: Time,
}

impl Making<'_> {
    /// What the units in `outputs` were made of.
    pub fn provenance(&self, outputs: &[OutputDirectory<'_>]) -> tree::Result<Provenance> {
        let read = outputs.iter().map(|output| ReadUnits::read(output, self.home));
        let read = read.collect::<tree::Result<Vec<_>>>()?;
        let built: HashSet<_> = outputs
            .iter()
            .zip(&read)
            .flat_map(|(output, read)| read.units.iter().map(|unit| unit.names(output.tree).0))
            .collect();
        // Of what was not built, such as a template, a manifest makes no border.
        let packages = packages(self.sources, |name| built.contains(name.as_bytes()));
        let mut places = self.places.clone();
        let carrying =
            self.earlier.as_ref().map(|earlier| Carrying::new(earlier, self.sources, &packages, &mut places));
        let with_units = outputs.iter().zip(&read).map(|(output, read)| (output.tree, &*read.units));
        let with_units: Vec<_> = with_units.collect();
        let (runs, products) = (runs_of_sources(outputs, &read), products(outputs));
        let mut noting = Noting {
            making: self,
            carrying: carrying.as_ref(),
            packages: &packages,
            package_directories: packages.iter().map(|package| package.directory).collect(),
            places: &places,
            outputs: outputs.iter().map(|output| output.path).collect(),
            outside: OutsideList::new(self.host),
            inode_times: self.sources.iter().map(|_| OnceLock::new()).collect(),
            times: self.sources.iter().map(|_| OnceLock::new()).collect(),
            holes: OnceLock::new(),
            configurations: OnceLock::new(),
            usable: OnceLock::new(),
            called: HashMap::new(),
            scripts: HashMap::new(),
            temporaries: outputs.iter().map(|_| OnceLock::new()).collect(),
            named: HashMap::new(),
            runs: &runs,
            products: &products,
        };
        let inode_times = |root: u32, id| {
            let OutputDirectory { tree, location, .. } = &outputs[root as usize];
            file::inode_times(&location.path(tree, id))
        };
        let extras = extras(&with_units, &inode_times);
        let mut roots = Vec::new();
        for (number, read) in read.iter().enumerate() {
            let carried = carrying
                .as_ref()
                .map(|carrying| carrying.root(number, outputs, &read.units, &mut noting.outside));
            roots.push(noting.root((number, outputs), read, &extras, carried.unwrap_or_default())?);
        }
        Ok(Provenance {
            places: places.iter().map(|place| place.as_os_str().as_bytes().to_vec()).collect(),
            revisions: self.revisions.clone(),
            outside: noting.outside.list,
            packages: packages
                .iter()
                .map(|package| store::Package {
                    directory: package.directory,
                    version: package.version.clone(),
                })
                .collect(),
            roots,
            profiles: outputs.iter().zip(&read).map(|(output, read)| profiles(output, read)).collect(),
        })
    }
}

/// When each script of the sources was run for `outputs`, whose units are `read`.
fn runs_of_sources(outputs: &[OutputDirectory<'_>], read: &[ReadUnits]) -> Vec<RangeInclusive<Time>> {
    let of_output = |(output, read): (&OutputDirectory<'_>, &ReadUnits)| {
        let own = read.units.iter().enumerate().filter(|(index, _)| !read.is_download(*index));
        own.filter_map(|(_, unit)| run_of(output.tree, unit)).collect::<Vec<_>>()
    };
    outputs.iter().zip(read).flat_map(of_output).collect()
}

/// Sizes and times of the files in all target directories.
fn products(outputs: &[OutputDirectory<'_>]) -> HashSet<(u64, Time)> {
    let nodes = outputs.iter().flat_map(|output| output.tree.iter());
    let files = nodes.filter_map(|(_, node)| match node.kind {
        Kind::File { size, .. } => Some((size, node.mtime)),
        _ => None,
    });
    files.collect()
}

/// What the manifests set for the profiles of the units.
fn profiles(output: &OutputDirectory<'_>, read: &ReadUnits) -> BTreeMap<String, String> {
    let names: BTreeSet<_> = read.units.iter().map(|unit| output.tree.name(unit.profile)).collect();
    let names = names.into_iter().map(|name| String::from_utf8_lossy(name).into_owned());
    names.map(|name| (name.clone(), profile_settings(output.workspaces, &name))).collect()
}

struct Noting<'a> {
    making: &'a Making<'a>,
    carrying: Option<&'a Carrying<'a>>,
    packages: &'a [Package],
    /// Where these are.
    package_directories: HashSet<SourceId>,
    places: &'a [PathBuf],
    /// All target directories, and those of intermediate files.
    outputs: Vec<&'a Path>,
    outside: OutsideList<'a>,
    /// For each of the sources when each of its nodes came to be, once that is asked for.
    inode_times: Vec<OnceLock<Vec<InodeTimes>>>,
    /// For each of the sources all times of its nodes, in order.
    times: Vec<OnceLock<Vec<(Time, NodeId)>>>,
    /// Directories among the sources of which nobody knows what is in them, once that is asked for.
    holes: OnceLock<Vec<PathBuf>>,
    /// The directories `.cargo` of the sources, once that is asked for.
    configurations: OnceLock<Vec<PathBuf>>,
    /// The names of the programs and variables that a script can use, once that is asked for.
    usable: OnceLock<(HashSet<String>, HashSet<String>)>,
    /// What each script of a shell uses of these; nothing for other files.
    called: HashMap<SourceId, Vec<OutsideInput>>,
    /// Whether each file without an extension is a script.
    scripts: HashMap<SourceId, bool>,
    /// For each output directory when something came to where tests leave what they like, in order.
    temporaries: Vec<OnceLock<Vec<Time>>>,
    /// Sizes and times of the files in all target directories.
    products: &'a HashSet<(u64, Time)>,
    /// What each text of the sources names, by the directories that its paths are relative to.
    named: HashMap<(PathBuf, Vec<PathBuf>), [BTreeSet<PathBuf>; 2]>,
    /// When each script of the sources was run, in the job's target directories.
    runs: &'a [RangeInclusive<Time>],
}

impl Noting<'_> {
    /// `carried` has for each unit what is known of it already.
    fn root(
        &mut self,
        (number, outputs): (usize, &[OutputDirectory<'_>]),
        read: &ReadUnits,
        extras: &Extras,
        mut carried: Vec<Option<Carried>>,
    ) -> tree::Result<Vec<Made>> {
        let output = &outputs[number];
        carried.resize_with(read.units.len(), || None);
        let is_new = |index: usize| carried[index].is_none();
        let abilities = read.units.par_iter().zip(&carried).map(|(unit, carried)| match carried {
            Some(carried) => Ok(carried.ability),
            None => ability_of(output, unit),
        });
        let abilities = abilities.collect::<tree::Result<Vec<_>>>()?;
        let traces = self.traces((number, outputs), read, extras, &abilities, is_new)?;
        let named = Lookup::new(self).of_units(output, read, &abilities, is_new)?;
        let found = traces.into_iter().zip(named).zip(carried).enumerate();
        let all = found.map(|(index, ((traces, named), carried))| {
            let unit = &read.units[index];
            let carried = carried.unwrap_or_else(|| {
                let run = run_of(output.tree, unit);
                let inputs = self.inputs((number, output), read, index, &abilities, &named, run.as_ref());
                Carried {
                    extras: Vec::new(),
                    bound: traces.places,
                    is_of_commit: traces.tells_commit
                        || read.macros(output.tree, index, &abilities).runs
                        || read.records[index].as_ref().is_some_and(Record::watches_git)
                        || named.asks_git && !read.is_download(index),
                    ability: abilities[index],
                    inputs,
                }
            });
            let mut of_unit: BTreeSet<_> = extras_of(extras, output, unit).collect();
            of_unit.extend(carried.extras);
            // What another step made of them a fresh checkout does not have, and a unit that does not run again will not make.
            let made = made_while(output.tree, unit);
            let is_changed = made.is_some_and(|made| {
                let is_later = |&(root, id): &(u32, NodeId)| {
                    let node = outputs[root as usize].tree.node(id);
                    !node.kind.is_directory() && node.mtime > *made.end()
                };
                of_unit.iter().any(is_later)
            });
            let inputs = if is_changed || read.is_replaced(index) { Inputs::Unknown } else { carried.inputs };
            let needs = read.needs[index].iter().flatten();
            Made {
                directory: unit.directory(),
                needs: needs.map(|&need| u32::try_from(need).expect("there are few")).collect(),
                bound: carried.bound,
                is_of_commit: carried.is_of_commit,
                ability: carried.ability,
                download: read.downloads[index].clone(),
                extras: of_unit.into_iter().collect(),
                inputs,
            }
        });
        Ok(all.collect())
    }

    /// Where each of the units that are `wanted` tells that it was made, and nothing for the others.
    fn traces(
        &self,
        (number, outputs): (usize, &[OutputDirectory<'_>]),
        read: &ReadUnits,
        extras: &Extras,
        abilities: &[Ability],
        wanted: impl Fn(usize) -> bool + Sync,
    ) -> tree::Result<Vec<Traces>> {
        let output = &outputs[number];
        let search = Search { places: self.places, revisions: &self.making.revisions };
        let traces = |(index, (unit, record)): (usize, (&Unit, &Option<Record>))| match record {
            Some(record) if wanted(index) && read.may_know_places(output.tree, index) => {
                let may_be_told = read.sees_macro(output.tree, index) || run_of(output.tree, unit).is_some();
                let is_output_used = read.is_output_used(output, index, abilities)?;
                let OutputDirectory { tree, location, .. } = *output;
                let mut traces = search.of_unit(location, tree, unit, record, may_be_told, is_output_used)?;
                for (root, id) in extras_of(extras, output, unit) {
                    let OutputDirectory { tree, location, .. } = outputs[root as usize];
                    traces.add(search.of_extra(location, tree, id)?);
                }
                Ok(traces)
            }
            _ => Ok(Traces::default()),
        };
        read.units.par_iter().zip(&read.records).enumerate().map(traces).collect()
    }
}

/// What a unit wrote beside its own files, by root.
fn extras_of<'e>(
    extras: &'e Extras,
    output: &OutputDirectory<'_>,
    unit: &Unit,
) -> impl Iterator<Item = (u32, NodeId)> + 'e {
    let made = made_while(output.tree, unit);
    made.and_then(|made| extras.get(&made)).into_iter().flatten().copied()
}
