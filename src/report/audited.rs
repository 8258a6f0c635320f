//! What `audit` tells.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::figures::count;
use super::last_build::{changed_files, restored, title_of_input, unit_name};
use crate::cargo::Incomparable;
use crate::outcome::{
    Audited, CameFrom, ComparedBuilds, DifferingUnit, ExitCodes, HowMade, NotComparable, UnitName, WhyFresh,
};

/// How many files or sources are named.
const NAMED: usize = 3;

/// The text for a terminal.
pub(super) fn audit_text(audited: &Audited) -> String {
    match audited {
        Audited::Nothing { note } => format!("audit: nothing to audit: {note}\n"),
        Audited::Same(compared) => compared.text(false),
        Audited::Different(compared) => compared.text(true),
    }
}

impl ComparedBuilds {
    fn text(&self, is_difference: bool) -> String {
        let verdict = if is_difference {
            "the restored build differs from a clean build"
        } else {
            "the restored build equals a clean build"
        };
        let mut text = format!("audit: {verdict}\n");
        let commit = self.commit.as_ref().map_or_else(String::new, |commit| format!(", commit {commit}"));
        let _ = writeln!(text, "  restored: {}{commit}", restored(self.entry.as_ref(), self.pooled));
        let _ = writeln!(text, "  exit code: {}", self.ended());
        let _ = writeln!(text, "  units: {}", self.counts());
        self.write_differing(&mut text);
        let only = [
            ("only in the restored build", &self.only_restored),
            ("only in the clean build", &self.only_clean),
            ("not reproducible: two clean builds differ", &self.not_reproducible),
        ];
        for (title, units) in only {
            write_group(&mut text, title, units.iter().map(UnitName::text));
        }
        let finals = self.finals.iter().map(|path| path.display().to_string());
        write_group(&mut text, "differs from its unit's file", finals);
        let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for NotComparable { unit, why } in &self.not_comparable {
            by_reason.entry(format!("not compared: {}", reason(why))).or_default().push(unit.text());
        }
        for (title, units) in by_reason {
            write_group(&mut text, &title, units.into_iter());
        }
        text.push_str(self.hint(is_difference));
        text
    }

