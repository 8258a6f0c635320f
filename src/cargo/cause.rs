//! Why cargo compiled a unit: a judgement of what it noted of the unit before and after.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::dep_info::{DepInfo, Download};
use super::fingerprint::{Difference, Fingerprint};
use super::left_out::WhyLeftOut;

/// What there is to know of a unit at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What cargo noted.
    pub fingerprint: Fingerprint,
    /// Cargo's list of files and variables, where it made one.
    pub info: Option<DepInfo>,
    /// Rustc's list of files, where it made one.
    pub sources: Vec<PathBuf>,
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Cause {
    /// Another input.
    Input(Difference),
    /// Another version of a download.
    Version {
        /// The version that was compiled before.
        was: String,
    },
    /// Another version of its own or of a dependency: that alone is in a unit's hash and not in its fingerprint.
    SomeVersion,
    /// The downloads are in another cargo home.
    Home {
        /// Where they were.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        was: PathBuf,
        /// Where they are.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        is: PathBuf,
    },
    /// The sources are in another directory.
    Moved {
        /// Where they were.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        was: PathBuf,
        /// Where they are.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        is: PathBuf,
    },
    /// Files that are newer than what was built from them.
    Sources(Vec<Changed>),
    /// Variables that are read by the code itself (`env!`).
    Variables(Vec<String>),
    /// Dependencies that were compiled, or are others.
    Dependencies(Vec<String>),
    /// It was built before, but in these profiles alone; in none where it was not at all.
    New(Vec<String>),
    /// There is nothing that tells.
    Unknown,
    /// It came from the unit pool, and cargo did not take it.
    Rejected,
    /// It was left out of what was restored, for this reason.
    LeftOut {
        /// The reason.
        why: WhyLeftOut,
        /// What it is about, such as a source's path.
        what: String,
    },
    /// What cargo noted cannot be read.
    Unreadable(String),
}

/// A file that makes a unit stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its path.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// Whether it is not there any more.
    pub is_gone: bool,
}

impl Evidence {
    /// That of several earlier units which differs least.
    pub fn nearest<'e>(&self, earlier: &'e [Self]) -> Option<&'e Self> {
        earlier.iter().min_by_key(|then| {
            let differences = self.fingerprint.differences(&then.fingerprint);
            (differences.len(), self.fingerprint.other_dependencies(&then.fingerprint).len())
        })
    }
}

/// Why a unit of `package` was compiled that was as in `then`: the very unit, or else one like it (`is_same`). The
/// dependencies with the hashes `compiled` were compiled as well. `changed` finds the files that make the unit stale.
pub fn causes<E>(
    package: &str,
    (then, now): (&Evidence, &Evidence),
    is_same: bool,
    compiled: &BTreeSet<u64>,
    changed: impl FnOnce() -> Result<Vec<Changed>, E>,
) -> Result<Vec<Cause>, E> {
    let inputs = inputs(package, then, now);
    if !inputs.is_empty() {
        return Ok(inputs);
    }
    if is_same {
        let files = changed()?;
        if !files.is_empty() {
            return Ok(vec![Cause::Sources(files)]);
        }
        let variables = other_variables(then, now);
        if !variables.is_empty() {
            return Ok(vec![Cause::Variables(variables)]);
        }
    }
    // A dependency that was compiled from changed sources has the fingerprint that it had.
    let mut dependencies = now.fingerprint.other_dependencies(&then.fingerprint);
    dependencies.extend(now.fingerprint.dependencies_among(compiled));
    dependencies.sort();
    dependencies.dedup();
    Ok(vec![match (dependencies.is_empty(), is_same) {
        (false, _) => Cause::Dependencies(dependencies),
        (true, true) => Cause::Unknown,
        (true, false) => Cause::SomeVersion,
    }])
}

/// Inputs of its own that are others.
fn inputs(package: &str, then: &Evidence, now: &Evidence) -> Vec<Cause> {
    let place = match (then.sources.first(), now.sources.first()) {
        (Some(was), Some(is)) => moved(package, was, is),
        _ => None,
    };
    // Another version has other features and settings as well.
    if let Some(Cause::Version { .. }) = place {
        return place.into_iter().collect();
    }
    let differences = now.fingerprint.differences(&then.fingerprint).into_iter();
    let cause = |difference| match (difference, &place) {
        (Difference::Path, Some(place)) => place.clone(),
        (difference, _) => Cause::Input(difference),
    };
    differences.map(cause).collect()
}

