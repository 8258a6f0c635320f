//! A tool that a user asks for: a package of which `cargo install` makes executables.

use std::fmt;

use cargo_metadata::semver::Version;
use serde::{Deserialize, Serialize};

/// A package, in any version or in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tool {
    /// The package's name.
    pub name: String,
    /// The version that it must have.
    pub version: Option<Version>,
}

impl Tool {
    /// Whether `package`, in cargo's words `<name> <version> (<source>)`, is this one.
    pub fn is(&self, package: &str) -> bool {
        let mut words = package.split(' ');
        let is_name = words.next() == Some(&self.name);
        // As for cargo, what a version says of its build does not tell it from another one.
        let is_version = |wanted: &Version| {
            let version = words.next().and_then(|word| Version::parse(word).ok());
            version.is_some_and(|version| version.cmp_precedence(wanted).is_eq())
        };
        is_name && self.version.as_ref().is_none_or(is_version)
    }

    /// The same package, whatever its version.
    #[must_use]
    pub fn in_any_version(&self) -> Self {
        Self { name: self.name.clone(), version: None }
    }
}

impl fmt::Display for Tool {
    /// As it is asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
