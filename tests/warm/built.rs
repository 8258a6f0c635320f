//! What cargo commands built, by their messages.

use std::collections::BTreeSet;

use cargo_metadata::{Message, PackageId};
use test_support::Job;

/// Name and version.
pub(crate) type Package = (String, String);

/// What one or more commands were about.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// What was to be compiled or run, each by the files that only it makes.
    pub(crate) units: BTreeSet<String>,
    /// Packages that these are of.
    pub(crate) packages: BTreeSet<Package>,
    /// Packages of which something was not fresh.
    pub(crate) compiled: BTreeSet<Package>,
}

impl Built {
    /// Runs cargo for the whole workspace.
    pub(crate) fn by(job: &Job, command: &str) -> Self {
        job.sh(&format!("{command} --locked --workspace --message-format=json -q > $HOME/../messages"));
        let mut built = Self::default();
        for message in Message::parse_stream(job.read("messages").as_bytes()) {
            match message.unwrap() {
                Message::CompilerArtifact(artifact) => {
                    let package = package(&artifact.package_id);
                    if !artifact.fresh {
                        built.compiled.insert(package.clone());
                    }
                    built.packages.insert(package);
                    built.units.insert(artifact.filenames.iter().map(|name| name.as_str()).collect());
                }
                Message::BuildScriptExecuted(script) => {
                    built.units.insert(script.out_dir.into_string());
                }
                _ => {}
            }
        }
        built
    }

    /// Names of the packages of which something was not fresh.
    pub(crate) fn compiled_names(&self) -> BTreeSet<&str> {
        self.compiled.iter().map(|(name, _)| &**name).collect()
    }
}

/// Of `<source>#<name>@<version>`, or `<source>#<version>` where the source ends with the name.
fn package(id: &PackageId) -> Package {
    let (source, fragment) = id.repr.rsplit_once('#').unwrap();
    let (name, version) =
        fragment.split_once('@').or_else(|| Some((source.rsplit_once('/')?.1, fragment))).unwrap();
    (name.to_owned(), version.to_owned())
}
