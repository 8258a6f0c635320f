//! The units of a target directory with what was noted of each, and what one may have got from others.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use memchr::memmem;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::super::bound::{is_told, own_output};
use super::super::dependencies::told;
use super::super::reader::ability;
use super::super::record::Record;
use super::super::strays::output_directories;
use super::super::units::{Unit, crate_of, hash_of, units};
use super::OutputDirectory;
use super::collected::{Noted, Unknowable};
use crate::store::Ability;
use crate::tree::{self, NodeId, Tree};

/// The units of a target directory, with what cargo noted of them.
pub(super) struct ReadUnits {
    pub(super) units: Vec<Unit>,
    pub(super) records: Vec<Option<Record>>,
    /// The package of a registry or of git that each is of, as lock files can tell it.
    pub(super) downloads: Vec<Option<String>>,
    /// For each the units that it can have been built with: several where they cannot be told apart, `None` where one is not
    /// there.
    pub(super) needs: Vec<Option<Vec<usize>>>,
    /// The output directories of scripts, by their paths in the job.
    outputs: HashSet<PathBuf>,
    /// For each whether what it made may have been replaced by what another one made: libraries for others than Rust have names
    /// without a hash.
    replaced: Vec<bool>,
    /// For each its library, where it is a procedural macro.
    macros: Vec<Option<NodeId>>,
}

impl ReadUnits {
    pub(super) fn read(output: &OutputDirectory<'_>, home: Option<&Path>) -> tree::Result<Self> {
        let units = units(output.tree);
        let records = units.par_iter().map(|unit| Record::read(output.location, output.tree, unit));
        let records = records.collect::<tree::Result<Vec<_>>>()?;
        let downloads = match home {
            Some(home) => {
                let told = told(output.tree, &units, &records, home).into_iter();
                told.map(|dependency| Some(dependency?.package)).collect()
            }
            None => vec![None; units.len()],
        };
        let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, record) in records.iter().enumerate() {
            if let Some(record) = record {
                by_hash.entry(record.hash).or_default().push(index);
            }
        }
        let needs = records.iter().map(|record| {
            let hashes = record.as_ref()?.fingerprint.needs()?;
            let found: Option<Vec<_>> = hashes.iter().map(|hash| by_hash.get(hash)).collect();
            Some(found?.into_iter().flatten().copied().collect())
        });
        let needs = needs.collect();
        let outputs = units.iter().flat_map(|unit| output_directories(output.tree, unit));
        let path = |id| output.path.join(OsStr::from_bytes(&output.tree.path_below(0, id)));
        let outputs = outputs.map(path).collect();
        let replaced = replaced(output.tree, &units);
        let macros = units.iter().map(|unit| macro_library(output.tree, unit)).collect();
        Ok(Self { units, records, downloads, needs, outputs, replaced, macros })
    }
}

impl ReadUnits {
    /// Whether a script wrote what is at `path` for those that were compiled with it: it comes and goes with the script's run.
    pub(super) fn is_output(&self, path: &Path) -> bool {
        path.parent().is_some_and(|directory| self.outputs.contains(directory)) || self.outputs.contains(path)
    }

    /// Whether what a unit made may have been replaced by what another one made.
    pub(super) fn is_replaced(&self, index: usize) -> bool {
        self.replaced[index]
    }

    /// The libraries of the macros that are of no download.
    pub(super) fn own_macro_libraries(&self) -> HashSet<NodeId> {
        (0..self.units.len())
            .filter(|&index| !self.is_download(index))
            .filter_map(|index| self.macros[index])
            .collect()
    }

    /// Whether a unit is of a download.
    pub(super) fn is_download(&self, index: usize) -> bool {
        self.downloads[index].is_some()
    }

    /// Whether what is in the job's directories can have got into a unit: not into a download's that no script ran for.
    pub(super) fn may_know_places(&self, target: &Tree, index: usize) -> bool {
        let is_run = |unit: usize| self.units[unit].is_run(target);
        !self.is_download(index)
            || is_run(index)
            || self.needs[index].iter().flatten().any(|&need| is_run(need))
    }

