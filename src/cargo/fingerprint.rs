//! A fingerprint: what cargo noted of a unit when it was compiled, and how two of them differ.
//!
//! Cargo compares a hash of it, and writes it out beside that hash (`<name>.json`) only to tell why a unit is stale. It is
//! read leniently, since each version of cargo has other fields. Source: `Fingerprint` and its `compare` in cargo's
//! `fingerprint/mod.rs`, read at 1.100 and tried with 1.95, 1.97 and 1.99.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use serde::Serialize;

/// What a unit was compiled from, by hashes for the most part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fingerprint {
    rustc: u64,
    /// A list, as Rust shows it for debugging; empty for the run of a build script.
    features: String,
    declared_features: String,
    target: u64,
    profile: u64,
    path: u64,
    /// `[hash of the package's id, name, is public, hash of the fingerprint]`
    deps: Vec<Value>,
    /// `{"CheckDepInfo": …}`, `{"RerunIfChanged": …}`, `{"RerunIfEnvChanged": …}` or `{"Precalculated": …}`
    local: Vec<Value>,
    rustflags: Vec<String>,
    config: u64,
    compile_kind: u64,
}

/// What two fingerprints differ in, dependencies apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Difference {
    /// The compiler.
    Compiler,
    /// The features that were switched on.
    Features {
        /// Those that are on now and were not.
        with: Vec<String>,
        /// Those that were on and are not.
        without: Vec<String>,
    },
    /// The features that the manifest knows.
    DeclaredFeatures,
    /// What the manifest says of the library or the program, such as the edition.
    Target,
    /// The path of the crate's first source.
    Path,
    /// The profile, what is built (code, tests, a check), and `[lints]`.
    Profile,
    /// `RUSTFLAGS` and what stands for them in a configuration.
    Flags,
    /// The linker and other configuration.
    Configuration,
    /// The target triple.
    Triple,
    /// Variables that a build script names: their values.
    Variables(Vec<String>),
    /// What a build script names.
    Watched,
    /// The files of a package that are watched as a whole.
    Package {
        /// The newest of them now.
        newest: Option<String>,
    },
}

/// What a unit can be made stale by.
const KINDS: [&str; 4] = ["CheckDepInfo", "RerunIfChanged", "RerunIfEnvChanged", "Precalculated"];

impl Fingerprint {
    /// Reads the JSON of cargo.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// In what it differs from that of an earlier build, in the order in which cargo looks.
    pub fn differences(&self, earlier: &Self) -> Vec<Difference> {
        let fields = [
            (self.rustc != earlier.rustc, Difference::Compiler),
            (self.features != earlier.features, self.other_features(earlier)),
            (self.declared_features != earlier.declared_features, Difference::DeclaredFeatures),
            (self.target != earlier.target, Difference::Target),
            (self.path != earlier.path, Difference::Path),
            (self.profile != earlier.profile, Difference::Profile),
            (self.rustflags != earlier.rustflags, Difference::Flags),
            (self.config != earlier.config, Difference::Configuration),
            (self.compile_kind != earlier.compile_kind, Difference::Triple),
        ];
        let differing = fields.into_iter().filter_map(|(differs, what)| differs.then_some(what));
        differing.chain(self.differences_of_script(earlier)).collect()
    }

    fn other_features(&self, earlier: &Self) -> Difference {
        let (now, then) = (feature_list(&self.features), feature_list(&earlier.features));
        let only_in = |these: &[String], those: &[String]| {
            these.iter().filter(|name| !those.contains(name)).cloned().collect()
        };
        Difference::Features { with: only_in(&now, &then), without: only_in(&then, &now) }
    }

