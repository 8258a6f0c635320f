//! What cargo has noted of the packages that it installed, in two files.
//!
//! `.crates.toml` tells packages and their executables, `.crates2.json` the same and all else, such as features. The first
//! counts: a package that only the second has is as good as absent, and one that only the first has was installed with
//! nothing special. Source: cargo's `common_for_install_and_uninstall.rs`. What else is in the files stays in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};
use toml::Table;

use super::tool::Tool;
use crate::store::Install;

/// The table of `.crates.toml`.
const LISTING: &str = "v1";

/// The object in `.crates2.json`.
const DETAILS: &str = "installs";

/// The two files' contents.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    listing: Table,
    details: Map<String, Value>,
    installs: Vec<Install>,
}

/// How an entry's packages fit what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit<'o> {
    /// The tool is there with all its executables.
    There,
    /// Neither records nor executables of it are there: these would be it.
    Absent(Vec<&'o Install>),
}

/// Why an entry's packages do not fit what is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Misfit {
    /// The entry has none.
    #[error("not in the entry")]
    NotOffered,
    /// Cargo has noted another version, another build or another package with such an executable.
    #[error("{0} is already installed")]
    Noted(String),
    /// Nobody knows whose it is.
    #[error("an executable named {0} already exists")]
    Executable(String),
}

impl Records {
    /// Reads the texts of `.crates.toml` and `.crates2.json`. An empty one has no record.
    pub fn parse(listing: &str, details: &str) -> Result<Self, String> {
        let mut listing: Table =
            listing.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        let mut details: Map<String, Value> = match details {
            "" => Map::new(),
            text => serde_json::from_str(text).map_err(|error| error.to_string())?,
        };
        // Without these cargo itself reads neither.
        let packages = listing.entry(LISTING).or_insert_with(|| Table::new().into()).clone();
        let packages = BTreeMap::<String, BTreeSet<String>>::deserialize(packages);
        let packages = packages.map_err(|error| error.message().to_owned())?;
        let Value::Object(more) = details.entry(DETAILS).or_insert_with(|| Map::new().into()) else {
            return Err(format!("`{DETAILS}` is not an object"));
        };
        let installs = packages.into_iter().map(|(package, bins)| {
            if let Some(bin) = bins.iter().find(|bin| !is_plain_name(bin)) {
                return Err(format!("`{bin}` is not an executable name"));
            }
            let details = more.get(&package).cloned();
            Ok(Install { package, bins: bins.into_iter().collect(), details })
        });
        let installs = installs.collect::<Result<_, _>>()?;
        Ok(Self { listing, details, installs })
    }

    /// All packages.
    pub fn installs(&self) -> &[Install] {
        &self.installs
    }

    /// The packages that are `tool`: cargo can have several, if versions have different executables.
    pub fn of<'r>(&'r self, tool: &'r Tool) -> impl Iterator<Item = &'r Install> {
        self.installs.iter().filter(|install| tool.is(&install.package))
    }

    /// Whether `tool` can come from the packages that are `offered`. `is_there` tells whether there is an executable, or
    /// anything else, of a name.
    pub fn fit<'o>(
        &self,
        tool: &Tool,
        offered: &'o [Install],
        is_there: impl Fn(&str) -> bool,
    ) -> Result<Fit<'o>, Misfit> {
        let is_whole = |install: &Install| install.bins.iter().all(|bin| is_there(bin));
        if self.of(tool).any(is_whole) {
            return Ok(Fit::There);
        }
        let offered: Vec<_> = offered.iter().filter(|install| tool.is(&install.package)).collect();
        if offered.is_empty() {
            return Err(Misfit::NotOffered);
        }
        let any_version = tool.in_any_version();
        let is_in_the_way = |other: &&Install| {
            let has_same_bin =
                || offered.iter().any(|install| install.bins.iter().any(|bin| other.bins.contains(bin)));
            // A record that is the same has merely lost its executables.
            !offered.contains(other) && (any_version.is(&other.package) || has_same_bin())
        };
        if let Some(other) = self.installs.iter().find(is_in_the_way) {
            return Err(Misfit::Noted(name_and_version(&other.package)));
        }
        let mut bins = offered.iter().flat_map(|install| &install.bins);
        match bins.find(|bin| is_there(bin)) {
            Some(bin) => Err(Misfit::Executable(bin.clone())),
            None => Ok(Fit::Absent(offered)),
        }
    }

    /// Adds a package.
    pub fn add(&mut self, install: &Install) {
        let Install { package, bins, details } = install;
        if let Some(toml::Value::Table(listing)) = self.listing.get_mut(LISTING) {
            listing.insert(package.clone(), bins.clone().into());
        }
        if let (Some(Value::Object(all)), Some(details)) = (self.details.get_mut(DETAILS), details) {
            all.insert(package.clone(), details.clone());
        }
        self.installs.retain(|other| other.package != *package);
        self.installs.push(install.clone());
    }

    /// The texts of `.crates.toml` and `.crates2.json`.
    pub fn texts(&self) -> (String, String) {
        (self.listing.to_string(), Value::from(self.details.clone()).to_string())
    }
}

