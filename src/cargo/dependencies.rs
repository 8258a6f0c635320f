//! Which units of a target directory are of dependencies: of which package of a registry or of git each is, and what it
//! was built with.
//!
//! Rustc's lists of sources tell the package, by the directory of its sources in the cargo home; cargo's fingerprints tell
//! features and, by their hashes, the units that one was built with.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::dep_info::Download;
use super::record::Record;
use super::units::Unit;
use crate::tree::{self, Location, Tree};

/// A unit of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package as lock files can tell it: `<name>-<version>`, or `<name>-<commit>` of one from git.
    pub package: String,
    /// Its features, as cargo writes them.
    pub features: String,
    /// The variables that were read while it was compiled, or that its build script said it reads, each with its value.
    pub variables: BTreeMap<String, Option<String>>,
    /// Indices of the units that it was built with.
    pub needs: Vec<usize>,
}

/// For each of the `units` of the target directory `target`, whose files lie at `location`, what it is; `None` for one of the
/// workspace's own, and where that cannot be told. `home` is the cargo home of its builds.
pub fn dependencies(
    location: Location<'_>,
    target: &Tree,
    units: &[Unit],
    home: &Path,
) -> tree::Result<Vec<Option<Dependency>>> {
    let records = units.par_iter().map(|unit| Record::read(location, target, unit));
    let records = records.collect::<tree::Result<Vec<_>>>()?;
    Ok(told(target, units, &records, home))
}

/// The same of units whose `records` were read.
pub(super) fn told(
    target: &Tree,
    units: &[Unit],
    records: &[Option<Record>],
    home: &Path,
) -> Vec<Option<Dependency>> {
    let needs = needs(records);
    let package = |index: usize| {
        let first = records[index].as_ref()?.sources.first()?;
        package(first, units[index].names(target).0, home)
    };
    let tell = |index: usize| {
        let Record { fingerprint, info, .. } = records[index].as_ref().filter(|record| record.is_known)?;
        let needs = needs[index].clone()?;
        // A run of a build script is of the package of the script.
        let is_script = |need: &&usize| units[index].names(target).0 == units[**need].names(target).0;
        let script = || package(*needs.iter().find(is_script)?);
        let package = package(index).or_else(script)?;
        let variables = fingerprint.variables_read().chain(info.variables());
        Some(Dependency {
            package,
            features: fingerprint.features().to_owned(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).collect(),
            needs,
        })
    };
    (0..units.len()).map(tell).collect()
}

/// For each unit the indices of those that it was built with; `None` where one of them is not there, or cannot be told.
pub(super) fn needs(records: &[Option<Record>]) -> Vec<Option<Vec<usize>>> {
    let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, record) in
        records.iter().enumerate().filter_map(|(index, record)| Some((index, record.as_ref()?)))
    {
        by_hash.entry(record.hash).or_default().push(index);
    }
    // Two of one hash cannot be told apart.
    let find = |hash: u64| by_hash.get(&hash).filter(|found| found.len() == 1).map(|found| found[0]);
    let of = |record: &Option<Record>| {
        record.as_ref()?.fingerprint.needs()?.into_iter().map(find).collect::<Option<Vec<_>>>()
    };
    records.iter().map(of).collect()
}

/// The package called `name` that the file `source` is of, if it is in the cargo home `home`.
fn package(source: &Path, name: &[u8], home: &Path) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let download = Download::of(name, source).filter(|download| download.home == home)?;
    Some(format!("{name}-{}", download.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_told_by_the_directory_of_its_first_source() {
        let package =
            |source: &str, name: &str| package(Path::new(source), name.as_bytes(), Path::new("/h/.cargo"));
        let source = "/h/.cargo/registry/src/index-1/serde-1.0.219/src/lib.rs";
        assert_eq!(package(source, "serde").as_deref(), Some("serde-1.0.219"));
        assert_eq!(package(source, "serd"), None);
        assert_eq!(package(&source.replace("/h/", "/other/"), "serde"), None);
        let git = "/h/.cargo/git/checkouts/repo-0123/89abcde/member/src/lib.rs";
        assert_eq!(package(git, "member").as_deref(), Some("member-89abcde"));
        assert_eq!(package("/w/member/src/lib.rs", "member"), None);
    }
}
