//! A build on a restored target directory against builds from nothing: which units differ, and which of them tell nothing.
//!
//! What two builds from nothing do not agree upon is nobody's fault and no difference. Nor can bytes be compared that rightly
//! depend on more than the sources: of incremental compilation, and of units that were compiled in another directory, whose
//! path is in their debug information. Whatever such a unit is linked into differs with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::sys::Digest;

/// Where a unit lies: the same in each build of the same command at the same path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The target directory, as the plan calls it.
    pub root: String,
    /// The profile's directory, such as `debug`, below that of the triple where there is one.
    pub profile: String,
    /// The package's name.
    pub package: String,
    /// The hash in the unit's name.
    pub hash: String,
}

/// A unit after a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltUnit {
    /// What is built of the package, such as `lib-serde`: several where files have no hash in their names.
    pub parts: Vec<String>,
    /// Whether it was finished: a build that fails leaves some that are not.
    pub is_done: bool,
    /// Whether it is the run of a build script.
    pub is_run: bool,
    /// Whether it was compiled incrementally.
    pub is_incremental: bool,
    /// The directory in which it was made, as far as that is told.
    pub place: Option<PathBuf>,
    /// Its artifacts, by their paths in the target directory.
    pub files: BTreeMap<String, Digest>,
    /// Hashes of its fingerprints.
    pub hashes: BTreeSet<u64>,
    /// Hashes of the fingerprints of the units that it was built with.
    pub needs: BTreeSet<u64>,
}

/// A target directory after a command, as far as the command has to do with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// The command's exit code.
    pub code: u8,
    /// The units that the command asked for.
    pub units: BTreeMap<Slot, BuiltUnit>,
    /// Copies of artifacts where people look for them, such as `debug/tool`: by target directory and path.
    pub finals: BTreeMap<(String, String), Digest>,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Whether the exit codes differ although two builds from nothing agree on theirs.
    pub is_other_code: bool,
    /// How many units are the same, byte for byte.
    pub same: usize,
    /// Units that differ.
    pub differing: Vec<Differing>,
    /// Units that the command used in the restored directory, and not from nothing.
    pub only_restored: Vec<Slot>,
    /// Units that the command built from nothing, and did not ask for in the restored directory.
    pub only_clean: Vec<Slot>,
    /// Final artifacts that are not what their units are.
    pub finals: Vec<(String, String)>,
    /// Units on which two builds from nothing do not agree.
    pub not_reproducible: Vec<Slot>,
    /// Units that differ and may.
    pub not_comparable: Vec<(Slot, Incomparable)>,
}

/// A unit that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// Which.
    pub slot: Slot,
    /// Its files that differ, or are in one of the builds only.
    pub files: Vec<String>,
    /// Packages of direct dependencies that differ, or have dependencies that do.
    pub follows: Vec<String>,
}

