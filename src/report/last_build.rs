//! What `explain --last-build` tells.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use super::figures::count;
use super::key_id::shown_key;
use crate::cargo::{Cause, Changed, Difference};
use crate::store::Layer;

/// How many files are named that made a unit stale.
const NAMED: usize = 3;

/// How cargo is asked itself. The module's name has changed in 1.99.
const ASK_CARGO: &str = "hint: `cargo build -v`, or CARGO_LOG=cargo::core::compiler::fingerprint=info,cargo::compiler::fingerprint=info";

/// A runner's workspace can stay from one job to the next.
const BUILT_SOME_TIME: &str = "what is there was built in this job or before";

/// What became of the target directories that a job restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastBuild {
    /// There was no restore in this job, or it left nothing for later.
    NoRestore,
    /// The save was there first.
    Saved,
    /// There was a restore, but of other layers.
    NoTarget,
    /// Each of them.
    Directories(Vec<BuiltDirectory>),
}

/// A target directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltDirectory {
    /// Its name in the entry.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What was built in it.
    pub built: Built,
}

/// What was built in a target directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// That cannot be told: nothing was restored.
    Miss {
        /// What was looked for.
        key: String,
    },
    /// That cannot be told: the entry has nothing of this directory.
    NotInEntry,
    /// That cannot be told any more.
    EntryGone {
        /// What became of the entry.
        why: String,
    },
    /// Nothing: there is no such directory.
    NoDirectory,
    /// This.
    Compared {
        /// The entry that was restored, if any.
        entry: Option<RestoredEntry>,
        /// How many units came from the unit pool.
        pooled: usize,
        /// How many units there are.
        total: usize,
        /// Those that are not what was restored.
        compiled: Vec<CompiledUnit>,
    },
}

/// The entry that a target directory began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredEntry {
    /// Its key.
    pub key: String,
    /// When it was made.
    pub created: Timestamp,
    /// Of which ref it is.
    pub reference: String,
}

/// A unit that was compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledUnit {
    /// The package's name.
    pub package: String,
    /// Its version, for a download.
    pub version: Option<String>,
    /// What of the package, as cargo calls it, such as `lib-serde`.
    pub part: String,
    /// The directory of its profile.
    pub profile: String,
    /// Why.
    pub causes: Vec<Cause>,
}

/// The text for a terminal.
pub fn last_build_text(told: &LastBuild) -> String {
    let directories = match told {
        LastBuild::NoRestore => {
            return "no restore of this job left word of what it brought; hint: `explain --last-build` belongs into the job, \
                    after the build and before the save, and needs RUNNER_TEMP\n"
                .to_owned();
        }
        LastBuild::Saved => {
            return "this job's work was saved already; hint: ask before the save\n".to_owned();
        }
        LastBuild::NoTarget => {
            return "the target directory was not among what this job restored\n".to_owned();
        }
        LastBuild::Directories(directories) => directories,
    };
    let mut text = String::new();
    for directory in directories {
        let name = match directory.name.trim_end_matches(" (build)") {
            "." => "target".to_owned(),
            name => format!("target of {name}"),
        };
        let _ = writeln!(text, "{name}: {}", headline(directory));
        if let Built::Compared { compiled, .. } = &directory.built {
            text.push_str(&groups(compiled));
        }
    }
    text
}

fn headline(directory: &BuiltDirectory) -> String {
    match &directory.built {
        Built::Miss { key } => {
            format!("nothing was restored (key {}); {BUILT_SOME_TIME}", shown_key(Layer::Target, key))
        }
        Built::NotInEntry => format!("the entry has nothing of this directory; {BUILT_SOME_TIME}"),
        Built::EntryGone { why } => {
            format!("it is not known what was compiled, since the entry cannot be read: {why}")
        }
        Built::NoDirectory => format!("there is no directory {}", directory.path.display()),
        Built::Compared { entry, pooled, total, compiled } => {
            let restored = restored(entry.as_ref(), *pooled);
            let total = count(*total as u64);
            match compiled.len() {
                0 => format!(
                    "nothing was compiled after the restore of {restored}: all units came with it ({total})"
                ),
                1 => format!("1 of {total} units was compiled after the restore of {restored}"),
                more => {
                    let more = count(more as u64);
                    format!("{more} of {total} units were compiled after the restore of {restored}")
                }
            }
        }
    }
}

