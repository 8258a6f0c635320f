//! Which units were compiled since a target directory was restored: those whose fingerprints were written since.

use std::collections::{BTreeMap, HashMap};

use super::units::{Unit, units};
use crate::sys::Time;
use crate::tree::{NodeId, Tree};

/// The times of fingerprints, by their paths in a target directory.
pub type FingerprintTimes = BTreeMap<String, Time>;

/// The fingerprints of a target directory.
#[derive(Debug)]
pub struct Notes<'t> {
    tree: &'t Tree,
    units: Vec<Unit>,
    all: Vec<Note<'t>>,
}

/// One fingerprint. Mostly that of a unit of its own, but units whose files have no hash in their names share a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'t> {
    /// The profile's directory, such as `debug`, below that of the triple where there is one.
    pub profile: String,
    /// The package's name.
    pub package: &'t [u8],
    /// The file's name: what is built of the package, such as `lib-serde` or `test-bin-app`.
    pub part: &'t [u8],
    hash: &'t [u8],
    /// The file, which holds the fingerprint's hash.
    pub file: NodeId,
    unit: usize,
}

/// A fingerprint that was written since.
#[derive(Debug)]
pub struct Compiled<'n, 't> {
    /// What it is now.
    pub now: &'n Note<'t>,
    /// What there was of it before.
    pub before: Before<'n, 't>,
}

/// What there was of a unit before it was compiled.
#[derive(Debug)]
pub enum Before<'n, 't> {
    /// The very unit.
    Same(&'n Note<'t>),
    /// The same part of a package of this name, in the same profile.
    Kin(Vec<&'n Note<'t>>),
    /// The same part of such a package, in these profiles alone; in none where there was nothing.
    Elsewhere(Vec<&'n str>),
    /// The very unit, of the unit pool: only the time of its fingerprint is known.
    Pooled,
}

impl<'t> Notes<'t> {
    /// Those of the target directory `tree`.
    pub fn of(tree: &'t Tree) -> Self {
        let units = units(tree);
        let mut all = Vec::new();
        for (number, unit) in units.iter().enumerate() {
            let (package, hash) = unit.names(tree);
            let profile = String::from_utf8_lossy(&tree.path_below(0, unit.profile)).into_owned();
            all.extend(unit.fingerprints.iter().map(|&file| Note {
                profile: profile.clone(),
                package,
                part: tree.name(file),
                hash,
                file,
                unit: number,
            }));
        }
        Self { tree, units, all }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Their times.
    pub fn times(&self) -> impl Iterator<Item = (String, Time)> {
        self.all.iter().map(|note| (self.path(note), self.tree.node(note.file).mtime))
    }

    fn path(&self, note: &Note<'_>) -> String {
        String::from_utf8_lossy(&self.tree.path_below(0, note.file)).into_owned()
    }

    /// Those that were written since there were those of `earlier`, completed by those `pooled`.
    pub fn compiled_since<'n>(
        &'n self,
        earlier: &'n Self,
        pooled: &FingerprintTimes,
    ) -> Vec<Compiled<'n, 't>> {
        let mut known: HashMap<_, Vec<&Note<'_>>> = HashMap::new();
        for note in &earlier.all {
            known.entry((note.package, note.part)).or_default().push(note);
        }
        let mut compiled = Vec::new();
        for now in &self.all {
            let alike = known.get(&(now.package, now.part)).map_or(&[][..], Vec::as_slice);
            let (before, then) = match pooled.get(&self.path(now)) {
                Some(&time) => (Before::Pooled, Some(time)),
                None => match before(now, alike) {
                    Before::Same(then) => (Before::Same(then), Some(earlier.tree.node(then.file).mtime)),
                    before => (before, None),
                },
            };
            if then != Some(self.tree.node(now.file).mtime) {
                compiled.push(Compiled { now, before });
            }
        }
        compiled
    }

    /// All.
    pub fn all(&self) -> &[Note<'t>] {
        &self.all
    }

    /// Those of the package `name`.
    pub fn of_package(&self, name: &[u8]) -> impl Iterator<Item = &Note<'t>> {
        self.all.iter().filter(move |note| note.package == name)
    }