/// Why a unit may differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", content = "of", rename_all = "kebab-case")]
pub enum Incomparable {
    /// It was compiled incrementally.
    Incremental,
    /// It was compiled in this other directory.
    Elsewhere(#[serde(serialize_with = "crate::sys::lossy::path")] PathBuf),
    /// One of these packages, of its direct dependencies, may differ.
    Dependency(Vec<String>),
}

impl Comparison {
    /// Whether the restored directory gave something else than a clean build.
    pub fn is_difference(&self) -> bool {
        let Self { is_other_code, differing, only_restored, only_clean, finals, .. } = self;
        let is_any = !(differing.is_empty() && only_restored.is_empty() && only_clean.is_empty());
        *is_other_code || is_any || !finals.is_empty()
    }
}

/// Compares the build on the `restored` directory with two from nothing.
pub fn compare(restored: &Build, clean: &Build, again: &Build) -> Comparison {
    let mut found = Comparison {
        is_other_code: restored.code != clean.code && clean.code == again.code,
        ..Comparison::default()
    };
    let mut unlike = BTreeMap::new();
    for (slot, theirs) in clean.units.iter().filter(|(_, made)| made.is_done) {
        let Some(ours) = restored.units.get(slot).filter(|made| made.is_done) else { continue };
        let names: BTreeSet<_> = ours.files.keys().chain(theirs.files.keys()).collect();
        let differs = |name: &&&String| ours.files.get(**name) != theirs.files.get(**name);
        let differing: Vec<_> = names.iter().filter(differs).map(|name| (*name).clone()).collect();
        if differing.is_empty() {
            found.same += 1;
            continue;
        }
        let third = again.units.get(slot).filter(|made| made.is_done);
        let is_agreed =
            |name: &String| third.is_some_and(|third| third.files.get(name) == theirs.files.get(name));
        let agreed: Vec<_> = differing.into_iter().filter(is_agreed).collect();
        if agreed.is_empty() {
            found.not_reproducible.push(slot.clone());
        } else {
            unlike.insert(slot, agreed);
        }
    }
    found.judge(restored, clean, unlike);
    if [restored, clean, again].iter().all(|build| build.code == 0) {
        found.compare_sets(restored, clean, again);
    }
    found.compare_finals(restored, clean, again);
    found
}

impl Comparison {
    /// Tells units that may differ from those that may not.
    fn judge(&mut self, restored: &Build, clean: &Build, unlike: BTreeMap<&Slot, Vec<String>>) {
        let own = |slot: &Slot| {
            let (ours, theirs) = (&restored.units[slot], &clean.units[slot]);
            let is_elsewhere = ours.place != theirs.place && theirs.place.is_some();
            match &ours.place {
                _ if ours.is_incremental || theirs.is_incremental => Some(Incomparable::Incremental),
                Some(place) if is_elsewhere => Some(Incomparable::Elsewhere(place.clone())),
                _ => None,
            }
        };
        let excused: BTreeMap<_, _> = unlike.keys().filter_map(|&slot| Some((slot, own(slot)?))).collect();
        // Running a build script that differs in its bytes alone gives the same.
        let excused_above = dependents(restored, excused.keys().copied(), |made| !made.is_run);
        let is_excused = |slot: &Slot| excused.contains_key(slot) || excused_above.contains_key(slot);
        let wrong: Vec<_> = unlike.keys().copied().filter(|slot| !is_excused(slot)).collect();
        let wrong_above = dependents(restored, wrong.into_iter(), |_| true);
        for (slot, files) in unlike {
            let slot = slot.clone();
            match (excused.get(&slot), excused_above.get(&slot)) {
                (Some(why), _) => self.not_comparable.push((slot, why.clone())),
                (None, Some(names)) => {
                    let names = names.iter().cloned().collect();
                    self.not_comparable.push((slot, Incomparable::Dependency(names)));
                }
                (None, None) => {
                    let names = wrong_above.get(&slot).map(|names| names.iter().cloned().collect());
                    self.differing.push(Differing { slot, files, follows: names.unwrap_or_default() });
                }
            }
        }
        self.differing.sort_by_key(|one| !one.follows.is_empty());
    }

    fn compare_sets(&mut self, restored: &Build, clean: &Build, again: &Build) {
        let has = |build: &Build, slot: &Slot| build.units.contains_key(slot);
        let only = |these: &Build, is_meant: &dyn Fn(&Slot) -> bool| {
            these.units.keys().filter(|slot| is_meant(slot)).cloned().collect()
        };
        self.only_clean = only(clean, &|slot| has(again, slot) && !has(restored, slot));
        self.only_restored = only(restored, &|slot| !has(again, slot) && !has(clean, slot));
    }