/// What was restored, in words.
pub(super) fn restored(entry: Option<&RestoredEntry>, pooled: usize) -> String {
    let entry = entry.map(|RestoredEntry { key, created, reference }| {
        let (key, created) = (shown_key(Layer::Target, key), created.strftime("%Y-%m-%d %H:%M:%S"));
        format!("{key} (entry of {created}Z, {reference})")
    });
    let pooled = match pooled {
        0 => None,
        1 => Some("1 unit of the pool".to_owned()),
        more => Some(format!("{} units of the pool", count(more as u64))),
    };
    entry.into_iter().chain(pooled).collect::<Vec<_>>().join(" and ")
}

/// Units by what they have in common, those that follow from others last.
fn groups(compiled: &[CompiledUnit]) -> String {
    let mut groups: BTreeMap<(bool, String), BTreeMap<String, usize>> = BTreeMap::new();
    for unit in compiled {
        let follows = unit.causes.iter().all(|cause| matches!(cause, Cause::Dependencies(_)));
        let titles: Vec<_> = unit.causes.iter().map(title).collect();
        let details: Vec<_> = unit.causes.iter().filter_map(detail).collect();
        let mut line = name(unit);
        if !details.is_empty() {
            let _ = write!(line, ": {}", details.join("; "));
        }
        *groups.entry((follows, titles.join("; "))).or_default().entry(line).or_default() += 1;
    }
    let mut text = String::new();
    for ((_, title), lines) in groups {
        let _ = writeln!(text, "  {title}");
        for (line, times) in lines {
            // A check and a build of one library, for instance.
            let times = if times == 1 { String::new() } else { format!(" ×{times}") };
            let _ = writeln!(text, "    {line}{times}");
        }
    }
    text
}

/// Such as `serde 1.0.219 (lib)`, `app (test works, release)`.
fn name(unit: &CompiledUnit) -> String {
    let CompiledUnit { package, version, part, profile, .. } = unit;
    unit_name(package, version.as_deref(), part, profile)
}

/// The same, by its parts.
pub(super) fn unit_name(package: &str, version: Option<&str>, part: &str, profile: &str) -> String {
    let version = version.map_or_else(String::new, |version| format!(" {version}"));
    let profile = if profile == "debug" { String::new() } else { format!(", {profile}") };
    format!("{package}{version} ({}{profile})", part_name(part))
}

/// What is built of a package, by the beginning of cargo's name for it. Those that have a name of their own keep it.
fn part_name(part: &str) -> String {
    let known = [
        ("run-build-script-", "run of the build script", false),
        ("build-script-", "build script", false),
        ("doc-lib-", "documentation", false),
        ("doc-bin-", "documentation of bin", true),
        ("test-lib-", "tests in the lib", false),
        ("test-bin-", "tests in bin", true),
        ("test-integration-test-", "test", true),
        ("test-example-", "tests in example", true),
        ("test-bench-", "bench", true),
        ("lib-", "lib", false),
        ("bin-", "bin", true),
        ("example-", "example", true),
        ("bench-", "bench", true),
    ];
    let found = known
        .iter()
        .find_map(|(prefix, words, is_named)| Some((part.strip_prefix(prefix)?, words, is_named)));
    match found {
        Some((name, words, true)) => format!("{words} {name}"),
        Some((_, words, false)) => (*words).to_owned(),
        None => part.to_owned(),
    }
}

