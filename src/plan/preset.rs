//! Presets: what a tool keeps, and what that depends on, as data. Each of the program's own is a file in `presets/`; those
//! of a repository are in its `.github/runner-cache.yml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parse::{Unreadable, near_miss, parse_words};
use crate::github::Environment;

/// Where a repository describes presets of its own, below the job's directory.
pub const OWN_PRESETS: &str = ".github/runner-cache.yml";

/// The program's own presets.
const BUILT_IN: [(&str, &str); 11] = [
    ("npm", include_str!("presets/npm.yml")),
    ("pnpm", include_str!("presets/pnpm.yml")),
    ("yarn", include_str!("presets/yarn.yml")),
    ("pip", include_str!("presets/pip.yml")),
    ("uv", include_str!("presets/uv.yml")),
    ("go", include_str!("presets/go.yml")),
    ("gradle", include_str!("presets/gradle.yml")),
    ("maven", include_str!("presets/maven.yml")),
    ("sccache", include_str!("presets/sccache.yml")),
    ("kani", include_str!("presets/kani.yml")),
    ("rustup", include_str!("presets/rustup.yml")),
];

/// Names that mean something else: what a Rust workspace has is found out, not described.
const RESERVED: [&str; 3] = [AUTO, NONE, CARGO];

const AUTO: &str = "auto";
const NONE: &str = "none";
const CARGO: &str = "cargo";

/// The input `preset`: what is cached without being listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presets {
    /// `cargo` where there is a `Cargo.toml`, else nothing.
    Auto,
    /// What is named; `none` names nothing.
    Named {
        /// A Rust workspace: cargo's downloads and the target directory.
        cargo: bool,
        /// Presets that files describe.
        others: Vec<String>,
    },
}

/// What a tool keeps, and what that depends on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Preset {
    /// What it is, for people.
    #[serde(default)]
    pub about: String,
    /// What is cached.
    pub paths: Vec<Place>,
    /// Patterns of what is not, relative to each of the paths.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Files whose contents belong into the key, as paths or patterns. Those that are not there do not count.
    #[serde(default)]
    pub key_files: Vec<String>,
    /// A command whose output belongs into the key, program first. One that fails says nothing.
    #[serde(default)]
    pub version: Vec<String>,
    /// Patterns of files that the tool replaces and never rewrites, relative to each of the paths: an entry and a job may
    /// share them.
    #[serde(default)]
    pub replaced: Vec<String>,
    /// Whether each directory in the paths comes as a whole, and only where it is not there: half of one and half of another
    /// would be neither.
    #[serde(default)]
    pub whole: bool,
    /// Whether files that are there already make way for an entry's; else they stay.
    #[serde(default)]
    pub overwrite: bool,
    /// Whether the key settles what is cached, so that nothing is saved after an exact hit.
    #[serde(default = "is_settled_by_default")]
    pub settled: bool,
}

fn is_settled_by_default() -> bool {
    true
}

/// A path in the language of the input `path`, where it begins with `$NAME` below a variable's value; or several, of which
/// the first counts that tells one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a path is a string or a list of strings")]
pub enum Place {
    /// One path.
    Path(String),
    /// The first of these.
    FirstOf(Vec<Choice>),
}

/// What may tell a path. All but the path itself are for the program's own presets: a repository is not to have commands run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a path is a string")]
pub enum Choice {
    /// A path that has no variable, or one that is set.
    Path(String),
    /// Where the tool says that it is.
    Asked(Asked),
    /// Where the tool's file in the job's directory says that it is.
    Noted(Noted),
    /// A path for the superuser.
    OfRoot(OfRoot),
}

/// A question to a tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The command, program first. It must run nothing of the checkout, and download nothing.
    pub ask: Vec<String>,
    /// The path below what it says.
    #[serde(default)]
    pub below: String,
}

/// A setting in a YAML file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// The file.
    pub file: String,
    /// The name of the setting.
    pub key: String,
    /// The path below what it says.
    #[serde(default)]
    pub below: String,
}

/// See [`Choice::OfRoot`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OfRoot {
    /// The path.
    pub as_root: String,
}

/// What of a job tells where presets' paths are, besides its environment.
pub trait Tells {
    /// What a tool says, in one line; nothing where it cannot be asked.
    fn answer(&self, command: &[String]) -> Option<String>;
    /// What a file of the job's directory says.
    fn note(&self, file: &str, key: &str) -> Option<String>;
    /// Whether the user is the superuser.
    fn is_root(&self) -> bool;
}

/// A path of a preset as this job has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetPath {
    /// Its name in an entry: the same wherever it lies.
    pub name: String,
    /// The path, in the language of the input `path`.
    pub line: String,
    /// The preset whose path it is.
    pub preset: Preset,
}