/// What the paths of a crate's first source tell, before and now; `None` where they are the same.
fn moved(package: &str, was: &Path, is: &Path) -> Option<Cause> {
    let downloads = Download::of(package, was).zip(Download::of(package, is));
    match downloads {
        Some((was, is)) if was.version != is.version => Some(Cause::Version { was: was.version }),
        Some((was, is)) if was.home != is.home => Some(Cause::Home { was: was.home, is: is.home }),
        _ if was == is => None,
        _ => {
            let common = was.iter().rev().zip(is.iter().rev()).take_while(|(was, is)| was == is).count();
            let above = |path: &Path| path.ancestors().nth(common).unwrap_or(path).to_path_buf();
            Some(Cause::Moved { was: above(was), is: above(is) })
        }
    }
}

fn other_variables(then: &Evidence, now: &Evidence) -> Vec<String> {
    match (&then.info, &now.info) {
        (Some(then), Some(now)) => now.other_variables(then),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(fingerprint: &str, source: &str) -> Evidence {
        Evidence {
            fingerprint: Fingerprint::parse(fingerprint.as_bytes()).unwrap(),
            sources: vec![source.into()],
            info: None,
        }
    }

    fn judged(then: &Evidence, now: &Evidence, is_same: bool, changed: &[&str]) -> Vec<Cause> {
        let changed = changed.iter().map(|path| Changed { path: path.into(), is_gone: false }).collect();
        let compiled = BTreeSet::from([7]);
        causes("a", (then, now), is_same, &compiled, || Ok::<_, ()>(changed)).unwrap()
    }

    const LIBRARY: &str = r#"{"path":1,"features":"[]","deps":[[0,"b",false,7]]}"#;

    #[test]
    fn what_differs_of_its_own_comes_before_files_and_these_before_dependencies() {
        let then = evidence(LIBRARY, "src/lib.rs");
        let other = evidence(&LIBRARY.replace("[]", r#"[\"x\"]"#), "src/lib.rs");
        let features = Cause::Input(Difference::Features { with: vec!["x".into()], without: vec![] });
        assert_eq!(judged(&then, &other, true, &["src/lib.rs"]), [features]);
        let file = Changed { path: "src/lib.rs".into(), is_gone: false };
        assert_eq!(judged(&then, &then, true, &["src/lib.rs"]), [Cause::Sources(vec![file])]);
        assert_eq!(judged(&then, &then, true, &[]), [Cause::Dependencies(vec!["b".into()])]);
        assert_eq!(judged(&then, &then, false, &["src/lib.rs"]), [Cause::Dependencies(vec!["b".into()])]);
        let two = evidence(&LIBRARY.replace("[[0,", r#"[[1,"a",false,8],[0,"#), "src/lib.rs");
        assert_eq!(judged(&then, &two, true, &[]), [Cause::Dependencies(vec!["a".into(), "b".into()])]);
        let alone = evidence("{}", "src/lib.rs");
        assert_eq!(judged(&alone, &alone, true, &[]), [Cause::Unknown]);
        assert_eq!(judged(&alone, &alone, false, &[]), [Cause::SomeVersion]);
    }

    #[test]
    fn another_path_is_another_version_another_home_or_another_directory() {
        let at = |path: u8, source: &str| {
            evidence(&LIBRARY.replace("\"path\":1", &format!("\"path\":{path}")), source)
        };
        let then = at(1, "/h/registry/src/i/a-1.0.0/src/lib.rs");
        let told = |source: &str| judged(&then, &at(2, source), true, &[]);
        assert_eq!(told("/h/registry/src/i/a-1.0.1/src/lib.rs"), [Cause::Version { was: "1.0.0".into() }]);
        assert_eq!(
            told("/g/registry/src/i/a-1.0.0/src/lib.rs"),
            [Cause::Home { was: "/h".into(), is: "/g".into() }]
        );
        let (was, is) = (at(1, "/w/1/a/src/lib.rs"), at(2, "/w/2/a/src/lib.rs"));
        assert_eq!(judged(&was, &is, true, &[]), [Cause::Moved { was: "/w/1".into(), is: "/w/2".into() }]);
        let unlisted = Evidence { sources: Vec::new(), ..at(2, "") };
        assert_eq!(judged(&then, &unlisted, true, &[]), [Cause::Input(Difference::Path)]);
    }

    #[test]
    fn the_nearest_differs_in_the_fewest_things() {
        let then = [evidence(r#"{"path":1,"target":1}"#, ""), evidence(r#"{"path":1}"#, "")];
        assert_eq!(evidence(r#"{"path":2}"#, "").nearest(&then), Some(&then[1]));
        assert_eq!(then[0].nearest(&[]), None);
    }
}