/// What units of one cause have in common.
fn title(cause: &Cause) -> String {
    match cause {
        Cause::Input(difference) => title_of_input(difference).to_owned(),
        Cause::Version { .. } => "another version".to_owned(),
        Cause::SomeVersion => {
            "another version of its own or of a dependency, or another wrapper of the compiler, such as clippy".to_owned()
        }
        Cause::Home { was, is } => {
            let (was, is) = (was.display(), is.display());
            format!("CARGO_HOME was {was} and is {is}: cargo knows dependencies by the paths of their sources")
        }
        Cause::Moved { was, is } => {
            format!("the sources were in {} and are in {}", was.display(), is.display())
        }
        Cause::Sources(_) => "a source is newer than what was built from it, or gone".to_owned(),
        Cause::Variables(_) => "a variable that the code reads has another value".to_owned(),
        Cause::Dependencies(_) => "a dependency was compiled, or is another one".to_owned(),
        Cause::New(profiles) if profiles.is_empty() => "not in what was restored".to_owned(),
        Cause::New(profiles) => format!("not in what was restored, which has it for {}", profiles.join(", ")),
        Cause::Unknown => format!("stale for cargo, although nothing that is noted differs; {ASK_CARGO}"),
        Cause::Rejected => format!("of the unit pool, and stale for cargo; {ASK_CARGO}"),
        Cause::LeftOut(why) => format!("left out of what was restored: {why}"),
        Cause::Unreadable(_) => "what cargo noted cannot be read".to_owned(),
    }
}

pub(super) fn title_of_input(difference: &Difference) -> &'static str {
    match difference {
        Difference::Compiler => "another compiler",
        Difference::Features { .. } => "other features",
        Difference::DeclaredFeatures => "its manifest declares other features",
        Difference::Target => "its manifest says other things of the target, such as the edition",
        Difference::Path => "another path of its sources",
        Difference::Profile => {
            "another profile, other `[lints]`, or another kind of build (check, build, test)"
        }
        Difference::Flags => {
            "other flags of the compiler (RUSTFLAGS, or `rustflags` in cargo's configuration)"
        }
        Difference::Configuration => "another linker, or other configuration of cargo",
        Difference::Triple => "another target triple",
        Difference::Variables(_) => "a variable that the build script names has another value",
        Difference::Watched => "the build script names other files or variables",
        Difference::Package { .. } => {
            "a file of the package is newer, all of which cargo watches for this unit"
        }
    }
}