    /// Whether anybody can have looked into the output directory of a script's run: not where it is of a download, the script
    /// told nobody where that is, and what was compiled with it asked for it neither itself nor by a macro. Some scripts leave
    /// there what they tried.
    pub(super) fn is_output_used(
        &self,
        output: &OutputDirectory<'_>,
        index: usize,
        abilities: &[Ability],
    ) -> tree::Result<bool> {
        let own = own_output(output.location, output.tree, &self.units[index])?;
        let Some(own) = own.filter(|own| !own.is_empty() && self.is_download(index)) else { return Ok(true) };
        for id in self.units[index].files(output.tree).into_iter().filter(|id| is_told(output.tree, *id)) {
            let told = output.location.read(output.tree, id)?.unwrap_or_default();
            if memmem::find(&told, &own).is_some() {
                return Ok(true);
            }
        }
        let is_user = |unit: usize| self.needs[unit].as_ref().is_none_or(|needs| needs.contains(&index));
        Ok((0..self.units.len()).filter(|&unit| is_user(unit)).any(|unit| {
            let Some(record) = &self.records[unit] else { return true };
            let Ability { reads, runs, asks } = self.macros(output.tree, unit, abilities);
            let names_it = |variable: &Vec<u8>| variable.starts_with(b"OUT_DIR");
            let is_in_it = |source: &PathBuf| source.as_os_str().as_encoded_bytes().starts_with(&own);
            let is_named = record.variables.iter().any(names_it) || record.sources.iter().any(is_in_it);
            reads || runs || asks || is_named
        }))
    }

    /// What the procedural macros can do together that were there when a unit was compiled: macros are re-exported.
    pub(super) fn macros(&self, target: &Tree, index: usize, abilities: &[Ability]) -> Ability {
        self.macros_seen(target, index).into_iter().fold(Ability::default(), |sum, unit| {
            let Ability { reads, runs, asks } = abilities[unit];
            Ability { reads: sum.reads || reads, runs: sum.runs || runs, asks: sum.asks || asks }
        })
    }

    /// The libraries of the procedural macros that were there.
    pub(super) fn macro_libraries(&self, target: &Tree, index: usize) -> Vec<NodeId> {
        self.macros_seen(target, index).into_iter().filter_map(|unit| self.macros[unit]).collect()
    }

    /// Whether any procedural macro was there.
    pub(super) fn sees_macro(&self, target: &Tree, index: usize) -> bool {
        !self.macros_seen(target, index).is_empty()
    }

    fn macros_seen(&self, target: &Tree, index: usize) -> Vec<usize> {
        let (mut pending, mut found) = (vec![index], Vec::new());
        let mut seen = HashSet::from([index]);
        while let Some(unit) = pending.pop() {
            let is_macro = unit != index && self.macros[unit].is_some();
            if is_macro {
                found.push(unit);
            }
            // What a macro or a script was made with is not seen behind it.
            if !is_macro && (unit == index || !self.is_script(target, unit)) {
                let needs = self.needs[unit].iter().flatten().copied();
                pending.extend(needs.filter(|need| seen.insert(*need)));
            }
        }
        found
    }

    fn is_script(&self, target: &Tree, unit: usize) -> bool {
        let of_script = |id: &NodeId| {
            let name = target.name(*id);
            name.starts_with(b"run-") || name.starts_with(b"build-script-")
        };
        self.units[unit].fingerprints.iter().any(of_script)
    }
}

/// What a unit told cargo as the run of a script; nothing where it is none.
pub(super) fn told_by(output: &OutputDirectory<'_>, unit: &Unit) -> Noted<String> {
    let told = unit.files(output.tree).into_iter().find(|id| is_told(output.tree, *id));
    let Some(told) = told else { return Ok(String::new()) };
    let told = output.location.read(output.tree, told).map_err(|_| Unknowable)?;
    Ok(String::from_utf8_lossy(&told.unwrap_or_default()).into_owned())
}

/// The library of a procedural macro.
fn macro_library(target: &Tree, unit: &Unit) -> Option<NodeId> {
    let is_library = |id: &NodeId| target.name(*id).starts_with(b"lib-");
    unit.fingerprints.iter().any(is_library).then_some(())?;
    // Libraries for others than rustc have no hash in their names.
    let is_for_others =
        |id: NodeId| target.name(target.node(id).parent) == b"deps" && hash_of(target.name(id)).is_none();
    unit.files(target).into_iter().find(|&id| target.name(id).ends_with(b".so") && !is_for_others(id))
}

/// What a unit can do as a procedural macro; nothing where it is none.
pub(super) fn ability_of(output: &OutputDirectory<'_>, unit: &Unit) -> tree::Result<Ability> {
    let Some(library) = macro_library(output.tree, unit) else { return Ok(Ability::default()) };
    Ok(ability(&output.location.read(output.tree, library)?.unwrap_or_default()))
}

/// For each unit whether it has no product by a hash, and another one is called as it is.
fn replaced(target: &Tree, units: &[Unit]) -> Vec<bool> {
    let name = |unit: &Unit| {
        let name = target.name(*unit.fingerprints.first()?);
        let has_none = unit.products(target).is_empty() && !unit.is_run(target);
        has_none.then(|| (unit.profile, crate_of(name)))
    };
    let names: Vec<_> = units.iter().map(name).collect();
    let mut count: HashMap<_, usize> = HashMap::new();
    for name in names.iter().flatten() {
        *count.entry(name).or_default() += 1;
    }
    names.iter().map(|name| name.as_ref().is_some_and(|name| count[name] > 1)).collect()
}
