//! What lists name: cargo's, rustc's, a build script's. And what goes with it: links, neighbours, what clippy looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::dep_info::Base;
use super::super::record::Record;
use super::collected::Collected;
use super::{Noting, OutputDirectory};
use crate::store::SourceId;
use crate::sys::file;
use crate::tree::Kind;

const CONFIGURATIONS_OF_CLIPPY: [&str; 2] = ["clippy.toml", ".clippy.toml"];

impl Noting<'_> {
    pub(super) fn add_manifests(&mut self, inputs: &mut Collected, own: &[u32]) {
        for &package in own {
            let manifest = self.package_directory(package).join("Cargo.toml");
            self.add(&mut inputs.read, &mut inputs.outside, &manifest);
        }
    }

    /// Where clippy looks for its configuration and finds none: in a package's directory and those around it.
    pub(super) fn add_absent(&self, inputs: &mut Collected, own: &[u32]) {
        for &package in own {
            let directory = self.packages[package as usize].directory;
            let tree = self.making.sources.tree(directory.sources);
            let around = std::iter::successors(Some(directory.node), |&node| {
                (node != 0).then(|| tree.node(node).parent)
            });
            for (node, name) in around.flat_map(|node| CONFIGURATIONS_OF_CLIPPY.map(|name| (node, name))) {
                if tree.child(node, name.as_bytes()).is_none() {
                    inputs.absent.insert((SourceId { node, ..directory }, name.to_owned()));
                }
            }
        }
    }

    /// What cargo's list and rustc's name. `false` where one of them is not known.
    pub(super) fn add_listed(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        record: &Record,
        directories: &[PathBuf],
    ) -> bool {
        let mut paths = BTreeSet::new();
        for (base, path) in &record.info.files {
            match base {
                _ if path.is_absolute() => {
                    paths.insert(path.clone());
                }
                Base::Package => paths.extend(directories.iter().map(|directory| directory.join(path))),
                Base::Target => {}
            }
        }
        for source in &record.sources {
            paths.extend(
                output
                    .workspaces
                    .iter()
                    .map(|workspace| workspace.join(source))
                    .filter(|path| source.is_absolute() || file::is_present(path)),
            );
        }
        let paths = paths.iter().filter(|path| !path.starts_with(output.path));
        let mut are_known = true;
        for path in paths {
            are_known &= self.add(&mut inputs.listed, &mut inputs.outside, path);
        }
        are_known
    }

    /// What a build script said that it reads.
    pub(super) fn add_watched(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        record: &Record,
        directories: &[PathBuf],
    ) -> bool {
        let Some(watched) = record.fingerprint.watched() else { return true };
        let mut are_known = true;
        for path in watched.paths().map(Path::new) {
            let paths = if path.is_absolute() {
                vec![path.to_path_buf()]
            } else {
                directories.iter().map(|directory| directory.join(path)).collect()
            };
            for path in paths.iter().filter(|path| !path.starts_with(output.path)) {
                are_known &= self.add(&mut inputs.watched, &mut inputs.outside, path);
                self.add_beside(inputs, path);
                are_known &= self.add_linked_to(inputs, path);
            }
        }
        are_known
    }

    /// What links in a directory that a script names lead to: cargo follows them.
    fn add_linked_to(&mut self, inputs: &mut Collected, path: &Path) -> bool {
        let sources = self.making.sources;
        let below = sources.lead(path).ids.into_iter().flat_map(|id| sources.leaves_below(id)).collect();
        self.add_links(inputs, below)
    }

    pub(super) fn add_links(&mut self, inputs: &mut Collected, leaves: Vec<SourceId>) -> bool {
        let sources = self.making.sources;
        let is_link =
            |id: &SourceId| matches!(sources.tree(id.sources).node(id.node).kind, Kind::Symlink { .. });
        let links: Vec<_> = leaves.into_iter().filter(is_link).map(|id| sources.path(id)).collect();
        // One that leads nowhere is what it is.
        for link in links.iter().filter(|link| file::is_present(link)) {
            if !self.add(&mut inputs.watched, &mut inputs.outside, link) {
                return false;
            }
        }
        true
    }

    /// What lies beside a file that a script names may be read with it, as headers are: in a directory that is no package's.
    fn add_beside(&self, inputs: &mut Collected, path: &Path) {
        for id in self.making.sources.lead(path).ids {
            let tree = self.making.sources.tree(id.sources);
            let directory = SourceId { node: tree.node(id.node).parent, ..id };
            let is_package = self.packages.iter().any(|package| package.directory == directory);
            if matches!(tree.node(id.node).kind, Kind::File { .. }) && directory.node != 0 && !is_package {
                inputs.beside.insert(directory);
            }
        }
    }

    /// What a script's texts lead to.
    pub(super) fn add_paths(&mut self, inputs: &mut Collected, paths: &BTreeSet<PathBuf>) {
        for path in paths {
            for id in self.making.sources.lead(path).ids {
                let is_directory =
                    matches!(self.making.sources.tree(id.sources).node(id.node).kind, Kind::Directory { .. });
                if is_directory {
                    inputs.beside.insert(id)
                } else {
                    inputs.read.insert(id)
                };
            }
        }
    }
}