    fn ended(&self) -> String {
        let ExitCodes { restored, clean, clean_again } = self.exit_codes;
        match clean_again {
            again if restored == clean && again.is_none_or(|again| again == clean) => {
                format!(
                    "{restored} in each build{}",
                    if restored == 0 { "" } else { "; it also fails without a cache" }
                )
            }
            again => {
                let again = again.map_or_else(String::new, |again| format!(" and {again}"));
                format!("{restored} restored, {clean}{again} clean")
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
        for (title, units) in [("differs", first), ("differs, as does a dependency", follow)] {
            if !units.is_empty() {
                let _ = writeln!(text, "  {title}");
            }
            for DifferingUnit { unit, files, follows, made } in units {
                let what = if follows.is_empty() { some(files) } else { follows.join(", ") };
                let _ = writeln!(text, "    {}: {what}\n      {}", unit.text(), made.text());
            }
        }
    }

    fn hint(&self, is_difference: bool) -> &'static str {
        let is_incremental = |one: &NotComparable| one.why == Incomparable::Incremental;
        if is_difference {
            "hint: `freshness: false` compiles the workspace in each job; changing the `trigger-file` \
             starts new keys\n"
        } else if self.not_comparable.iter().any(is_incremental) {
            "hint: set CARGO_INCREMENTAL=0 in the audit and in jobs that save to compare all units\n"
        } else {
            ""
        }
    }
}

impl UnitName {
    fn text(&self) -> String {
        unit_name(&self.package, self.version.as_deref(), &self.part, &self.profile)
    }
}

impl HowMade {
    fn text(&self) -> String {
        let Self::Fresh { from, why } = self else {
            return "compiled in this build, from restored units".to_owned();
        };
        let from = match from {
            CameFrom::Entry => "restored from the entry",
            CameFrom::Pool => "restored from the unit pool",
            CameFrom::Directory => "in the directory before the restore",
        };
        format!("cargo reused it: {from}, {}", why.text())
    }
}

impl WhyFresh {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        let noted: Vec<_> = self.noted.iter().map(title_of_input).collect();
        parts.push(if noted.is_empty() {
            "same fingerprint in a clean build".to_owned()
        } else {
            format!("a clean build has {}", noted.join(", "))
        });
        let number = count(self.sources.len() as u64);
        parts.push(match (self.sources.as_slice(), self.newer.as_slice()) {
            ([], []) => "no source listed".to_owned(),
            (_, newer @ [_, ..]) => format!("newer sources: {}", changed_files(newer)),
            ([source], []) => format!("its only source is not newer ({})", source.display()),
            (sources, []) => format!("none of its {number} sources is newer ({})", some(&shown(sources))),
        });
        for (files, what) in [
            (&self.changed, "changed since the entry was saved"),
            (&self.unlisted, "read by a clean build but not listed"),
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
        Incomparable::Elsewhere(place) => format!("contain their path {}", place.display()),
        Incomparable::Dependency(names) => {
            format!("linked with uncompared units ({})", names.join(", "))
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
    use crate::cargo::Difference;
    use crate::outcome::RestoredEntry;

    fn unit(package: &str) -> UnitName {
        UnitName {
            package: package.into(),
            version: None,
            part: format!("lib-{package}"),
            profile: "debug".into(),
        }
    }

    fn ended(restored: u8, clean: u8, clean_again: Option<u8>) -> ExitCodes {
        ExitCodes { restored, clean, clean_again }
    }

    fn sound() -> ComparedBuilds {
        ComparedBuilds {
            entry: Some(RestoredEntry {
                key: "target-k".into(),
                created: Timestamp::UNIX_EPOCH,
                reference: "refs/heads/main".into(),
            }),
            commit: Some("abc".into()),
            pooled: 2,
            exit_codes: ended(0, 0, None),
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
            exit_codes: ended(101, 0, Some(0)),
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
        let text = audit_text(&Audited::Different(Box::new(stale())));
        assert_eq!(
            text,
            "audit: the restored build differs from a clean build\n  \
             restored: target-k (entry of 1970-01-01 00:00:00Z, refs/heads/main) and 2 units from the pool, commit abc\n  \
             exit code: 101 restored, 0 and 0 clean\n  \
             units: 1,200 the same, 2 differ, 1 in one build only, 1 not reproducible\n  \
             differs\n    leaf (lib): f\n      \
             cargo reused it: restored from the entry, a clean build has other compiler flags (RUSTFLAGS, or `rustflags` in cargo's configuration); its only source is not newer (src/lib.rs); src/lib.rs changed since the entry was saved\n  \
             differs, as does a dependency\n    app (lib): leaf\n      \
             compiled in this build, from restored units\n  \
             only in the clean build\n    more (lib)\n  \
             not reproducible: two clean builds differ\n    clock (lib)\n  \
             differs from its unit's file\n    /w/target/debug/app\n\
             hint: `freshness: false` compiles the workspace in each job; changing the `trigger-file` starts new keys\n"
        );
    }

    #[test]
    fn a_sound_restore_is_told_in_a_few_lines_and_what_was_not_compared_with_what_to_change() {
        let mut compared = sound();
        assert_eq!(compared.text(false).lines().count(), 4);
        compared.exit_codes = ended(101, 101, None);
        assert!(
            compared.text(false).contains("exit code: 101 in each build; it also fails without a cache\n")
        );
        compared.not_comparable = [
            ("a", Incomparable::Incremental),
            ("b", Incomparable::Elsewhere("/w/2".into())),
            ("c", Incomparable::Dependency(vec!["a".into()])),
        ]
        .map(|(package, why)| NotComparable { unit: unit(package), why })
        .into();
        let text = compared.text(false);
        for part in [
            "units: 1,200 the same, 3 not comparable\n",
            "  not compared: compiled incrementally, so their bytes depend on earlier builds\n    a (lib)\n",
            "  not compared: contain their path /w/2\n    b (lib)\n",
            "  not compared: linked with uncompared units (a)\n    c (lib)\n",
            "hint: set CARGO_INCREMENTAL=0",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }
}
