//! What `explain --last-build` tells.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figures::count;
use super::why::why_left_out;
use crate::cargo::{Cause, Changed, Difference};
use crate::outcome::{Built, BuiltDirectory, CompiledUnit, LastBuild, RestoredEntry};
use crate::store::{Layer, shown_key};

/// How many files are named that made a unit stale.
const NAMED: usize = 3;

/// How cargo is asked itself. The module's name has changed in 1.99.
const ASK_CARGO: &str = "hint: `cargo build -v`, or CARGO_LOG=cargo::core::compiler::fingerprint=info,cargo::compiler::fingerprint=info";

/// A runner's workspace can stay from one job to the next.
const BUILT_SOME_TIME: &str = "its units are from this job or earlier";

/// The text for a terminal.
pub(super) fn last_build_text(told: &LastBuild) -> String {
    let directories = match told {
        LastBuild::NoRestore => {
            return "no restore in this job; hint: run `explain --last-build` in the job, after the build \
                    and before the save, with RUNNER_TEMP set\n"
                .to_owned();
        }
        LastBuild::Saved => {
            return "this job was already saved; hint: run it before the save\n".to_owned();
        }
        LastBuild::NoTarget => {
            return "this job restored no target directory\n".to_owned();
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
            format!("nothing restored (key {}); {BUILT_SOME_TIME}", shown_key(Layer::Target, key))
        }
        Built::NotInEntry => format!("the entry does not contain this directory; {BUILT_SOME_TIME}"),
        Built::EntryGone { why } => {
            format!("cannot tell what was compiled: cannot read the entry: {why}")
        }
        Built::NoDirectory => format!("no directory {}", directory.path.display()),
        Built::Compared { entry, pooled, total, compiled } => {
            let restored = restored(entry.as_ref(), *pooled);
            let total = count(*total as u64);
            match compiled.len() {
                0 => format!("nothing compiled after restoring {restored}: all {total} units reused"),
                1 => format!("1 of {total} units compiled after restoring {restored}"),
                more => {
                    let more = count(more as u64);
                    format!("{more} of {total} units compiled after restoring {restored}")
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
        1 => Some("1 unit from the pool".to_owned()),
        more => Some(format!("{} units from the pool", count(more as u64))),
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
        ("run-build-script-", "build script run", false),
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
        Cause::Version { .. } => "other version".to_owned(),
        Cause::SomeVersion => {
            "other version of it or a dependency, or other compiler wrapper, such as clippy".to_owned()
        }
        Cause::Home { was, is } => {
            let (was, is) = (was.display(), is.display());
            format!("CARGO_HOME changed: {was} → {is}; cargo identifies dependencies by source path")
        }
        Cause::Moved { was, is } => {
            format!("sources moved: {} → {}", was.display(), is.display())
        }
        Cause::Sources(_) => "source newer than its unit, or missing".to_owned(),
        Cause::Variables(_) => "variable read by the code changed".to_owned(),
        Cause::Dependencies(_) => "dependency compiled or changed".to_owned(),
        Cause::New(profiles) if profiles.is_empty() => "not restored".to_owned(),
        Cause::New(profiles) => format!("not restored; restored only for {}", profiles.join(", ")),
        Cause::Unknown => format!("stale for cargo, but no recorded input differs; {ASK_CARGO}"),
        Cause::Rejected => format!("from the unit pool, but stale for cargo; {ASK_CARGO}"),
        Cause::LeftOut { why, what } => format!("left out of the restore: {} ({what})", why_left_out(*why)),
        Cause::Unreadable(_) => "cannot read cargo's fingerprint".to_owned(),
    }
}

pub(super) fn title_of_input(difference: &Difference) -> &'static str {
    match difference {
        Difference::Compiler => "other compiler",
        Difference::Features { .. } => "other features",
        Difference::DeclaredFeatures => "other features declared in its manifest",
        Difference::Target => "other target settings in its manifest, such as the edition",
        Difference::Path => "other source path",
        Difference::Profile => "other profile, `[lints]` or kind of build (check, build, test)",
        Difference::Flags => "other compiler flags (RUSTFLAGS, or `rustflags` in cargo's configuration)",
        Difference::Configuration => "other linker or cargo configuration",
        Difference::Triple => "other target triple",
        Difference::Variables(_) => "variable named by the build script changed",
        Difference::Watched => "build script names other files or variables",
        Difference::Package { .. } => "newer file in the package; cargo watches all of them for this unit",
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
        | Cause::LeftOut { .. } => None,
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
    use jiff::Timestamp;

    use super::*;
    use crate::outcome::Unusable;

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
            "target: 5 of 1,212 units compiled after restoring target-k (entry of 1970-01-01 00:00:00Z, \
             refs/heads/main)\n  \
             CARGO_HOME changed: /a → /b; cargo identifies dependencies by source path\n    \
             serde 1.0.219 (lib) ×2\n  \
             other features; other compiler flags (RUSTFLAGS, or `rustflags` in cargo's configuration)\n    \
             tool (test works, release): with x, without y, z\n  \
             source newer than its unit, or missing\n    \
             tool (tests in the lib): a (gone), b, c and 1 more\n  \
             dependency compiled or changed\n    \
             app (bin app): its build script, serde\n"
        );
        assert!(of(vec![unit("a", "lib-a", home())]).starts_with("target: 1 of 1,212 units compiled"));
        assert!(of(Vec::new()).starts_with("target: nothing compiled after restoring target-k (entry of "));
        assert_eq!(
            after(None, 1212, Vec::new()),
            "target: nothing compiled after restoring 1,212 units from the pool: all 1,212 units reused\n"
        );
    }

    #[test]
    fn that_nothing_is_known_is_told_with_the_reason() {
        let directory = |built| {
            let directory = BuiltDirectory { name: "../b".into(), path: "/w/b/target".into(), built };
            last_build_text(&LastBuild::Directories(vec![directory]))
        };
        for (text, part) in [
            (last_build_text(&LastBuild::NoRestore), "no restore in this job"),
            (last_build_text(&LastBuild::Saved), "already saved"),
            (last_build_text(&LastBuild::NoTarget), "this job restored no target directory"),
            (
                directory(Built::Miss { key: "k".into() }),
                "target of ../b: nothing restored (key k); its units are from this job or earlier",
            ),
            (directory(Built::NotInEntry), "the entry does not contain this directory"),
            (
                directory(Built::EntryGone { why: Unusable::Unflushed }),
                "cannot read the entry: the host crashed",
            ),
            (directory(Built::NoDirectory), "no directory /w/b/target"),
        ] {
            assert!(text.contains(part) && text.ends_with('\n') && text.lines().count() == 1, "{text}");
        }
    }
}