    fn differences_of_script<'f>(&'f self, earlier: &'f Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let (now, then) = (self.variables(), earlier.variables());
        let is_other =
            |(name, value): &(&&str, &&Value)| then.get(**name).is_some_and(|other| other != *value);
        let others: Vec<_> = now.iter().filter(is_other).map(|(name, _)| (*name).to_owned()).collect();
        if !others.is_empty() {
            found.push(Difference::Variables(others));
        }
        let paths = |of: &'f Self| of.watched().map(|watched| watched.paths);
        if !now.keys().eq(then.keys()) || paths(self) != paths(earlier) {
            found.push(Difference::Watched);
        }
        if let (Some(now), Some(then)) = (self.precalculated(), earlier.precalculated())
            && now != then
        {
            // `<time> (<path>)` for a package of the workspace; a version for others.
            let path = now.split_once(" (").and_then(|(_, path)| path.strip_suffix(')'));
            found.push(Difference::Package { newest: path.map(str::to_owned) });
        }
        found
    }

    /// Names of the direct dependencies that are others than those of an earlier build, or are on one side only.
    pub fn other_dependencies(&self, earlier: &Self) -> Vec<String> {
        let (now, then) = (self.dependencies(), earlier.dependencies());
        let names: BTreeSet<_> = now.keys().chain(then.keys()).copied().collect();
        let others = names.into_iter().filter(|name| now.get(name) != then.get(name));
        others.map(str::to_owned).collect()
    }

    /// Names of the direct dependencies whose fingerprints have one of these hashes.
    pub fn dependencies_among(&self, hashes: &BTreeSet<u64>) -> Vec<String> {
        let dependencies = self.dependencies().into_iter();
        let among = dependencies.filter(|(_, own)| own.iter().any(|hash| hashes.contains(hash)));
        among.map(|(name, _)| name.to_owned()).collect()
    }

    /// The flags for the compiler.
    pub(super) fn rustflags(&self) -> &[String] {
        &self.rustflags
    }

    /// The features that were switched on, as cargo writes them.
    pub(super) fn features(&self) -> &str {
        &self.features
    }

    /// The hashes of the fingerprints of all direct dependencies; `None` where one is not told.
    pub fn needs(&self) -> Option<Vec<u64>> {
        self.deps.iter().map(|dependency| dependency.get(3)?.as_u64()).collect()
    }

    /// The variables that a build script names, each with its value.
    pub(super) fn variables_read(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.variables().into_iter().map(|(name, value)| (name, value.as_str()))
    }

    /// What a build script said that it reads.
    pub fn watched(&self) -> Option<Watched<'_>> {
        let watched = self.local.iter().find_map(|local| local.get("RerunIfChanged"))?;
        let (output, paths) = (watched.get("output")?.as_str()?, watched.get("paths")?.as_array()?);
        Some(Watched { output, paths })
    }

    fn dependencies(&self) -> BTreeMap<&str, BTreeSet<u64>> {
        let mut dependencies: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for dependency in &self.deps {
            let (name, hash) = (dependency.get(1).and_then(Value::as_str), dependency.get(3));
            if let (Some(name), Some(hash)) = (name, hash.and_then(Value::as_u64)) {
                dependencies.entry(name).or_default().insert(hash);
            }
        }
        dependencies
    }

    fn variables(&self) -> BTreeMap<&str, &Value> {
        let variables = self.local.iter().filter_map(|local| local.get("RerunIfEnvChanged"));
        variables
            .filter_map(|variable| Some((variable.get("var")?.as_str()?, variable.get("val")?)))
            .collect()
    }

    /// Whether it has the newest file of the package, as that of a build script that names nothing.
    pub(super) fn is_of_whole_package(&self) -> bool {
        self.precalculated().is_some()
    }

    fn precalculated(&self) -> Option<&str> {
        self.local.iter().find_map(|local| local.get("Precalculated")?.as_str())
    }
}

/// Files and directories that a build script names, relative to its package.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'f> {
    /// The file that they must not be newer than, relative to the target directory.
    pub output: &'f str,
    paths: &'f [Value],
}

impl<'f> Watched<'f> {
    /// Their paths.
    pub fn paths(self) -> impl Iterator<Item = &'f str> {
        self.paths.iter().filter_map(Value::as_str)
    }
}