    /// A final artifact is its unit's file under another name. One that is not was left where it is.
    fn compare_finals(&mut self, restored: &Build, clean: &Build, again: &Build) {
        let owner = |digest: &Digest| {
            let is_of = |made: &BuiltUnit| made.files.values().any(|file| file == digest);
            clean.units.iter().find(|(_, made)| is_of(made)).map(|(slot, _)| slot)
        };
        for (path, theirs) in &clean.finals {
            let ours = restored.finals.get(path);
            let unit = owner(theirs).and_then(|slot| restored.units.get(slot));
            let is_of_unit =
                |digest: &Digest| unit.is_some_and(|unit| unit.files.values().any(|file| file == digest));
            let is_fine = match ours {
                Some(ours) => ours == theirs || is_of_unit(ours),
                // Where no such unit was built that is told already.
                None => unit.is_none() || !again.finals.contains_key(path) || restored.code != clean.code,
            };
            if !is_fine {
                self.finals.push(path.clone());
            }
        }
    }
}

/// Units that need one of `slots`, directly or not, each with the packages of the direct dependencies that are or need such.
/// What needs a unit that is not `passed` on does not count.
fn dependents<'b>(
    build: &'b Build,
    slots: impl Iterator<Item = &'b Slot>,
    is_passed: impl Fn(&BuiltUnit) -> bool,
) -> BTreeMap<&'b Slot, BTreeSet<String>> {
    let mut hashes: BTreeMap<u64, &str> = BTreeMap::new();
    let add = |slot: &'b Slot, hashes: &mut BTreeMap<u64, &'b str>| {
        let before = hashes.len();
        hashes.extend(build.units[slot].hashes.iter().map(|&hash| (hash, slot.package.as_str())));
        hashes.len() > before
    };
    for slot in slots {
        add(slot, &mut hashes);
    }
    let mut above: BTreeMap<&Slot, BTreeSet<String>> = BTreeMap::new();
    loop {
        let mut has_grown = false;
        for (slot, made) in build.units.iter().filter(|(_, made)| is_passed(made)) {
            let names = made.needs.iter().filter_map(|need| hashes.get(need));
            let names: BTreeSet<_> = names.map(|&name| name.to_owned()).collect();
            if !names.is_empty() {
                above.insert(slot, names);
                has_grown |= add(slot, &mut hashes);
            }
        }
        if !has_grown {
            return above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(package: &str) -> Slot {
        Slot {
            root: ".".into(),
            profile: "debug".into(),
            package: package.into(),
            hash: "0123456789abcdef".into(),
        }
    }

    /// Units by package, contents, own hash, and hashes that they need; the contents are at `debug/<package>` as well.
    fn build(code: u8, units: &[(&str, &str, u64, &[u64])]) -> Build {
        let mut build = Build { code, ..Build::default() };
        for &(package, contents, hash, needs) in units {
            let digest = Digest::of(contents.as_bytes());
            let made = BuiltUnit {
                is_done: true,
                files: [(format!("deps/{package}"), digest)].into(),
                hashes: [hash].into(),
                needs: needs.iter().copied().collect(),
                ..BuiltUnit::default()
            };
            build.units.insert(slot(package), made);
            build.finals.insert((".".into(), format!("debug/{package}")), digest);
        }
        build
    }

    const CLEAN: [(&str, &str, u64, &[u64]); 3] =
        [("app", "app", 3, &[2]), ("leaf", "leaf", 1, &[]), ("mid", "mid", 2, &[1])];

    fn clean() -> Build {
        build(0, &CLEAN)
    }

    /// The build with a stale `leaf`, and an `app` that has it in it.
    fn stale() -> Build {
        build(0, &[("app", "old app", 3, &[2]), ("leaf", "old leaf", 1, &[]), ("mid", "mid", 2, &[1])])
    }

    #[test]
    fn the_same_is_no_difference() {
        let found = compare(&clean(), &clean(), &clean());
        assert_eq!(found, Comparison { same: 3, ..Comparison::default() });
        assert!(!found.is_difference());
    }

    #[test]
    fn what_two_clean_builds_agree_upon_must_be_the_same_and_causes_come_first() {
        let found = compare(&stale(), &clean(), &clean());
        let told: Vec<_> =
            found.differing.iter().map(|one| (&*one.slot.package, one.follows.clone())).collect();
        assert_eq!(told, [("leaf", vec![]), ("app", vec!["mid".to_owned()])]);
        assert_eq!(found.differing[0].files, ["deps/leaf"]);
        assert!(found.is_difference() && found.finals.is_empty() && found.same == 1);
    }

    #[test]
    fn what_two_clean_builds_do_not_agree_upon_is_only_counted() {
        let again =
            build(0, &[("app", "3rd app", 3, &[2]), ("leaf", "3rd", 1, &[]), ("mid", "mid", 2, &[1])]);
        let found = compare(&stale(), &clean(), &again);
        assert!(!found.is_difference(), "{found:?}");
        assert_eq!(found.not_reproducible, [slot("app"), slot("leaf")]);
    }

    #[test]
    fn incremental_units_and_what_they_are_linked_into_tell_nothing() {
        let mut restored = stale();
        restored.units.get_mut(&slot("leaf")).unwrap().is_incremental = true;
        let found = compare(&restored, &clean(), &clean());
        let dependency = Incomparable::Dependency(vec!["mid".into()]);
        assert!(!found.is_difference(), "{found:?}");
        assert_eq!(
            found.not_comparable,
            [(slot("app"), dependency), (slot("leaf"), Incomparable::Incremental)]
        );
        // A build script's run is not linked with the script.
        restored.units.get_mut(&slot("app")).unwrap().is_run = true;
        assert_eq!(compare(&restored, &clean(), &clean()).differing[0].slot, slot("app"));
    }

    #[test]
    fn a_unit_that_was_compiled_elsewhere_tells_nothing() {
        let (mut restored, mut clean) = (stale(), clean());
        restored.units.get_mut(&slot("leaf")).unwrap().place = Some("/other".into());
        assert!(compare(&restored, &clean, &clean).is_difference(), "it is not known where");
        clean.units.get_mut(&slot("leaf")).unwrap().place = Some("/here".into());
        let found = compare(&restored, &clean, &clean);
        assert!(!found.is_difference(), "{found:?}");
        assert!(found.not_comparable.contains(&(slot("leaf"), Incomparable::Elsewhere("/other".into()))));
    }

    #[test]
    fn units_that_only_one_build_has_are_told_where_all_builds_came_to_their_end() {
        let with = |code, more: &[(&str, &str, u64, &[u64])]| build(code, &[&CLEAN[..], more].concat());
        let more: [(&str, &str, u64, &[u64]); 1] = [("more", "more", 9, &[])];
        assert_eq!(compare(&with(0, &more), &clean(), &clean()).only_restored, [slot("more")]);
        assert_eq!(compare(&clean(), &with(0, &more), &with(0, &more)).only_clean, [slot("more")]);
        assert!(!compare(&clean(), &with(0, &more), &clean()).is_difference(), "clean builds do not agree");
        let failed = build(101, &CLEAN);
        assert!(!compare(&failed, &with(101, &more), &with(101, &more)).is_difference());
    }

    #[test]
    fn exit_codes_differ_where_two_clean_builds_agree_on_theirs() {
        let with = |code| build(code, &CLEAN);
        assert!(compare(&with(101), &with(0), &with(0)).is_other_code);
        assert!(!compare(&with(101), &with(0), &with(101)).is_difference());
        assert!(!compare(&with(101), &with(101), &with(101)).is_difference());
    }

    #[test]
    fn a_final_artifact_is_its_units() {
        let mut restored = clean();
        let path = (".".to_owned(), "debug/app".to_owned());
        restored.finals.insert(path.clone(), Digest::of(b"left over"));
        assert_eq!(compare(&restored, &clean(), &clean()).finals, std::slice::from_ref(&path));
        restored.finals.remove(&path);
        assert_eq!(compare(&restored, &clean(), &clean()).finals, [path]);
    }
}
