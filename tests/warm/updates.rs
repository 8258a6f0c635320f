//! A repository in which a dependency or two are updated each few days: forty jobs, each from a fresh checkout and from what
//! the one before it saved.
//!
//! The workspace (`workspace/`) has names with hyphens, a renamed crate, a patched one, two versions of one at once, build
//! dependencies, scripts that compile C and generate files, and proc macros.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use test_support::{Job, files, store};

use crate::built::Built;
use crate::contents::Contents;
use crate::lock::Lock;
use crate::online::online_job;

const JOBS: usize = 40;

/// Of so many jobs one builds the tests as well, and what it saves is compared with what a clean build makes.
const UNTIL_TESTS: usize = 20;

/// Packages of the registry, with releases that fit any of the others'. In the committed lock file are the first ones.
const RELEASES: [(&str, [&str; 3]); 11] = [
    ("bitflags", ["2.6.0", "2.8.0", "2.9.1"]),
    ("bzip2-sys", ["0.1.11+1.0.8", "0.1.12+1.0.8", "0.1.13+1.0.8"]),
    ("cc", ["1.0.90", "1.0.98", "1.0.105"]),
    ("fastrand", ["2.0.2", "2.1.1", "2.3.0"]),
    ("indoc", ["2.0.3", "2.0.5", "2.0.6"]),
    ("itoa", ["1.0.9", "1.0.11", "1.0.14"]),
    ("lock_api", ["0.4.9", "0.4.10", "0.4.12"]),
    ("ryu", ["1.0.15", "1.0.18", "1.0.20"]),
    ("semver", ["1.0.20", "1.0.23", "1.0.26"]),
    ("smallvec", ["1.11.2", "1.13.2", "1.15.0"]),
    ("unicode-ident", ["1.0.11", "1.0.14", "1.0.18"]),
];

/// For each package, which of its releases.
type Chosen = [usize; RELEASES.len()];

#[test]
fn updates_compile_only_changes_and_save_what_a_clean_build_makes() {
    let mut repository = Repository::begin();
    let mut generated = String::new();
    for number in 1..=JOBS {
        let before = repository.lock();
        repository.update();
        let changed = repository.lock().changed_since(&before);

        assert_eq!(repository.start(), if number == 1 { "miss" } else { "partial" });
        let built = Built::by(&repository.job, "cargo build --offline");
        if number > 1 {
            let expected: BTreeSet<_> = changed.intersection(&built.packages).cloned().collect();
            assert_eq!(built.compiled, expected, "job {number}");
        }
        let has_tests = number % UNTIL_TESTS == 0;
        if has_tests {
            repository.build_tests();
        }
        let saved = repository.save();

        // It did not run where it did not have to.
        let is_same = std::mem::replace(&mut generated, saved.only("made_at.rs")) == generated;
        assert_ne!(is_same, built.compiled_names().contains("table-sys"), "job {number}");
        if !has_tests {
            assert_eq!(saved.units(), built.units.len(), "job {number}");
            continue;
        }
        let clean = repository.clean_build();
        let different: Vec<_> = saved.names.symmetric_difference(&clean.names).collect();
        assert!(different.is_empty(), "job {number}: {different:#?}");
        assert!(saved.bytes.abs_diff(clean.bytes) < clean.bytes / 50, "{} {}", saved.bytes, clean.bytes);
    }
    assert_eq!(repository.start(), "exact");
    assert_eq!(Built::by(&repository.job, "cargo build --offline").compiled, BTreeSet::new());
    assert_eq!(repository.build_tests().compiled, BTreeSet::new());
}

/// A repository, and the host of its jobs.
struct Repository {
    job: Job,
    chance: fastrand::Rng,
    releases: Chosen,
    /// All that were. What comes back would be an exact hit, and nothing to save.
    seen: HashSet<Chosen>,
}

impl Repository {
    /// With all releases in the cargo home: no job waits for the registry.
    fn begin() -> Self {
        let mut job = online_job();
        for number in 0..RELEASES[0].1.len() {
            download(&job, number);
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/warm/workspace");
        for place in ["repository", "work/checkout"] {
            files::copy(&workspace, &job.path(place));
        }
        job.sh("cd $HOME/../repository; cargo fetch --locked -q");
        job.move_to("work/checkout");
        let releases = Chosen::default();
        Self { job, chance: fastrand::Rng::with_seed(1), releases, seen: HashSet::from([releases]) }
    }

    fn lock(&self) -> Lock {
        Lock::read(&self.job.read("repository/Cargo.lock"))
    }

    /// Moves one or two packages to another release.
    fn update(&mut self) {
        let mut next = self.releases;
        while !self.seen.insert(next) {
            next = self.releases;
            let number = self.chance.usize(1..=2);
            for package in self.chance.choose_multiple(0..RELEASES.len(), number) {
                next[package] = self.chance.usize(..RELEASES[package].1.len());
            }
        }
        for ((name, releases), (from, to)) in RELEASES.iter().zip(self.releases.into_iter().zip(next)) {
            if from != to {
                let (from, to) = (releases[from], releases[to]);
                let update = format!("cargo update --offline -q -p {name}@{from} --precise {to}");
                self.job.sh(&format!("cd $HOME/../repository; {update}"));
            }
        }
        self.releases = next;
    }

    /// A checkout and a restore. Returns how well the cache hit.
    fn start(&self) -> String {
        self.job.wipe();
        self.job.remove("work/checkout");
        files::copy(&self.job.path("repository"), &self.job.path("work/checkout"));
        self.job.ok(&["restore", "--share", "off"]).outputs["target-hit"].clone()
    }

    /// Builds the tests, after the programs. Dependencies serve both.
    fn build_tests(&self) -> Built {
        let built = Built::by(&self.job, "cargo test --no-run --offline");
        let members = BTreeSet::from(["app-server", "market-core", "own-macro", "table-sys"]);
        assert!(built.compiled_names().is_subset(&members), "{:?}", built.compiled);
        built
    }

    fn save(&self) -> Contents {
        let said = self.job.ok(&["save"]);
        assert!(said.log.contains("target  saved"), "{}", said.log);
        let unpacked = self.job.path("unpacked");
        store::unpack(&self.job.path("root"), &self.job.newest_entry("target"), &unpacked).unwrap();
        Contents::of(unpacked)
    }

    fn clean_build(&self) -> Contents {
        self.job.remove("work/checkout/target");
        Built::by(&self.job, "cargo build --offline");
        self.build_tests();
        // What cargo lays out in each build is not saved.
        self.job.sh("find target/debug -maxdepth 1 -type f ! -name '.cargo*' -delete");
        Contents::of(self.job.path("work/checkout/target"))
    }
}

/// Downloads one release of each package.
fn download(job: &Job, number: usize) {
    let exactly = |(name, releases): &(&str, [&str; 3])| {
        // What follows the `+` is no part of a requirement.
        format!("{name} = \"={}\"\n", releases[number].split('+').next().unwrap())
    };
    let dependencies: String = RELEASES.iter().map(exactly).collect();
    let package = "[package]\nname = \"downloads\"\nedition = \"2024\"\n\n[dependencies]\n";
    job.write(&format!("downloads/{number}/Cargo.toml"), &format!("{package}{dependencies}"));
    job.write(&format!("downloads/{number}/src/lib.rs"), "");
    job.sh(&format!("cd $HOME/../downloads/{number}; cargo fetch -q"));
}