/// Whether the JSON of a fingerprint has the form that is known: without dependencies, or with what makes the unit stale
/// written in another way, nothing may be concluded from it.
pub(super) fn has_known_form(json: &[u8]) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(json) else { return false };
    let list = |name: &str| fields.get(name).and_then(Value::as_array);
    let is_dependency = |value: &Value| {
        value.as_array().is_some_and(|parts| parts.len() == 4 && parts[1].is_string() && parts[3].is_u64())
    };
    let is_local = |value: &Value| {
        let local = value.as_object().filter(|local| local.len() == 1);
        local.is_some_and(|local| local.keys().all(|kind| KINDS.contains(&kind.as_str())))
    };
    list("deps").is_some_and(|deps| deps.iter().all(is_dependency))
        && list("local").is_some_and(|local| local.iter().all(is_local))
}

/// The hash of a fingerprint, as the file beside its JSON has it: the bytes of the number, lowest first.
pub fn fingerprint_hash(text: &[u8]) -> Option<u64> {
    let is_hash = text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_hash)?;
    u64::from_str_radix(text, 16).ok().map(u64::swap_bytes)
}

fn feature_list(shown: &str) -> Vec<String> {
    serde_json::from_str(shown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As cargo 1.95 writes it.
    const LIBRARY: &str = r#"{"rustc":7458672600737419911,"features":"[\"alloc\", \"std\"]","declared_features":"[\"alloc\", \"rc\", \"std\"]",
        "target":6810695588070812737,"profile":15657897354478470176,"path":14498267722440875556,
        "deps":[[11029742160753049355,"build_script_build",false,3462917158900990373]],
        "local":[{"CheckDepInfo":{"dep_info":"debug/.fingerprint/x-c498ea69562d442f/dep-lib-x","checksum":false}}],
        "rustflags":[],"config":8247474407144887393,"compile_kind":0}"#;

    const RUN: &str = r#"{"rustc":7458672600737419911,"features":"","declared_features":"","target":0,"profile":0,"path":0,
        "deps":[[11029742160753049355,"build_script_build",false,16497859101741186929]],
        "local":[{"RerunIfChanged":{"output":"debug/build/x-53b68b6bfc950a6a/output","paths":["build.rs","data"]}},
        {"RerunIfEnvChanged":{"var":"A","val":"secret"}},{"RerunIfEnvChanged":{"var":"B","val":null}}],
        "rustflags":[],"config":0,"compile_kind":0}"#;

    const WHOLE_PACKAGE: &str =
        r#"{"rustc":1,"features":"","local":[{"Precalculated":"1795418424.000000000s (data/a.txt)"}]}"#;

    fn read(json: &str) -> Fingerprint {
        Fingerprint::parse(json.as_bytes()).unwrap()
    }

    /// What the fingerprint `json` differs in after each of these replacements.
    fn changed(json: &str, replacements: &[(&str, &str)]) -> Vec<Difference> {
        let text = replacements.iter().fold(json.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        read(&text).differences(&read(json))
    }

    #[test]
    fn each_field_that_differs_is_told() {
        let with =
            |name: &str| Difference::Features { with: vec![name.into()], without: vec!["alloc".into()] };
        assert_eq!(changed(LIBRARY, &[]), []);
        assert_eq!(changed(LIBRARY, &[(r#"[\"alloc\", \"std\"]"#, r#"[\"rc\", \"std\"]"#)]), [with("rc")]);
        assert_eq!(changed(LIBRARY, &[(r#"\"rc\", "#, "")]), [Difference::DeclaredFeatures]);
        assert_eq!(
            changed(
                LIBRARY,
                &[
                    ("7458672600737419911", "1"),
                    ("6810695588070812737", "1"),
                    ("15657897354478470176", "1"),
                    ("14498267722440875556", "1"),
                    (r#""rustflags":[]"#, r#""rustflags":["-Cx"]"#),
                    ("8247474407144887393", "1"),
                    (r#""compile_kind":0"#, r#""compile_kind":1"#),
                ]
            ),
            [
                Difference::Compiler,
                Difference::Target,
                Difference::Path,
                Difference::Profile,
                Difference::Flags,
                Difference::Configuration,
                Difference::Triple
            ]
        );
        // Where its files are follows from its hash, and is no difference.
        assert_eq!(changed(LIBRARY, &[("x-c498ea69562d442f", "x-0000000000000000")]), []);
    }

    #[test]
    fn of_a_build_script_variables_are_told_by_name_and_never_by_value() {
        let told = changed(RUN, &[("secret", "another"), ("x-53b68b6bfc950a6a", "x-0000000000000000")]);
        assert_eq!(told, [Difference::Variables(vec!["A".into()])]);
        assert!(!format!("{told:?}").contains("secret") && !format!("{told:?}").contains("another"));
        assert_eq!(changed(RUN, &[(r#","data""#, "")]), [Difference::Watched]);
        assert_eq!(changed(RUN, &[(r#""var":"B""#, r#""var":"C""#)]), [Difference::Watched]);
        assert_eq!(
            changed(WHOLE_PACKAGE, &[("a.txt", "b.txt")]),
            [Difference::Package { newest: Some("data/b.txt".into()) }]
        );
        assert_eq!(
            read(WHOLE_PACKAGE)
                .differences(&read(r#"{"rustc":1,"local":[{"Precalculated":"1.0.0"}]}"#))
                .len(),
            1
        );
        let run = read(RUN);
        let watched = run.watched().unwrap();
        assert_eq!(watched.output, "debug/build/x-53b68b6bfc950a6a/output");
        assert_eq!(watched.paths().collect::<Vec<_>>(), ["build.rs", "data"]);
    }

    #[test]
    fn dependencies_are_known_by_the_hashes_of_their_fingerprints() {
        let of = |deps: &str| read(&format!(r#"{{"deps":[{deps}]}}"#));
        let (then, now) = (
            of(r#"[1,"a",false,10],[2,"b",false,20],[3,"c",false,30]"#),
            of(r#"[1,"a",false,10],[2,"b",false,21],[4,"d",false,40,"of a later cargo"]"#),
        );
        assert_eq!(now.other_dependencies(&then), ["b", "c", "d"]);
        assert_eq!(now.dependencies_among(&BTreeSet::from([10, 30])), ["a"]);
        assert_eq!(fingerprint_hash(b"a501e606cfc00e30"), Some(3_462_917_158_900_990_373));
    }

    #[test]
    fn what_has_another_form_is_not_known() {
        for json in
            [LIBRARY, RUN, r#"{"deps":[],"local":[{"CheckDepInfo":{"dep_info":"x","fingerprint":"mtime"}}]}"#]
        {
            assert!(has_known_form(json.as_bytes()), "{json}");
        }
        for json in [
            WHOLE_PACKAGE,
            r#"{"deps":[]}"#,
            r#"{"local":[],"deps":[[1,"a",false]]}"#,
            r#"{"local":[],"deps":[[1,"a",false,2,3]]}"#,
            r#"{"deps":[],"local":[{"CheckContents":{}}]}"#,
            r#"{"deps":[],"local":["Always"]}"#,
            "[]",
            "{",
        ] {
            assert!(!has_known_form(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_cargo_is_no_panic() {
        for end in 0..RUN.len() {
            assert!(Fingerprint::parse(&RUN.as_bytes()[..end]).is_err(), "{end}");
        }
        for json in ["{\"rustc\": \"text\"}", "null", "\0\0"] {
            assert!(Fingerprint::parse(json.as_bytes()).is_err(), "{json}");
        }
        let odd = read(
            r#"{"new":1,"deps":[1,[],[1,2,3,4]],"local":["x",{"RerunIfChanged":1},{"RerunIfEnvChanged":{}}]}"#,
        );
        assert_eq!((odd.differences(&read("{}")), odd.other_dependencies(&read("{}"))), (vec![], vec![]));
        assert!(odd.watched().is_none());
        for text in [&b""[..], b"0123", b"0123456789abcdeg", b"+123456789abcdef", b"\xff\xff"] {
            assert_eq!(fingerprint_hash(text), None, "{text:?}");
        }
    }
}