    /// The tree.
    pub fn tree(&self) -> &'t Tree {
        self.tree
    }

    /// The directory of the unit that a fingerprint is of: no other unit has it.
    pub fn directory(&self, note: &Note<'_>) -> String {
        let directory = self.units[note.unit].directory();
        String::from_utf8_lossy(&self.tree.path_below(0, directory)).into_owned()
    }

    /// The file beside a fingerprint that is called like it, but for `prefix` and `suffix`.
    pub fn beside(&self, note: &Note<'_>, prefix: &str, suffix: &str) -> Option<NodeId> {
        let name = [prefix.as_bytes(), note.part, suffix.as_bytes()].concat();
        self.tree.child(self.tree.node(note.file).parent, &name)
    }

    /// Rustc's list of sources of a fingerprint's unit.
    pub fn source_list(&self, note: &Note<'_>) -> Option<NodeId> {
        let unit = &self.units[note.unit];
        // Libraries for other languages have no hash in their names.
        let without_hash = || {
            let name = note.part.strip_prefix(b"lib-")?.iter();
            let name: Vec<_> = name.map(|&byte| if byte == b'-' { b'_' } else { byte }).collect();
            self.tree.child(self.tree.child(unit.profile, b"deps")?, &[&name, &b".d"[..]].concat())
        };
        unit.source_list(self.tree).or_else(without_hash)
    }
}

/// What is known of `now`, where there were `alike` of its package and part.
fn before<'n, 't>(now: &Note<'t>, alike: &[&'n Note<'t>]) -> Before<'n, 't> {
    let mut here = alike.iter().copied().filter(|note| note.profile == now.profile);
    if let Some(same) = here.clone().find(|note| note.hash == now.hash) {
        return Before::Same(same);
    }
    let Some(first) = here.next() else {
        let mut profiles: Vec<_> = alike.iter().map(|note| note.profile.as_str()).collect();
        profiles.sort_unstable();
        profiles.dedup();
        return Before::Elsewhere(profiles);
    };
    Before::Kin([first].into_iter().chain(here).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Dir, Interrupt, Time, file};
    use crate::tree::{Selection, walk};

    /// The tree of `place` after these files were written at `time`.
    fn tree(place: &std::path::Path, files: &[&str], time: i64) -> Tree {
        for path in files {
            let path = place.join(path);
            let (directory, name) = (path.parent().unwrap(), path.file_name().unwrap());
            file::make_dirs(directory).unwrap();
            file::write_atomic(&path, b"").unwrap();
            let time = Time { seconds: time, nanoseconds: 0 };
            Dir::open(directory).unwrap().set_mtime(name.as_encoded_bytes(), time).unwrap();
        }
        walk(&Dir::open(place).unwrap(), &Selection::all(), &Interrupt::default()).unwrap().tree
    }

    #[test]
    fn what_was_written_since_is_compiled_in_both_layouts() {
        for (fresh, stale, list) in [
            (
                "debug/.fingerprint/a-0000000000000001/lib-a",
                "debug/.fingerprint/a-0000000000000002/lib-a",
                "debug/deps/a-0000000000000002.d",
            ),
            (
                "debug/build/a/0000000000000001/fingerprint/lib-a",
                "debug/build/a/0000000000000002/fingerprint/lib-a",
                "debug/build/a/0000000000000002/out/a.d",
            ),
        ] {
            let place = tempfile::tempdir().unwrap();
            let then = tree(place.path(), &[fresh, stale], 1);
            let [new, other_profile, other_part] = [
                stale.replace("02/", "03/"),
                stale.replace("debug", "x/release"),
                stale.replace("lib-a", "bin-a"),
            ];
            let now = tree(place.path(), &[stale, list, &new, &other_profile, &other_part], 2);
            let (then, now) = (Notes::of(&then), Notes::of(&now));
            assert_eq!((then.len(), now.len(), now.of_package(b"a").count()), (2, 5, 5));
            let compiled = now.compiled_since(&then, &FingerprintTimes::new());
            let mut told: Vec<_> = compiled
                .iter()
                .map(|Compiled { now: note, before }| {
                    let before = match before {
                        Before::Same(_) => "same".to_owned(),
                        Before::Kin(kin) => format!("{} kin", kin.len()),
                        Before::Elsewhere(profiles) => profiles.join(","),
                        Before::Pooled => unreachable!("there is no pool"),
                    };
                    (String::from_utf8(now.tree().path_below(0, note.file)).unwrap(), before)
                })
                .collect();
            told.sort();
            let mut expected =
                [(stale.to_owned(), "same"), (new, "2 kin"), (other_profile, "debug"), (other_part, "")]
                    .map(|(path, before)| (path, before.to_owned()));
            expected.sort();
            assert_eq!(told, expected);
            let same = compiled.iter().find(|one| matches!(one.before, Before::Same(_))).unwrap().now;
            assert_eq!(now.source_list(same), now.tree().at(list.as_bytes()));
            assert_eq!(now.beside(same, "dep-", ""), None);

            // The pool has one as it is now, and one that was compiled again.
            let mut pooled: FingerprintTimes = now.times().collect();
            assert!(now.compiled_since(&then, &pooled).is_empty());
            pooled.insert(stale.to_owned(), Time { seconds: 1, nanoseconds: 0 });
            let compiled = now.compiled_since(&then, &pooled);
            assert!(matches!(compiled[..], [Compiled { before: Before::Pooled, .. }]), "{compiled:?}");
        }
    }
}
