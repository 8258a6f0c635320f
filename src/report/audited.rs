//! What `audit` tells: for people, and as JSON whose field names stay.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::figures::count;
use super::last_build::{RestoredEntry, changed_files, restored, title_of_input, unit_name};
use crate::cargo::{Changed, Difference, Incomparable};

/// How many files or sources are named.
const NAMED: usize = 3;

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audited {
    /// Nothing was restored that could be audited, for this reason.
    Nothing(String),
    /// A build on what was restored, and one or two from nothing.
    Compared(Box<ComparedBuilds>),
}

/// What a build on what was restored and builds from nothing have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedBuilds {
    /// Whether what was restored gave something else.
    pub is_difference: bool,
    /// The entry that was restored, if any.
    pub entry: Option<RestoredEntry>,
    /// The commit of which it is.
    pub commit: Option<String>,
    /// How many units came from the unit pool.
    pub pooled: usize,
    /// Exit codes: on what was restored, from nothing, and from nothing once more if that was run.
    pub codes: (u8, u8, Option<u8>),
    /// How many units are the same, byte for byte.
    pub same: usize,
    /// Units that differ.
    pub differing: Vec<DifferingUnit>,
    /// Units that the command used on what was restored, and not from nothing.
    pub only_restored: Vec<UnitName>,
    /// Units that the command built from nothing, and did not ask for on what was restored.
    pub only_clean: Vec<UnitName>,
    /// Final artifacts that are not what their units are.
    pub finals: Vec<PathBuf>,
    /// Units on which the builds from nothing do not agree.
    pub not_reproducible: Vec<UnitName>,
    /// Units that differ and may.
    pub not_comparable: Vec<(UnitName, Incomparable)>,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitName {
    /// The package's name.
    pub package: String,
    /// Its version, for a download.
    pub version: Option<String>,
    /// What of the package, as cargo calls it, such as `lib-serde`.
    pub part: String,
    /// The directory of its profile.
    pub profile: String,
}

/// A unit that differs from that of a clean build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingUnit {
    /// Which.
    pub unit: UnitName,
    /// Its files that differ, or are in one of the builds only.
    pub files: Vec<String>,
    /// Packages of its direct dependencies that differ as well.
    pub follows: Vec<String>,
    /// How it came to be.
    pub made: HowMade,
}

/// How a unit came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowMade {
    /// It was compiled in the audited build.
    Compiled,
    /// Cargo took it for fresh.
    Fresh {
        /// Where it comes from.
        from: CameFrom,
        /// Why cargo took it for fresh.
        why: WhyFresh,
    },
}

/// Where a unit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameFrom {
    /// The entry.
    Entry,
    /// The unit pool.
    Pool,
    /// The directory as it was before the restore.
    Directory,
}

/// Why cargo took a unit for fresh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhyFresh {
    /// What cargo notes otherwise in a clean build.
    pub noted: Vec<Difference>,
    /// Sources that were listed when it was compiled.
    pub sources: Vec<PathBuf>,
    /// Sources that are newer than the unit, or gone.
    pub newer: Vec<Changed>,
    /// Sources that do not hold what they held when the entry was saved.
    pub changed: Vec<PathBuf>,
    /// Sources that a clean build lists, and that were not listed.
    pub unlisted: Vec<PathBuf>,
}

/// The text for a terminal.
pub fn audit_text(audited: &Audited) -> String {
    match audited {
        Audited::Nothing(why) => format!("audit: nothing to audit: {why}\n"),
        Audited::Compared(compared) => compared.text(),
    }
}

/// The same for a program.
pub fn audit_json(audited: &Audited) -> String {
    let value = match audited {
        Audited::Nothing(why) => json!({ "verdict": "nothing", "note": why }),
        Audited::Compared(compared) => compared.json(),
    };
    format!("{value:#}")
}

