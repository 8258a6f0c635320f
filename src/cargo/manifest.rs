//! Manifests of packages: what they say of the package, by themselves and by the workspace around it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::sys::file;

/// Manifests, each read once: that of a workspace tells of many packages.
#[derive(Debug, Default)]
pub struct Manifests {
    read: RefCell<HashMap<PathBuf, Option<Rc<toml::Table>>>>,
}

impl Manifests {
    /// The manifest in `directory`, if it can be read.
    pub(super) fn at(&self, directory: &Path) -> Option<Rc<toml::Table>> {
        if let Some(known) = self.read.borrow().get(directory) {
            return known.clone();
        }
        let manifest = manifest(directory).map(Rc::new);
        self.read.borrow_mut().insert(directory.to_path_buf(), manifest.clone());
        manifest
    }

    /// The version of the package in `directory`, and what else its manifest inherits from the workspace around it, within
    /// `limit`: what units of it are told besides their sources.
    pub fn version(&self, directory: &Path, limit: &Path) -> Option<String> {
        let manifest = self.at(directory)?;
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
            let manifest = self.at(&directory)?;
            Some(manifest.get("workspace")?.as_table()?.get("package")?.as_table()?.clone())
        })?;
        let told = inherited.into_iter().map(|(name, _)| {
            let value = workspace.get(name).map(ToString::to_string).unwrap_or_default();
            format!("{name} = {value}")
        });
        Some(own.into_iter().chain(told).collect::<Vec<_>>().join("\n"))
    }
}

/// The manifest in `directory`, if it can be read.
pub(super) fn manifest(directory: &Path) -> Option<toml::Table> {
    let path = directory.join("Cargo.toml");
    String::from_utf8(file::read_if_present(&path).ok()??).ok()?.parse().ok()
}

/// The part of a manifest that is about the package; cargo still takes the name that it had before 1.0.
fn package(manifest: &toml::Table) -> Option<&toml::Table> {
    manifest.get("package").or(manifest.get("project"))?.as_table()
}

/// The name of the package that a manifest is of.
pub(super) fn name(manifest: &toml::Table) -> Option<String> {
    Some(package(manifest)?.get("name")?.as_str()?.to_owned())
}