/// What may be told of a package. Its source is a URL, and that may hold a secret.
pub fn name_and_version(package: &str) -> String {
    package.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Whether cargo's words for a package may hold a secret: a name, password or token before its source's host. `git` is
/// whom hosts call all who come with a key of their own.
pub fn may_hold_secret(package: &str) -> bool {
    let Some((_, url)) = package.split_once("://") else { return false };
    let host = url.split(['/', '?', '#']).next().unwrap_or(url);
    host.rsplit_once('@').is_some_and(|(user, _)| user != "git")
}

/// Whether a name is that of one file in a directory, as those of cargo's targets are.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING_TEXT: &str = r#"
mine = 1
[v1]
"other 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)" = ["other", "other-2"]
"tool 1.2.0 (registry+https://github.com/rust-lang/crates.io-index)" = ["tool"]
"#;

    const DETAILS_TEXT: &str = r#"{"installs": {
        "other 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)":
            {"bins": ["other", "other-2"], "features": ["f"], "future": [1.5, null]},
        "gone 1.0.0 (path+file:///gone)": {}
    }, "future": {"a": true}}"#;

    fn records() -> Records {
        Records::parse(LISTING_TEXT, DETAILS_TEXT).unwrap()
    }

    fn tool(text: &str) -> Tool {
        let (name, version) =
            text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        Tool { name: name.into(), version: version.map(|version| version.parse().unwrap()) }
    }

    fn install(package: &str, bins: &[&str]) -> Install {
        let details = serde_json::json!({"bins": bins, "features": []});
        let bins = bins.iter().map(ToString::to_string).collect();
        Install {
            package: format!("{package} (registry+https://example.com/i)"),
            bins,
            details: Some(details),
        }
    }

    #[test]
    fn what_is_added_is_read_again_and_all_else_stays() {
        let before = records();
        let mut records = before.clone();
        let added = install("new 0.1.0", &["a", "b"]);
        records.add(&added);
        let (listing, details) = records.texts();
        let read = Records::parse(&listing, &details).unwrap();
        assert_eq!(read.of(&tool("new")).collect::<Vec<_>>(), [&added]);
        assert!(before.installs.iter().all(|install| read.installs.contains(install)), "{read:?}");
        assert_eq!(read.listing["mine"], before.listing["mine"]);
        assert_eq!(read.details["future"], before.details["future"]);
        assert_eq!(read.details[DETAILS]["gone 1.0.0 (path+file:///gone)"], serde_json::json!({}));
    }

    #[test]
    fn files_that_are_not_there_become_such_as_cargo_reads() {
        let mut records = Records::parse("", "").unwrap();
        records.add(&Install { details: None, ..install("t 1.0.0", &["t"]) });
        let (listing, details) = records.texts();
        assert_eq!(listing, "[v1]\n\"t 1.0.0 (registry+https://example.com/i)\" = [\"t\"]\n");
        assert_eq!(details, "{\"installs\":{}}");
    }

    #[test]
    fn what_is_not_of_cargo_is_refused() {
        for (listing, details) in [
            ("[v1", ""),
            ("v1 = 1", ""),
            ("[v1]\n\"a 1.0.0 (x)\" = [1]", ""),
            ("[v1]\n\"a 1.0.0 (x)\" = [\"../a\"]", ""),
            ("", "[]"),
            ("", "{\"installs\": 1}"),
            ("", "\n"),
        ] {
            assert!(Records::parse(listing, details).is_err(), "{listing:?} {details:?}");
        }
    }

    #[test]
    fn a_version_is_that_of_cargos_record() {
        let records = records();
        let count = |text: &str| records.of(&tool(text)).count();
        assert_eq!([count("tool"), count("tool@1.2.0"), count("tool@1.2.0+build")], [1, 1, 1]);
        assert_eq!([count("tool@1.2.1"), count("too"), count("other-2"), count("gone")], [0; 4]);
    }

    #[test]
    fn a_tool_fits_where_neither_a_record_nor_an_executable_is_in_its_way() {
        let records = records();
        let offered = [
            install("new 0.1.0", &["a", "b"]),
            install("tool 1.3.0", &["tool"]),
            install("thief 1.0.0", &["other-2"]),
        ];
        let fit = |text: &str, there: &[&str]| records.fit(&tool(text), &offered, |bin| there.contains(&bin));
        assert_eq!(fit("new", &["tool"]), Ok(Fit::Absent(vec![&offered[0]])));
        assert_eq!(fit("new@0.1.1", &[]), Err(Misfit::NotOffered));
        assert_eq!(fit("new", &["b"]), Err(Misfit::Executable("b".into())));
        assert_eq!(fit("tool", &["tool"]), Ok(Fit::There), "any version will do");
        for (text, there) in [("tool@1.3.0", &["tool"][..]), ("tool", &[]), ("thief", &[])] {
            assert!(matches!(fit(text, there), Err(Misfit::Noted(_))), "{text}");
        }
    }

    #[test]
    fn a_record_that_lost_its_executables_gets_them_back_if_it_is_of_the_same_build() {
        let mut records = Records::parse("", "").unwrap();
        let same = install("t 1.0.0", &["t"]);
        records.add(&same);
        let fits = |offered: Install| records.fit(&tool("t"), &[offered], |_| false).is_ok();
        assert!(fits(same.clone()));
        assert!(!fits(Install { details: Some(serde_json::json!({"features": ["f"]})), ..same }));
    }

    #[test]
    fn a_url_with_a_password_or_a_token_may_be_a_secret() {
        let holds = |url: &str| may_hold_secret(&format!("t 1.0.0 ({url})"));
        for url in ["git+https://token@h/o/r?branch=a#0", "registry+https://u:p@h/i", "git+ssh://me:p@h/r#0"]
        {
            assert!(holds(url), "{url}");
        }
        for url in
            ["registry+https://h/i", "git+ssh://git@h/o/r#0", "path+file:///a@b/c", "git+https://h/@x/y#0"]
        {
            assert!(!holds(url), "{url}");
        }
    }
}