impl ComparedBuilds {
    fn text(&self) -> String {
        let verdict = if self.is_difference {
            "what was restored gives something else than a clean build"
        } else {
            "no difference from a clean build"
        };
        let mut text = format!("audit: {verdict}\n");
        let commit = self.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {commit}"));
        let _ = writeln!(text, "  restored: {}{commit}", restored(self.entry.as_ref(), self.pooled));
        let _ = writeln!(text, "  exit code: {}", self.exit_codes());
        let _ = writeln!(text, "  units: {}", self.counts());
        self.write_differing(&mut text);
        let only = [
            ("used on what was restored, and not built from nothing", &self.only_restored),
            ("built from nothing, and not asked for on what was restored", &self.only_clean),
            ("not reproducible: two builds from nothing do not agree", &self.not_reproducible),
        ];
        for (title, units) in only {
            write_group(&mut text, title, units.iter().map(UnitName::text));
        }
        let finals = self.finals.iter().map(|path| path.display().to_string());
        write_group(&mut text, "not the file that its unit has", finals);
        let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (unit, why) in &self.not_comparable {
            by_reason.entry(format!("not compared: {}", reason(why))).or_default().push(unit.text());
        }
        for (title, units) in by_reason {
            write_group(&mut text, &title, units.into_iter());
        }
        text.push_str(self.hint());
        text
    }

    fn exit_codes(&self) -> String {
        match self.codes {
            (restored, clean, again) if restored == clean && again.is_none_or(|again| again == clean) => {
                format!(
                    "{restored} each time{}",
                    if restored == 0 { "" } else { ", so it fails without a cache as well" }
                )
            }
            (restored, clean, again) => {
                let again = again.map_or_else(String::new, |again| format!(" and {again}"));
                format!("{restored} on what was restored, {clean}{again} from nothing")
            }
        }
    }

    fn counts(&self) -> String {
        let counts = [
            (self.same, "the same"),
            (self.differing.len(), "differ"),
            (self.only_restored.len() + self.only_clean.len(), "in one build only"),
            (self.not_reproducible.len(), "not reproducible"),
            (self.not_comparable.len(), "not comparable"),
        ];
        let parts = counts.iter().enumerate().filter(|(at, (number, _))| *at == 0 || *number > 0);
        let parts: Vec<_> =
            parts.map(|(_, (number, what))| format!("{} {what}", count(*number as u64))).collect();
        parts.join(", ")
    }

    fn write_differing(&self, text: &mut String) {
        let (follow, first): (Vec<_>, Vec<_>) =
            self.differing.iter().partition(|one| !one.follows.is_empty());
        for (title, units) in [("differs", first), ("differs, and has a dependency that does", follow)] {
            if !units.is_empty() {
                let _ = writeln!(text, "  {title}");
            }
            for DifferingUnit { unit, files, follows, made } in units {
                let what = if follows.is_empty() { some(files) } else { follows.join(", ") };
                let _ = writeln!(text, "    {}: {what}\n      {}", unit.text(), made.text());
            }
        }
    }

    fn hint(&self) -> &'static str {
        let is_incremental = |(_, why): &(UnitName, Incomparable)| *why == Incomparable::Incremental;
        if self.is_difference {
            "hint: `freshness: false` lets each job compile its workspace, and a change of the `trigger-file` starts all keys \
             anew\n"
        } else if self.not_comparable.iter().any(is_incremental) {
            "hint: with CARGO_INCREMENTAL=0 in the audit and in the jobs that save, all units can be compared\n"
        } else {
            ""
        }
    }

    fn json(&self) -> Value {
        let entry = self.entry.as_ref().map(|RestoredEntry { key, created, reference }| {
            json!({ "key": key, "created": created, "ref": reference, "commit": self.commit })
        });
        let (restored, clean, again) = self.codes;
        let names = |units: &[UnitName]| units.iter().map(UnitName::json).collect::<Vec<_>>();
        let not_comparable = self.not_comparable.iter().map(|(unit, why)| {
            let reason = match why {
                Incomparable::Incremental => "incremental",
                Incomparable::Elsewhere(_) => "elsewhere",
                Incomparable::Dependency(_) => "dependency",
            };
            unit.with(json!({ "reason": reason }))
        });
        json!({
            "verdict": if self.is_difference { "different" } else { "same" },
            "entry": entry,
            "pooled": self.pooled,
            "exit_codes": { "restored": restored, "clean": clean, "clean_again": again },
            "same": self.same,
            "differing": self.differing.iter().map(DifferingUnit::json).collect::<Vec<_>>(),
            "only_restored": names(&self.only_restored),
            "only_clean": names(&self.only_clean),
            "final_artifacts": shown(&self.finals),
            "not_reproducible": names(&self.not_reproducible),
            "not_comparable": not_comparable.collect::<Vec<_>>(),
        })
    }
}

