//! What a unit made: the files that cargo reports of it, and what tells how they came to be.

use super::sweep::newest;
use super::units::{Unit, crate_of, hash_of};
use crate::tree::{Kind, NodeId, Tree};

/// What a unit made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Artifacts {
    /// Files that other units, or people, use: libraries, programs, what a build script put into its `OUT_DIR`.
    pub files: Vec<NodeId>,
    /// What a build script told cargo. Cargo itself rewrites the path of `OUT_DIR` in it.
    pub told: Option<NodeId>,
    /// The file that tells where the unit was made: a list of rustc's, or what cargo notes of a script's `OUT_DIR`.
    pub place: Option<NodeId>,
}

impl Unit {
    /// What it made.
    pub fn artifacts(&self, target: &Tree) -> Artifacts {
        if self.is_run(target) { self.artifacts_of_run(target) } else { self.artifacts_of_rustc(target) }
    }

    fn artifacts_of_run(&self, target: &Tree) -> Artifacts {
        let mut made = Artifacts::default();
        for &part in &self.parts {
            let out = target.child(part, b"out");
            made.files.extend(out.into_iter().flat_map(|out| target.leaves_below(out)));
            // The directory of its own is that of the layout since 1.100.
            for (directory, told) in [(Some(part), &b"output"[..]), (target.child(part, b"run"), b"stdout")] {
                let Some(directory) = directory else { continue };
                made.told = made.told.or(target.child(directory, told));
                made.place = made.place.or(target.child(directory, b"root-output"));
            }
        }
        made
    }

    fn artifacts_of_rustc(&self, target: &Tree) -> Artifacts {
        let fingerprint = self.fingerprints.first().map(|&id| target.node(id).parent);
        let is_made =
            |id: &NodeId| Some(target.node(*id).parent) != fingerprint && !target.name(*id).ends_with(b".d");
        let own = self.files(target).into_iter().chain(self.without_hash(target));
        Artifacts { files: own.filter(is_made).collect(), told: None, place: self.source_list(target) }
    }

    /// Libraries for other languages have no hash in their names.
    fn without_hash<'t>(&'t self, target: &'t Tree) -> impl Iterator<Item = NodeId> + 't {
        let is_its_own = |id: &NodeId| {
            let name = target.name(*id);
            let stem = name.split(|&byte| byte == b'.').next().unwrap_or_default();
            let stem = stem.strip_prefix(b"lib").unwrap_or(stem);
            let is_of_it = |&id: &NodeId| {
                let part = target.name(id);
                (part.starts_with(b"lib-") || part.starts_with(b"bin-")) && crate_of(part) == stem
            };
            hash_of(name).is_none()
                && matches!(target.node(*id).kind, Kind::File { .. })
                && self.fingerprints.iter().any(is_of_it)
        };
        let deps = target.child(self.profile, b"deps").into_iter();
        deps.flat_map(|deps| target.children(deps)).filter(is_its_own)
    }