/// What is a unit's own in a cause.
fn detail(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Version { was } => Some(format!("was {was}")),
        Cause::Input(Difference::Features { with, without }) => {
            let parts =
                [("with", with), ("without", without)].into_iter().filter(|(_, names)| !names.is_empty());
            let parts: Vec<_> = parts.map(|(word, names)| format!("{word} {}", names.join(", "))).collect();
            Some(parts.join(", ")).filter(|text| !text.is_empty())
        }
        Cause::Input(Difference::Package { newest }) => newest.clone(),
        Cause::Input(Difference::Variables(names)) | Cause::Variables(names) => Some(names.join(", ")),
        Cause::Sources(files) => Some(changed_files(files)),
        Cause::Dependencies(names) => {
            // Cargo calls the compiled script and its run alike.
            let name = |name: &String| {
                if name.starts_with("build_script_") { "its build script".to_owned() } else { name.clone() }
            };
            Some(names.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        Cause::Unreadable(what) => Some(what.clone()),
        Cause::Input(_)
        | Cause::SomeVersion
        | Cause::Home { .. }
        | Cause::Moved { .. }
        | Cause::New(_)
        | Cause::Unknown
        | Cause::Rejected
        | Cause::LeftOut(_) => None,
    }
}

pub(super) fn changed_files(files: &[Changed]) -> String {
    let one = |file: &Changed| {
        let path = file.path.display();
        if file.is_gone { format!("{path} (gone)") } else { path.to_string() }
    };
    let mut text = files.iter().take(NAMED).map(one).collect::<Vec<_>>().join(", ");
    if files.len() > NAMED {
        let _ = write!(text, " and {} more", files.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(package: &str, part: &str, causes: Vec<Cause>) -> CompiledUnit {
        let version = package.split_once(' ').map(|(_, version)| version.to_owned());
        let package = package.split(' ').next().unwrap_or_default().to_owned();
        CompiledUnit { package, version, part: part.into(), profile: "debug".into(), causes }
    }

    fn of(compiled: Vec<CompiledUnit>) -> String {
        let entry = RestoredEntry {
            key: "target-k".into(),
            created: Timestamp::UNIX_EPOCH,
            reference: "refs/heads/main".into(),
        };
        after(Some(entry), 0, compiled)
    }

    fn after(entry: Option<RestoredEntry>, pooled: usize, compiled: Vec<CompiledUnit>) -> String {
        let built = Built::Compared { entry, pooled, total: 1212, compiled };
        last_build_text(&LastBuild::Directories(vec![BuiltDirectory {
            name: ".".into(),
            path: "/w/target".into(),
            built,
        }]))
    }

    #[test]
    fn units_are_told_by_cause_and_those_that_follow_from_others_last() {
        let home = || vec![Cause::Home { was: "/a".into(), is: "/b".into() }];
        let files = ["a", "b", "c", "d"].map(|path| Changed { path: path.into(), is_gone: path == "a" });
        let features = Difference::Features { with: vec!["x".into()], without: vec!["y".into(), "z".into()] };
        let text = of(vec![
            unit(
                "app",
                "bin-app",
                vec![Cause::Dependencies(vec!["build_script_build".into(), "serde".into()])],
            ),
            unit("serde 1.0.219", "lib-serde", home()),
            unit("serde 1.0.219", "lib-serde", home()),
            unit("tool", "test-lib-tool", vec![Cause::Sources(files.into())]),
            CompiledUnit {
                profile: "release".into(),
                ..unit(
                    "tool",
                    "test-integration-test-works",
                    vec![Cause::Input(features), Cause::Input(Difference::Flags)],
                )
            },
        ]);
        assert_eq!(
            text,
            "target: 5 of 1,212 units were compiled after the restore of target-k (entry of 1970-01-01 00:00:00Z, refs/heads/main)\n  \
             CARGO_HOME was /a and is /b: cargo knows dependencies by the paths of their sources\n    \
             serde 1.0.219 (lib) ×2\n  \
             a source is newer than what was built from it, or gone\n    \
             tool (tests in the lib): a (gone), b, c and 1 more\n  \
             other features; other flags of the compiler (RUSTFLAGS, or `rustflags` in cargo's configuration)\n    \
             tool (test works, release): with x, without y, z\n  \
             a dependency was compiled, or is another one\n    \
             app (bin app): its build script, serde\n"
        );
        assert!(of(vec![unit("a", "lib-a", home())]).starts_with("target: 1 of 1,212 units was compiled"));
        assert!(
            of(Vec::new())
                .starts_with("target: nothing was compiled after the restore of target-k (entry of ")
        );
        assert_eq!(
            after(None, 1212, Vec::new()),
            "target: nothing was compiled after the restore of 1,212 units of the pool: all units came with it (1,212)\n"
        );
    }

    #[test]
    fn that_nothing_is_known_is_told_with_the_reason() {
        let directory = |built| {
            let directory = BuiltDirectory { name: "../b".into(), path: "/w/b/target".into(), built };
            last_build_text(&LastBuild::Directories(vec![directory]))
        };
        for (text, part) in [
            (last_build_text(&LastBuild::NoRestore), "no restore of this job"),
            (last_build_text(&LastBuild::Saved), "saved already"),
            (last_build_text(&LastBuild::NoTarget), "not among what this job restored"),
            (
                directory(Built::Miss { key: "k".into() }),
                "target of ../b: nothing was restored (key k); what is there was built in this job or before",
            ),
            (directory(Built::NotInEntry), "the entry has nothing of this directory"),
            (directory(Built::EntryGone { why: "x".into() }), "cannot be read: x"),
            (directory(Built::NoDirectory), "there is no directory /w/b/target"),
        ] {
            assert!(text.contains(part) && text.ends_with('\n') && text.lines().count() == 1, "{text}");
        }
    }
}