impl UnitName {
    fn text(&self) -> String {
        unit_name(&self.package, self.version.as_deref(), &self.part, &self.profile)
    }

    fn json(&self) -> Value {
        let Self { package, version, part, profile } = self;
        json!({ "package": package, "version": version, "part": part, "profile": profile })
    }

    /// The same with further fields.
    fn with(&self, more: Value) -> Value {
        let mut value = self.json();
        if let (Value::Object(fields), Value::Object(more)) = (&mut value, more) {
            fields.extend(more);
        }
        value
    }
}

impl DifferingUnit {
    fn json(&self) -> Value {
        let origin = match self.made {
            HowMade::Compiled => "compiled",
            HowMade::Fresh { from: CameFrom::Entry, .. } => "entry",
            HowMade::Fresh { from: CameFrom::Pool, .. } => "pool",
            HowMade::Fresh { from: CameFrom::Directory, .. } => "directory",
        };
        let sources = match &self.made {
            HowMade::Compiled => None,
            HowMade::Fresh { why: WhyFresh { sources, newer, changed, unlisted, .. }, .. } => Some(json!({
                "listed": shown(sources),
                "newer": newer.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>(),
                "changed": shown(changed),
                "unlisted": shown(unlisted),
            })),
        };
        self.unit.with(json!({
            "files": self.files,
            "follows": self.follows,
            "origin": origin,
            "reason": self.made.text(),
            "sources": sources,
        }))
    }
}

impl HowMade {
    fn text(&self) -> String {
        let Self::Fresh { from, why } = self else {
            return "compiled in this build, with what was restored".to_owned();
        };
        let from = match from {
            CameFrom::Entry => "it came with the entry",
            CameFrom::Pool => "it came from the unit pool",
            CameFrom::Directory => "it was in the directory before the restore",
        };
        format!("cargo took it for fresh: {from}, {}", why.text())
    }
}

impl WhyFresh {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        let noted: Vec<_> = self.noted.iter().map(title_of_input).collect();
        parts.push(if noted.is_empty() {
            "cargo notes the same of it in a clean build".to_owned()
        } else {
            format!("a clean build has {}", noted.join(", "))
        });
        let number = count(self.sources.len() as u64);
        parts.push(match (self.sources.as_slice(), self.newer.as_slice()) {
            ([], []) => "no source of it is listed".to_owned(),
            (_, newer @ [_, ..]) => format!("newer than it are {}", changed_files(newer)),
            ([source], []) => format!("its one source is not newer ({})", source.display()),
            (sources, []) => format!("none of its {number} sources is newer ({})", some(&shown(sources))),
        });
        for (files, what) in [
            (&self.changed, "holds something else than when the entry was saved"),
            (&self.unlisted, "is read by a clean build and was not listed"),
        ] {
            if !files.is_empty() {
                parts.push(format!("{} {what}", some(&shown(files))));
            }
        }
        parts.join("; ")
    }
}

