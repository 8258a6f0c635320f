//! Files of a package from which it may have been compiled although cargo does not watch them: a procedural macro reads what
//! it wants, and stable Rust gives it no way to tell.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cause::Evidence;
use super::dep_info::Base;
use crate::sys::file::normal;

/// Folders in which cargo finds targets by itself, each with the setting by which it does not.
const FOUND_IN: [(&str, &str); 4] = [
    ("src/bin", "autobins"),
    ("tests", "autotests"),
    ("benches", "autobenches"),
    ("examples", "autoexamples"),
];

/// What begins the name of what is built from the last three of them, and from the tests within a library or a program.
const OF_TESTS: [&[u8]; 3] = [b"test-", b"bench-", b"example-"];

/// A package, as its manifest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The folders of [`FOUND_IN`] that count.
    found_in: Vec<&'static str>,
    /// Whether all its files count where cargo goes by its newest file: it leaves out what is not to be published.
    is_whole: bool,
}

impl Package {
    /// Reads a manifest. `None` for one that is of no package, or damaged.
    pub fn parse(manifest: &[u8]) -> Option<Self> {
        let manifest: toml::Table = std::str::from_utf8(manifest).ok()?.parse().ok()?;
        let package = manifest.get("package")?;
        let is_found = |setting: &str| package.get(setting).and_then(toml::Value::as_bool) != Some(false);
        let found_in = FOUND_IN.into_iter().filter(|(_, setting)| is_found(setting));
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            found_in: found_in.map(|(folder, _)| folder).collect(),
            is_whole: package.get("include").or(package.get("exclude")).is_none(),
        })
    }

    /// Whether the file at `path`, relative to the package, may be read by a macro, unless it is known not to be.
    pub fn may_read(&self, path: &Path) -> bool {
        let is_at_root = path.components().count() == 1;
        let is_like = |beginning: &str| path.to_str().is_some_and(|path| path.starts_with(beginning));
        let is_manifest = [Path::new("Cargo.toml"), Path::new("Cargo.lock")].contains(&path);
        let is_page = is_at_root && path.extension().is_some_and(|extension| extension == "md");
        !(is_manifest || is_page || is_like(".git") || self.is_target(path))
    }

    /// Whether cargo takes the file for the first source of a target, without being told so.
    fn is_target(&self, path: &Path) -> bool {
        let rest = self.found_in.iter().find_map(|folder| path.strip_prefix(folder).ok());
        let is_program = path == "src/main.rs" && self.found_in.contains(&"src/bin");
        is_program
            || rest.is_some_and(|rest| match rest.components().count() {
                1 => rest.extension().is_some_and(|extension| extension == "rs"),
                2 => rest.ends_with("main.rs"),
                _ => false,
            })
    }
}

/// What cargo watches of a package, as its units tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Files in its lists.
    files: BTreeSet<PathBuf>,
    /// Files and folders that its build script names.
    named: Vec<PathBuf>,
    /// Whether all its files count, by the time of the newest.
    has_all: bool,
    /// Whether anything was built from its tests, benchmarks or examples.
    has_tests: bool,
}

impl Watch {
    /// Adds what was built as `part` of `package`, which lies in `folder`. `None` for evidence that cannot be read: then
    /// cargo is taken to watch nothing.
    pub fn add(&mut self, folder: &Path, package: &Package, part: &[u8], evidence: Option<&Evidence>) {
        self.has_tests |= OF_TESTS.iter().any(|beginning| part.starts_with(beginning));
        let Some(Evidence { fingerprint, info, .. }) = evidence else { return };
        let files = info.iter().flat_map(|info| &info.files);
        let own = files.filter(|(base, path)| *base == Base::Package && path.is_relative());
        self.files.extend(own.map(|(_, path)| normal(&folder.join(path))));
        if let Some(watched) = fingerprint.watched() {
            self.named.extend(watched.paths().map(|path| normal(&folder.join(path))));
        }
        // Documentation is known by the newest file as well, but that has no code compiled.
        self.has_all |= part.starts_with(b"run-") && package.is_whole && fingerprint.is_of_whole_package();
    }

    /// Whether a change of the file at `path`, in the package in `folder`, may have been for a macro alone. A file that is
    /// gone (`is_there`) is the newest no more, which cargo does not see.
    pub fn lacks(&self, folder: &Path, path: &Path, is_there: bool) -> bool {
        let is_of_tests = || FOUND_IN[1..].iter().any(|(tests, _)| path.starts_with(folder.join(tests)));
        let is_watched = self.files.contains(path)
            || self.named.iter().any(|named| path.starts_with(named))
            || (self.has_all && is_there);
        !is_watched && (self.has_tests || !is_of_tests())
    }
}

#[cfg(test)]
mod tests {
    use super::super::dep_info::DepInfo;
    use super::super::fingerprint::Fingerprint;
    use super::*;

