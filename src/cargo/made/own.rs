//! Which packages of the sources a unit is of, and what is in them.

use std::path::{Path, PathBuf};

use super::super::outside::{is_of_host, is_settled};
use super::super::package::Package;
use super::super::source_trees::nodes_of_package;
use super::read::ReadUnits;
use super::{Noting, OutputDirectory};
use crate::store::SourceId;
use crate::sys::file;

impl Noting<'_> {
    /// The packages that a unit can be of, by name and by where its first source lies; `None` where there is none.
    pub(super) fn own_packages(
        &self,
        output: &OutputDirectory<'_>,
        read: &ReadUnits,
        index: usize,
    ) -> Option<Vec<u32>> {
        let target = output.tree;
        let name = read.units[index].names(target).0;
        let named = (0..).zip(self.packages).filter(|(_, package)| package.name.as_bytes() == name);
        let named: Vec<(u32, &Package)> = named.collect();
        // A run of a build script is of the package of the script.
        let record = read.records[index].as_ref()?;
        let script = || {
            let needs = read.needs[index].iter().flatten();
            let scripts = needs.filter(|&&need| read.units[need].names(target).0 == name);
            scripts.filter_map(|&need| read.records[need].as_ref()).find(|record| !record.sources.is_empty())
        };
        let record = if record.sources.is_empty() { script() } else { Some(record) };
        let first = record.and_then(|record| record.sources.first());
        let is_around = |(_, package): &&(u32, &Package)| {
            let directory = self.making.sources.path(package.directory);
            first.is_some_and(|first| {
                output.workspaces.iter().any(|workspace| workspace.join(first).starts_with(&directory))
            })
        };
        let around: Vec<_> = named.iter().filter(is_around).map(|(number, _)| *number).collect();
        let found =
            if around.is_empty() { named.into_iter().map(|(number, _)| number).collect() } else { around };
        (!found.is_empty()).then_some(found)
    }

    pub(super) fn package_directory(&self, package: u32) -> PathBuf {
        self.making.sources.path(self.packages[package as usize].directory)
    }

    /// Whether there are packages at or below a directory.
    pub(super) fn has_packages(&self, directory: &Path) -> bool {
        (0..).zip(self.packages).any(|(package, _)| self.package_directory(package).starts_with(directory))
    }

    /// Whether a directory outside of the sources is one that somebody keeps files for builds in, and none of the system's, or a
    /// home, or one that all share, such as `/tmp`.
    pub(super) fn is_for_builds(&self, path: &Path) -> bool {
        let depth = path.components().count() - 1;
        let is_deep = depth > 2 || depth == 2 && (path.starts_with("/opt") || path.starts_with("/srv"));
        is_deep
            && !["/usr", "/var"].iter().any(|place| path.starts_with(place))
            && !is_of_host(path)
            && !is_settled(path, self.making.home)
            && !self.making.home.is_some_and(|home| home.starts_with(path))
            && !self.places.iter().any(|place| place.starts_with(path))
            && file::is_dir(path)
    }

    /// Whether one of `directories` lies at or below `path`, or that is of a target directory.
    pub(super) fn is_around(&self, path: &Path, directories: &[PathBuf]) -> bool {
        directories.iter().any(|directory| directory.starts_with(path))
            || self.outputs.iter().any(|output| path.starts_with(output))
    }

    /// The directories around the packages `own`, themselves included, as far as they are sources.
    pub(super) fn directories_around(&self, own: &[u32]) -> Vec<PathBuf> {
        let mut around: Vec<PathBuf> = Vec::new();
        for package in own.iter().map(|&package| self.package_directory(package)) {
            let is_source = |directory: &&Path| self.making.sources.lead(directory).outside.is_none();
            for directory in package.ancestors().take_while(is_source) {
                if !around.iter().any(|known| known == directory) {
                    around.push(directory.to_path_buf());
                }
            }
        }
        around
    }

    pub(super) fn is_directory(&self, id: SourceId) -> bool {
        self.making.sources.tree(id.sources).node(id.node).kind.is_directory()
    }

    pub(super) fn files_of_package(&self, package: u32) -> Vec<SourceId> {
        self.nodes_of_package(package).into_iter().filter(|id| !self.is_directory(*id)).collect()
    }

    /// All that is in a package, but for the packages within it.
    pub(super) fn nodes_of_package(&self, package: u32) -> Vec<SourceId> {
        let directory = self.packages[package as usize].directory;
        let is_other = |node| self.package_directories.contains(&SourceId { node, ..directory });
        let tree = self.making.sources.tree(directory.sources);
        let nodes = nodes_of_package(tree, directory.node, is_other).into_iter();
        nodes.map(|node| SourceId { node, ..directory }).collect()
    }
}