impl Presets {
    /// Nothing is cached but what is listed.
    pub const NONE: Self = Self::Named { cargo: false, others: Vec::new() };

    /// A Rust workspace and nothing else.
    pub const CARGO: Self = Self::Named { cargo: true, others: Vec::new() };

    /// Whether cargo's layers may take part.
    pub fn may_be_rust(&self) -> bool {
        !matches!(self, Self::Named { cargo: false, .. })
    }

    /// The presets that files describe.
    pub fn others(&self) -> &[String] {
        match self {
            Self::Auto => &[],
            Self::Named { others, .. } => others,
        }
    }
}

impl std::str::FromStr for Presets {
    type Err = Unreadable;

    /// Reads a list such as `cargo,npm`. Whether there are such presets is found out in [`choose`].
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut words = parse_words(text);
        if let [word] = &*words
            && word == AUTO
        {
            return Ok(Self::Auto);
        }
        if words == [NONE] {
            return Ok(Self::NONE);
        }
        if let Some(alone) = words.iter().find(|word| [AUTO, NONE].contains(&word.as_str())) {
            return Err(Unreadable::new(format!(
                "`{alone}` cannot be combined with others; allowed: lists such as `cargo,npm`"
            )));
        }
        if words.is_empty() {
            return Err(Unreadable::new(format!("is empty; allowed: {}", names(&BTreeMap::new()))));
        }
        let cargo = words.iter().any(|word| word == CARGO);
        words.retain(|word| word != CARGO);
        words.sort_unstable();
        words.dedup();
        Ok(Self::Named { cargo, others: words })
    }
}

impl std::fmt::Display for Presets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Named { cargo: false, others } if others.is_empty() => f.write_str(NONE),
            Self::Named { cargo, others } => {
                let words = cargo.then_some(CARGO).into_iter().chain(others.iter().map(String::as_str));
                f.write_str(&words.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The program's own presets with their names.
pub fn built_in_presets() -> Vec<(&'static str, Preset)> {
    let parsed = |text| serde_yaml::from_str(text).expect("a test reads all of them");
    BUILT_IN.map(|(name, text)| (name, parsed(text))).into()
}

/// Reads the text of a repository's file: its presets by their names.
pub fn parse_own_presets(text: &str) -> Result<BTreeMap<String, Preset>, Unreadable> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        presets: BTreeMap<String, Preset>,
    }
    let own: Own = serde_yaml::from_str(text).map_err(|error| Unreadable::new(error.to_string()))?;
    for (name, preset) in &own.presets {
        if RESERVED.contains(&name.as_str()) || parse_words(name) != [name.as_str()] {
            let what = "a name has no blanks or commas and is not one of";
            return Err(Unreadable::new(format!("presets.{name}: {what} {}", RESERVED.join(", "))));
        }
        if preset.paths.is_empty() {
            return Err(Unreadable::new(format!("presets.{name}.paths: empty")));
        }
        let is_text = |choice: &Choice| matches!(choice, Choice::Path(_));
        if !preset.paths.iter().all(|place| place.choices().iter().all(is_text)) {
            let what = "a path is a string or a list of strings: only built-in presets can ask tools";
            return Err(Unreadable::new(format!("presets.{name}.paths: {what}")));
        }
        let names_nothing = |place: &Place| place.texts().all(|path| path.trim().is_empty());
        if preset.paths.iter().any(names_nothing) {
            let what = "an empty path; allowed: a path, or several in brackets";
            return Err(Unreadable::new(format!("presets.{name}.paths: {what}")));
        }
    }
    Ok(own.presets)
}

/// The presets called `chosen`, those of the repository before the program's.
pub fn choose(
    chosen: &[String],
    mut own: BTreeMap<String, Preset>,
) -> Result<Vec<(String, Preset)>, Unreadable> {
    let allowed = names(&own);
    let mut built_in: BTreeMap<_, _> = built_in_presets().into_iter().collect();
    let preset = |name: &String| {
        let preset = own.remove(name).or_else(|| built_in.remove(name.as_str()));
        let unknown = || {
            let near = near_miss(name, allowed.split(", "));
            Unreadable::new(format!("`{name}` is not a preset; allowed: {allowed}{near}"))
        };
        Ok((name.clone(), preset.ok_or_else(unknown)?))
    };
    chosen.iter().map(preset).collect()
}

fn names(own: &BTreeMap<String, Preset>) -> String {
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    let more = own.keys().map(String::as_str).filter(|name| BUILT_IN.iter().all(|(other, _)| other != name));
    RESERVED.into_iter().chain(built_in).chain(more).collect::<Vec<_>>().join(", ")
}