fn reason(why: &Incomparable) -> String {
    match why {
        Incomparable::Incremental => {
            "compiled incrementally, so their bytes depend on earlier builds".to_owned()
        }
        Incomparable::Elsewhere(place) => format!("made in {}, whose path is in them", place.display()),
        Incomparable::Dependency(names) => {
            format!("linked with units that were not compared ({})", names.join(", "))
        }
    }
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn some(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

fn write_group(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (number, line) in lines.enumerate() {
        if number == 0 {
            let _ = writeln!(text, "  {title}");
        }
        let _ = writeln!(text, "    {line}");
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn unit(package: &str) -> UnitName {
        UnitName {
            package: package.into(),
            version: None,
            part: format!("lib-{package}"),
            profile: "debug".into(),
        }
    }

    fn sound() -> ComparedBuilds {
        ComparedBuilds {
            is_difference: false,
            entry: Some(RestoredEntry {
                key: "target-k".into(),
                created: Timestamp::UNIX_EPOCH,
                reference: "refs/heads/main".into(),
            }),
            commit: Some("abc".into()),
            pooled: 2,
            codes: (0, 0, None),
            same: 1200,
            differing: Vec::new(),
            only_restored: Vec::new(),
            only_clean: Vec::new(),
            finals: Vec::new(),
            not_reproducible: Vec::new(),
            not_comparable: Vec::new(),
        }
    }

    fn stale() -> ComparedBuilds {
        let why = WhyFresh {
            noted: vec![Difference::Flags],
            sources: vec!["src/lib.rs".into()],
            changed: vec!["src/lib.rs".into()],
            ..WhyFresh::default()
        };
        let made = HowMade::Fresh { from: CameFrom::Entry, why };
        ComparedBuilds {
            is_difference: true,
            codes: (101, 0, Some(0)),
            differing: vec![
                DifferingUnit { unit: unit("leaf"), files: vec!["f".into()], follows: Vec::new(), made },
                DifferingUnit {
                    unit: unit("app"),
                    files: vec!["g".into()],
                    follows: vec!["leaf".into()],
                    made: HowMade::Compiled,
                },
            ],
            only_clean: vec![unit("more")],
            finals: vec!["/w/target/debug/app".into()],
            not_reproducible: vec![unit("clock")],
            ..sound()
        }
    }

    #[test]
    fn what_differs_is_told_with_the_reason() {
        let text = audit_text(&Audited::Compared(Box::new(stale())));
        assert_eq!(
            text,
            "audit: what was restored gives something else than a clean build\n  \
             restored: target-k (entry of 1970-01-01 00:00:00Z, refs/heads/main) and 2 units of the pool, commit abc\n  \
             exit code: 101 on what was restored, 0 and 0 from nothing\n  \
             units: 1,200 the same, 2 differ, 1 in one build only, 1 not reproducible\n  \
             differs\n    leaf (lib): f\n      \
             cargo took it for fresh: it came with the entry, a clean build has other flags of the compiler (RUSTFLAGS, or \
             `rustflags` in cargo's configuration); its one source is not newer (src/lib.rs); src/lib.rs holds something else \
             than when the entry was saved\n  \
             differs, and has a dependency that does\n    app (lib): leaf\n      \
             compiled in this build, with what was restored\n  \
             built from nothing, and not asked for on what was restored\n    more (lib)\n  \
             not reproducible: two builds from nothing do not agree\n    clock (lib)\n  \
             not the file that its unit has\n    /w/target/debug/app\n\
             hint: `freshness: false` lets each job compile its workspace, and a change of the `trigger-file` starts all keys \
             anew\n"
        );
    }

    #[test]
    fn a_sound_restore_is_told_in_a_few_lines_and_what_was_not_compared_with_what_to_change() {
        let mut compared = sound();
        assert_eq!(compared.text().lines().count(), 4);
        compared.codes = (101, 101, None);
        assert!(compared.text().contains("exit code: 101 each time, so it fails without a cache as well\n"));
        compared.not_comparable = vec![
            (unit("a"), Incomparable::Incremental),
            (unit("b"), Incomparable::Elsewhere("/w/2".into())),
            (unit("c"), Incomparable::Dependency(vec!["a".into()])),
        ];
        let text = compared.text();
        for part in [
            "units: 1,200 the same, 3 not comparable\n",
            "  not compared: compiled incrementally, so their bytes depend on earlier builds\n    a (lib)\n",
            "  not compared: made in /w/2, whose path is in them\n    b (lib)\n",
            "  not compared: linked with units that were not compared (a)\n    c (lib)\n",
            "hint: with CARGO_INCREMENTAL=0",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn the_fields_of_the_json_are_these() {
        let read = |audited: &Audited| serde_json::from_str::<Value>(&audit_json(audited)).unwrap();
        let nothing = read(&Audited::Nothing("why".into()));
        assert_eq!(nothing, json!({ "verdict": "nothing", "note": "why" }));
        let value = read(&Audited::Compared(Box::new(stale())));
        let fields: Vec<_> = value.as_object().unwrap().keys().collect();
        assert_eq!(
            fields,
            [
                "differing",
                "entry",
                "exit_codes",
                "final_artifacts",
                "not_comparable",
                "not_reproducible",
                "only_clean",
                "only_restored",
                "pooled",
                "same",
                "verdict"
            ]
        );
        let leaf = &value["differing"][0];
        assert_eq!((&leaf["package"], &leaf["origin"]), (&json!("leaf"), &json!("entry")));
        assert_eq!(leaf["sources"]["changed"], json!(["src/lib.rs"]));
        assert_eq!(value["differing"][1]["sources"], Value::Null);
        assert_eq!(value["exit_codes"], json!({ "restored": 101, "clean": 0, "clean_again": 0 }));
    }
}