    /// Whether rustc could reuse parts of an earlier compilation: then what it made depends on that as well.
    pub fn is_incremental(&self, target: &Tree) -> bool {
        let directory = target.child(self.profile, b"incremental").filter(|_| !self.is_run(target));
        let compiled = self.compiled(target);
        directory.into_iter().flat_map(|directory| target.children(directory)).any(|id| {
            let name = target.name(id);
            let end = name.iter().rposition(|&byte| byte == b'-').unwrap_or(name.len());
            // One that a unit of the same name left at another time is not its own.
            let is_of_time = || compiled.as_ref().is_none_or(|time| time.contains(&newest(target, id)));
            self.fingerprints.iter().any(|&part| crate_of(target.name(part)) == name[..end]) && is_of_time()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::units;
    use super::*;
    use crate::sys::{Dir, Interrupt, Time, file};
    use crate::tree::{Selection, walk};

    const RUSTC: &str = "0123456789abcdef";
    const SCRIPT: &str = "fedcba9876543210";

    /// The tree of these files, all of one time.
    fn tree(files: &[String]) -> Tree {
        let place = tempfile::tempdir().unwrap();
        for path in files {
            let path = place.path().join(path);
            let directory = path.parent().unwrap();
            file::make_dirs(directory).unwrap();
            file::write_new(&path, b"x").unwrap();
            let name = path.file_name().unwrap().as_encoded_bytes();
            Dir::open(directory).unwrap().set_mtime(name, Time { seconds: 9, nanoseconds: 0 }).unwrap();
        }
        walk(&Dir::open(place.path()).unwrap(), &Selection::all(), &Interrupt::default()).unwrap().tree
    }

    /// The paths of all that the only unit whose hash is `hash` made, of what its script told, and of what tells where.
    fn made(tree: &Tree, hash: &str) -> (Vec<String>, Option<String>, Option<String>) {
        let path = |id| String::from_utf8(tree.path_below(0, id)).unwrap();
        let unit = units(tree).into_iter().find(|unit| unit.names(tree).1 == hash.as_bytes()).unwrap();
        let Artifacts { files, told, place } = unit.artifacts(tree);
        let mut files: Vec<_> = files.into_iter().map(path).collect();
        files.sort();
        (files, told.map(path), place.map(path))
    }

    #[test]
    fn what_is_made_is_told_from_what_is_noted() {
        let tree = tree(&[
            format!("debug/.fingerprint/a-b-{RUSTC}/lib-a-b"),
            format!("debug/.fingerprint/a-b-{RUSTC}/lib-a-b.json"),
            format!("debug/.fingerprint/a-b-{RUSTC}/output-lib-a-b"),
            format!("debug/deps/liba_b-{RUSTC}.rlib"),
            format!("debug/deps/a_b-{RUSTC}.d"),
            "debug/deps/liba_b.so".into(),
            "debug/deps/a_b.d".into(),
            "debug/deps/libother.so".into(),
            format!("debug/.fingerprint/a-b-{SCRIPT}/run-build-script-build-script-build"),
            format!("debug/build/a-b-{SCRIPT}/output"),
            format!("debug/build/a-b-{SCRIPT}/root-output"),
            format!("debug/build/a-b-{SCRIPT}/stderr"),
            format!("debug/build/a-b-{SCRIPT}/out/deep/a.d"),
        ]);
        let (files, told, place) = made(&tree, RUSTC);
        assert_eq!(files, [format!("debug/deps/liba_b-{RUSTC}.rlib"), "debug/deps/liba_b.so".into()]);
        assert_eq!((told, place), (None, Some(format!("debug/deps/a_b-{RUSTC}.d"))));
        let (files, told, place) = made(&tree, SCRIPT);
        assert_eq!(files, [format!("debug/build/a-b-{SCRIPT}/out/deep/a.d")]);
        assert_eq!(told, Some(format!("debug/build/a-b-{SCRIPT}/output")));
        assert_eq!(place, Some(format!("debug/build/a-b-{SCRIPT}/root-output")));
    }

    #[test]
    fn the_newer_layout_is_known_as_well() {
        let tree = tree(&[
            format!("debug/build/a/{RUSTC}/fingerprint/lib-a"),
            format!("debug/build/a/{RUSTC}/out/liba-{RUSTC}.rlib"),
            format!("debug/build/a/{RUSTC}/out/a-{RUSTC}.d"),
            format!("debug/build/a/{SCRIPT}/fingerprint/run-build-script-build-script-build"),
            format!("debug/build/a/{SCRIPT}/out/a"),
            format!("debug/build/a/{SCRIPT}/run/stdout"),
            format!("debug/build/a/{SCRIPT}/run/root-output"),
        ]);
        let (files, told, place) = made(&tree, RUSTC);
        assert_eq!(files, [format!("debug/build/a/{RUSTC}/out/liba-{RUSTC}.rlib")]);
        assert_eq!((told, place), (None, Some(format!("debug/build/a/{RUSTC}/out/a-{RUSTC}.d"))));
        let (files, told, place) = made(&tree, SCRIPT);
        assert_eq!(files, [format!("debug/build/a/{SCRIPT}/out/a")]);
        assert_eq!(told, Some(format!("debug/build/a/{SCRIPT}/run/stdout")));
        assert_eq!(place, Some(format!("debug/build/a/{SCRIPT}/run/root-output")));
    }

    #[test]
    fn a_crate_is_known_by_its_units_fingerprint() {
        for (part, name) in [
            ("lib-a-b", "a_b"),
            ("test-lib-a", "a"),
            ("test-bin-a", "a"),
            ("test-integration-test-lib-a", "lib_a"),
            ("build-script-build-script-build", "build_script_build"),
            ("other", "other"),
        ] {
            assert_eq!(crate_of(part.as_bytes()), name.as_bytes(), "{part}");
        }
    }

    #[test]
    fn a_unit_is_incremental_where_its_crate_has_a_directory_of_that_time() {
        let with = |more: &[&str]| {
            let own = [format!("debug/.fingerprint/a-b-{RUSTC}/lib-a-b")];
            let tree = tree(&[&own[..], &more.iter().map(ToString::to_string).collect::<Vec<_>>()].concat());
            units(&tree)[0].is_incremental(&tree)
        };
        assert!(!with(&[]) && !with(&["debug/incremental/b-1/x"]) && with(&["debug/incremental/a_b-1/x"]));
        // The directory is of now, and the unit was compiled long ago.
        let called = format!("debug/.fingerprint/a-b-{RUSTC}/invoked.timestamp");
        assert!(!with(&["debug/incremental/a_b-1/x", &called]));
    }
}
