//! Packages of the sources: where each is, and what its manifest says of it.

use std::path::{Path, PathBuf};

use super::source_trees::SourceTrees;
use crate::store::SourceId;
use crate::sys::file;
use crate::tree::Kind;

/// A package among the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its directory.
    pub(super) directory: SourceId,
    /// Its version, see [`version`].
    pub(super) version: Option<String>,
}

/// All packages of the sources.
pub(super) fn packages(sources: &SourceTrees<'_>) -> Vec<Package> {
    let mut packages = Vec::new();
    for (number, directory, tree) in sources.iter() {
        for (id, node) in tree.iter() {
            if tree.name(id) != b"Cargo.toml" || matches!(node.kind, Kind::Directory { .. }) {
                continue;
            }
            let own = SourceId { sources: number, node: node.parent };
            let path = sources.path(own);
            // A package of an inner checkout is there as well.
            let is_known = packages.iter().any(|package: &Package| sources.path(package.directory) == path);
            let Some(name) = manifest(&path).as_ref().and_then(name).filter(|_| !is_known) else { continue };
            packages.push(Package { name, directory: own, version: version(&path, directory) });
        }
    }
    packages
}

/// The version of the package in `directory`, and what else its manifest inherits from the workspace around it, within `limit`:
/// what units of it are told besides their sources.
pub fn version(directory: &Path, limit: &Path) -> Option<String> {
    let manifest = manifest(directory)?;
    let package = package(&manifest)?;
    let is_inherited =
        |value: &toml::Value| value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    let inherited: Vec<_> = package.iter().filter(|(_, value)| is_inherited(value)).collect();
    let own = package.get("version").and_then(toml::Value::as_str).map(str::to_owned);
    if inherited.is_empty() {
        return own;
    }
    let named = package
        .get("workspace")
        .and_then(toml::Value::as_str)
        .map(|path| file::normal(&directory.join(path)));
    let around = directory.ancestors().map(Path::to_path_buf);
    let around = around.filter(|directory| directory.starts_with(limit));
    let mut around = named.into_iter().chain(around);
    let workspace = around.find_map(|directory| {
        let manifest = self::manifest(&directory)?;
        Some(manifest.get("workspace")?.as_table()?.get("package")?.as_table()?.clone())
    })?;
    let told = inherited.into_iter().map(|(name, _)| {
        let value = workspace.get(name).map(ToString::to_string).unwrap_or_default();
        format!("{name} = {value}")
    });
    Some(own.into_iter().chain(told).collect::<Vec<_>>().join("\n"))
}

/// The manifest in `directory`, if it can be read.
pub(super) fn manifest(directory: &Path) -> Option<toml::Table> {
    let path: PathBuf = directory.join("Cargo.toml");
    String::from_utf8(file::read_if_present(&path).ok()??).ok()?.parse().ok()
}

/// The part of a manifest that is about the package; cargo still takes the name that it had before 1.0.
fn package(manifest: &toml::Table) -> Option<&toml::Table> {
    manifest.get("package").or(manifest.get("project"))?.as_table()
}

fn name(manifest: &toml::Table) -> Option<String> {
    Some(package(manifest)?.get("name")?.as_str()?.to_owned())
}
