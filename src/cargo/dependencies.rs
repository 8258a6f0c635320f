//! Which units of a target folder are of dependencies: of which package of a registry or of git each is, and what it
//! was built with.
//!
//! Rustc's lists of sources tell the package, by the folder of its sources in the cargo home; cargo's fingerprints tell
//! features and, by their hashes, the units that one was built with.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::dep_info::{DepInfo, Download, listed_sources};
use super::fingerprint::{Fingerprint, fingerprint_hash};
use super::units::Unit;
use crate::tree::{self, Folders, NodeId, Tree};

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

/// What was read of a unit.
struct Read {
    hash: u64,
    fingerprint: Fingerprint,
    info: DepInfo,
    package: Option<String>,
}

/// For each of the `units` of the target folder `target`, whose files lie in `folders`, what it is; `None` for one of the
/// workspace's own, and where that cannot be told. `home` is the cargo home of its builds.
pub fn dependencies(
    folders: Folders<'_>,
    target: &Tree,
    units: &[Unit],
    home: &Path,
) -> tree::Result<Vec<Option<Dependency>>> {
    let read = units.par_iter().map(|unit| read(folders, target, unit, home));
    let read = read.collect::<tree::Result<Vec<_>>>()?;
    let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, read) in read.iter().enumerate().filter_map(|(index, read)| Some((index, read.as_ref()?))) {
        by_hash.entry(read.hash).or_default().push(index);
    }
    // Two of one hash cannot be told apart.
    let find = |hash: u64| by_hash.get(&hash).filter(|found| found.len() == 1).map(|found| found[0]);
    let tell = |index: usize| {
        let Read { fingerprint, info, package, .. } = read[index].as_ref()?;
        let needs: Vec<usize> = fingerprint.needs()?.into_iter().map(find).collect::<Option<_>>()?;
        // A run of a build script is of the package of the script.
        let is_script = |need: &&usize| units[index].names(target).0 == units[**need].names(target).0;
        let script = || read[*needs.iter().find(is_script)?].as_ref()?.package.clone();
        let package = package.clone().or_else(script)?;
        let variables = fingerprint.variables_read().chain(info.variables());
        Some(Dependency {
            package,
            features: fingerprint.features().to_owned(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).collect(),
            needs,
        })
    };
    Ok((0..units.len()).map(tell).collect())
}

/// `None` for a unit that is not as we know them.
fn read(folders: Folders<'_>, target: &Tree, unit: &Unit, home: &Path) -> tree::Result<Option<Read>> {
    let [fingerprint] = unit.fingerprints[..] else { return Ok(None) };
    let text = |file: NodeId| Ok::<_, tree::Error>(folders.read(target, file)?.unwrap_or_default());
    let in_words = [target.name(fingerprint), b".json"].concat();
    let Some(in_words) = target.child(target.node(fingerprint).parent, &in_words) else { return Ok(None) };
    let Some(hash) = fingerprint_hash(&text(fingerprint)?) else { return Ok(None) };
    let Ok(fingerprint) = Fingerprint::parse(&text(in_words)?) else {
        return Ok(None);
    };
    let info = match unit.info(target) {
        Some(list) => DepInfo::parse(&text(list)?).unwrap_or_default(),
        None => DepInfo::default(),
    };
    let package = match unit.source_list(target) {
        Some(list) => package(&text(list)?, unit.names(target).0, home),
        None => None,
    };
    Ok(Some(Read { hash, fingerprint, info, package }))
}

/// The package called `name` whose sources are the first in a list of rustc's, if they are in the cargo home `home`.
fn package(list: &[u8], name: &[u8], home: &Path) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let download =
        Download::of(name, listed_sources(list).first()?).filter(|download| download.home == home)?;
    Some(format!("{name}-{}", download.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_told_by_the_folder_of_its_first_source() {
        let package =
            |list: &str, name: &str| package(list.as_bytes(), name.as_bytes(), Path::new("/h/.cargo"));
        let list = "/w/target/debug/deps/libserde-1.rlib: /h/.cargo/registry/src/index-1/serde-1.0.219/src/lib.rs /x\n";
        assert_eq!(package(list, "serde").as_deref(), Some("serde-1.0.219"));
        assert_eq!(package(list, "serd"), None);
        assert_eq!(package(&list.replace("/h/", "/other/"), "serde"), None);
        let git = "/w/x: /h/.cargo/git/checkouts/repo-0123/89abcde/member/src/lib.rs\n";
        assert_eq!(package(git, "member").as_deref(), Some("member-89abcde"));
        let own = "/w/x: /w/member/src/lib.rs /h/.cargo/registry/src/i/member-1.0.0/x.rs\n";
        assert_eq!((package(own, "member"), package("", "serde")), (None, None));
    }
}