impl Preset {
    /// The paths of this preset, called `name`, where `env` has them or something `tells` them. Those are left out whose
    /// variables are not set.
    pub fn paths_in(&self, name: &str, env: &Environment, tells: &dyn Tells) -> Vec<PresetPath> {
        let path = |place: &Place| {
            Some(PresetPath {
                name: format!("{name}: {}", place.texts().last()?),
                line: place.choices().iter().find_map(|choice| choice.path(env, tells))?,
                preset: self.clone(),
            })
        };
        self.paths.iter().filter_map(path).collect()
    }

    /// The variables for which paths are left out in `env`.
    pub fn unset_in(&self, env: &Environment) -> Vec<&str> {
        let is_there = |place: &&Place| place.texts().any(|path| with_variable(path, env).is_some());
        let left_out = self.paths.iter().filter(|place| !is_there(place));
        left_out.flat_map(Place::texts).filter_map(|path| Some(variable_of(path)?.0)).collect()
    }
}

impl Place {
    /// All that may tell it, best first.
    pub fn choices(&self) -> Vec<Choice> {
        match self {
            Self::Path(path) => vec![Choice::Path(path.clone())],
            Self::FirstOf(choices) => choices.clone(),
        }
    }

    /// The paths among these.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Self::Path(path) => (Some(path.as_str()), &[][..]),
            Self::FirstOf(choices) => (None, &choices[..]),
        };
        one.into_iter().chain(several.iter().filter_map(|choice| match choice {
            Choice::Path(path) => Some(path.as_str()),
            _ => None,
        }))
    }
}

impl Choice {
    fn path(&self, env: &Environment, tells: &dyn Tells) -> Option<String> {
        let below =
            |path: String, below: &str| if below.is_empty() { path } else { format!("{path}/{below}") };
        match self {
            Self::Path(path) => with_variable(path, env),
            Self::Asked(asked) => {
                let told = tells.answer(&asked.ask).filter(|told| told.starts_with('/'))?;
                Some(below(globset::escape(&told), &asked.below))
            }
            // What has a variable in it is not for us to resolve.
            Self::Noted(noted) => {
                let told = tells.note(&noted.file, &noted.key).filter(|told| !told.contains("${"))?;
                Some(below(globset::escape(&told), &noted.below))
            }
            Self::OfRoot(of_root) => tells.is_root().then(|| of_root.as_root.clone()),
        }
    }
}

/// The variable with which a path begins, and what follows it.
fn variable_of(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix('$')?;
    Some(rest.split_at(rest.find('/').unwrap_or(rest.len())))
}