    fn package(more: &str) -> Package {
        Package::parse(format!("[package]\nname = 'a'\n{more}").as_bytes()).unwrap()
    }

    fn evidence(files: &[(Base, &str)], local: &str) -> Evidence {
        let mut info = DepInfo::default();
        info.files.extend(files.iter().map(|(base, path)| (*base, PathBuf::from(path))));
        let fingerprint = Fingerprint::parse(format!("{{\"local\":[{local}]}}").as_bytes()).unwrap();
        Evidence { fingerprint, info: Some(info), sources: Vec::new() }
    }

    #[test]
    fn manifests_of_no_package_are_none() {
        for manifest in ["[workspace]", "[package]\nversion = '1.0.0'", "[package]\nname = {{name}}", "\0"] {
            assert_eq!(Package::parse(manifest.as_bytes()), None, "{manifest}");
        }
        assert_eq!(package("").name, "a");
    }

    #[test]
    fn a_macro_may_read_all_but_what_cargo_or_only_people_look_at() {
        for path in [
            "Cargo.toml",
            "Cargo.lock",
            "README.md",
            ".gitignore",
            ".github/workflows/ci.yml",
            "src/main.rs",
            "src/bin/x.rs",
            "tests/x.rs",
            "benches/x/main.rs",
            "examples/x.rs",
        ] {
            assert!(!package("").may_read(Path::new(path)), "{path}");
        }
        for path in [
            "templates/a",
            "templates/.gitkeep",
            "posts/a.md",
            "src/x.rs",
            "src/bin/x/y.rs",
            "tests/x/y.rs",
            "tests/x/y/main.rs",
            "tests/x.txt",
            "templates/Cargo.toml",
        ] {
            assert!(package("").may_read(Path::new(path)), "{path}");
        }
        let explicit = package("autotests = false\nautobins = true");
        assert!(explicit.may_read(Path::new("tests/x.rs")) && !explicit.may_read(Path::new("src/bin/x.rs")));
    }

    #[test]
    fn cargo_watches_what_its_lists_and_build_scripts_name() {
        let folder = Path::new("/w/a");
        let named = r#"{"RerunIfChanged":{"output":"o","paths":["data","one.txt","../shared"]}}"#;
        let files = [
            (Base::Package, "src/lib.rs"),
            (Base::Package, "src/../t/a.txt"),
            (Base::Package, "src/../../b.txt"),
            (Base::Target, "t/generated.rs"),
        ];
        let mut watch = Watch::default();
        watch.add(folder, &package(""), b"lib-a", Some(&evidence(&files, "")));
        watch.add(folder, &package(""), b"run-build-script-build-script-build", Some(&evidence(&[], named)));
        let lacks = |path: &str| watch.lacks(folder, Path::new(path), true);
        for path in ["/w/a/src/lib.rs", "/w/a/t/a.txt", "/w/a/data/deep/x", "/w/a/one.txt", "/w/shared/x"] {
            assert!(!lacks(path), "{path}");
        }
        for path in ["/w/a/b.txt", "/w/a/t/generated.rs", "/w/a/data.txt", "/w/a/src/other.rs"] {
            assert!(lacks(path), "{path}");
        }
        let mut unreadable = Watch::default();
        unreadable.add(folder, &package(""), b"lib-a", None);
        assert!(unreadable.lacks(folder, Path::new("/w/a/src/lib.rs"), true));
    }

    #[test]
    fn a_build_script_that_names_nothing_watches_what_is_there_of_a_package_that_leaves_nothing_out() {
        let newest = evidence(&[], r#"{"Precalculated":"1.0s (a.txt)"}"#);
        let (folder, path) = (Path::new("/w/a"), Path::new("/w/a/b.txt"));
        for (part, more, lacks) in [
            (&b"run-build-script-build-script-build"[..], "", [false, true]),
            (b"run-build-script-build-script-build", "exclude = ['b.txt']", [true, true]),
            (b"run-build-script-build-script-build", "include = ['src']", [true, true]),
            (b"doc-lib-a", "", [true, true]),
        ] {
            let mut watch = Watch::default();
            watch.add(folder, &package(more), part, Some(&newest));
            assert_eq!([true, false].map(|is_there| watch.lacks(folder, path, is_there)), lacks, "{more}");
        }
    }

    #[test]
    fn files_of_tests_matter_where_tests_are_built() {
        let folder = Path::new("/w/a");
        for (part, lacks) in [("lib-a", false), ("test-lib-a", true), ("bench-x", true), ("example-x", true)]
        {
            let mut watch = Watch::default();
            watch.add(folder, &package(""), part.as_bytes(), None);
            for path in ["/w/a/tests/x.txt", "/w/a/benches/x/y.rs", "/w/a/examples/x.txt"] {
                assert_eq!(watch.lacks(folder, Path::new(path), true), lacks, "{part}: {path}");
            }
            assert!(watch.lacks(folder, Path::new("/w/a/x.txt"), true));
        }
    }
}