fn with_variable(path: &str, env: &Environment) -> Option<String> {
    let Some((name, below)) = variable_of(path) else { return Some(path.to_owned()) };
    let value = env.get(name)?;
    // Of a list, such as `GOPATH`, tools write into the first.
    let value = if name.ends_with("PATH") { value.split(':').find(|part| !part.is_empty())? } else { value };
    Some(format!("{}{below}", globset::escape(value)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tree::Selection;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_program_brings_can_be_read_and_stays_in_home_and_workspace() {
        for (name, preset) in built_in_presets() {
            assert!(!preset.about.is_empty() && !preset.paths.is_empty(), "{name}");
            Selection::new(&preset.key_files, &preset.exclude).unwrap();
            Selection::new(&preset.replaced, &[]).unwrap();
            for place in &preset.paths {
                let texts: Vec<_> = place.texts().collect();
                let (last, before) = texts.split_last().unwrap();
                assert!(before.iter().all(|path| path.starts_with('$')), "{name}: {before:?}");
                assert!(!last.starts_with(['/', '$', '!']) && *last != "~", "{name}: {last}");
                assert!(texts.iter().all(|path| !path.contains("..")), "{name}: {place:?}");
                assert!(matches!(place.choices().last(), Some(Choice::Path(_))), "{name}: {place:?}");
            }
        }
    }

    #[test]
    fn the_first_path_counts_whose_variable_is_set_under_one_name() {
        let preset: Preset = serde_yaml::from_str("paths: [[$A/x, $B, ~/c], $A, d]").unwrap();
        let paths = |env: Environment| {
            let paths = preset.paths_in("p", &env, &Silent).into_iter();
            paths.map(|path| format!("{} = {}", path.name, path.line)).collect::<Vec<_>>()
        };
        assert_eq!(paths(Environment::from([])), ["p: ~/c = ~/c", "p: d = d"]);
        assert_eq!(paths(Environment::from([("B", "/b"), ("A", "")])), ["p: ~/c = /b", "p: d = d"]);
        let with_a = paths(Environment::from([("A", "/a")]));
        assert_eq!(with_a, ["p: ~/c = /a/x", "p: $A = /a", "p: d = d"]);
    }

    pub(in crate::plan) struct Silent;

    impl Tells for Silent {
        fn answer(&self, _: &[String]) -> Option<String> {
            None
        }

        fn note(&self, _: &str, _: &str) -> Option<String> {
            None
        }

        fn is_root(&self) -> bool {
            false
        }
    }

    struct Talkative(&'static str);

    impl Tells for Talkative {
        fn answer(&self, command: &[String]) -> Option<String> {
            Some(format!("{}{}", self.0, command.concat()))
        }

        fn note(&self, file: &str, key: &str) -> Option<String> {
            Some(format!("{}{file}.{key}", self.0))
        }

        fn is_root(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_tool_is_asked_where_no_variable_tells() {
        let preset: Preset = serde_yaml::from_str(
            "paths: [[$A, { ask: [t, w], below: b }, c], [{ file: f, key: k }, c], [{ as-root: /r }, c]]",
        )
        .unwrap();
        let lines = |env: Environment, tells: &dyn Tells| {
            preset.paths_in("p", &env, tells).into_iter().map(|path| path.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(Environment::default(), &Silent), ["c", "c", "c"]);
        assert_eq!(lines(Environment::default(), &Talkative("/")), ["/tw/b", "/f.k", "/r"]);
        assert_eq!(lines(Environment::from([("A", "/a")]), &Talkative("/")), ["/a", "/f.k", "/r"]);
        // An answer is a path, or none; a note may be relative to the job's directory, and has no variable.
        assert_eq!(lines(Environment::default(), &Talkative("x")), ["c", "xf.k", "/r"]);
        assert_eq!(lines(Environment::default(), &Talkative("/${HOME}/")), ["/$[{]HOME[}]/tw/b", "c", "/r"]);
    }

    #[test]
    fn the_input_is_a_list_in_which_some_words_stand_alone() {
        let read = |text: &str| text.parse::<Presets>();
        assert_eq!(read("auto").unwrap(), Presets::Auto);
        assert_eq!(read("none").unwrap(), Presets::NONE);
        assert_eq!(read("cargo").unwrap(), Presets::CARGO);
        let named = Presets::Named { cargo: true, others: lines(&["npm", "own"]) };
        assert_eq!(read("own, npm cargo,npm").unwrap(), named);
        assert_eq!(named.to_string(), "cargo,npm,own");
        for wrong in ["", "auto,npm", "npm none", "auto,none"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_preset_is_told_with_a_near_miss_also_of_a_repositorys_own() {
        let own = parse_own_presets("presets: { bazel: { paths: [x] }, npm: { paths: [y] } }").unwrap();
        let told = |name| choose(&lines(&[name]), own.clone()).unwrap_err().to_string();
        let allowed =
            "auto, none, cargo, npm, pnpm, yarn, pip, uv, go, gradle, maven, sccache, kani, rustup, bazel";
        assert_eq!(
            told("basel"),
            format!("`basel` is not a preset; allowed: {allowed}; did you mean `bazel`?")
        );
        assert_eq!(told("qqq"), format!("`qqq` is not a preset; allowed: {allowed}"));
        let chosen = choose(&lines(&["npm"]), own).unwrap();
        assert_eq!(chosen[0].1.paths, [Place::Path("y".into())], "a repository's own comes first");
    }

    #[test]
    fn what_is_wrong_in_a_repositorys_file_is_named() {
        for (text, what) in [
            ("presets: { a: { paths: [x], pathes: [y] } }", "pathes"),
            ("preset: {}", "preset"),
            ("presets: { a: { key-files: [x] } }", "paths"),
            ("presets: { a: { paths: [{ env: X }] } }", "a path is a string or a list of strings"),
            ("presets: { a: { paths: [[{ ask: [x] }, y]] } }", "only built-in presets can ask tools"),
            ("presets: { a: { paths: [] } }", "presets.a.paths: empty"),
            ("presets: { a: { paths: [x, []] } }", "presets.a.paths: an empty path; allowed: "),
            ("presets: { a: { paths: [\"\"] } }", "presets.a.paths: an empty path; allowed: "),
            ("presets: { cargo: { paths: [x] } }", "presets.cargo: "),
            ("presets: { a b: { paths: [x] } }", "presets.a b: "),
            ("presets: [", "line 1"),
        ] {
            let told = parse_own_presets(text).unwrap_err().to_string();
            assert!(told.contains(what), "{text}: {told}");
        }
    }
}
