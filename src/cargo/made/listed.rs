//! What lists name: cargo's, rustc's, a build script's. And what goes with it: links, neighbours, what clippy looked for.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::super::dep_info::Base;
use super::super::record::Record;
use super::super::sources::RUSTC_INFO;
use super::collected::{Collected, Noted, known_if};
use super::read::ReadUnits;
use super::{Noting, OutputDirectory};
use crate::store::{OutsideInput, SourceId};
use crate::sys::file;
use crate::tree::{Kind, NodeId};

/// Where cargo looks for its configuration in a directory.
const CONFIGURATIONS: [&str; 2] = ["config.toml", "config"];

const CONFIGURATIONS_OF_CLIPPY: [&str; 2] = ["clippy.toml", ".clippy.toml"];

impl Noting<'_> {
    pub(super) fn add_manifests(&mut self, inputs: &mut Collected, own: &[u32]) -> Noted {
        for &package in own {
            let manifest = self.package_directory(package).join("Cargo.toml");
            self.add(&mut inputs.read, &mut inputs.outside, &manifest)?;
        }
        Ok(())
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

    /// What cargo's list and rustc's name.
    pub(super) fn add_listed(
        &mut self,
        inputs: &mut Collected,
        (output, read): (&OutputDirectory<'_>, &ReadUnits),
        record: &Record,
        directories: &[PathBuf],
    ) -> Noted {
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
        for path in paths.iter().filter(|path| !read.is_output(path)) {
            known_if(self.add(&mut inputs.listed, &mut inputs.outside, path)?)?;
        }
        Ok(())
    }

    /// What a build script said that it reads.
    pub(super) fn add_watched(
        &mut self,
        inputs: &mut Collected,
        read: &ReadUnits,
        record: &Record,
        own: &[u32],
    ) -> Noted {
        let directories: Vec<_> = own.iter().map(|&own| self.package_directory(own)).collect();
        let Some(watched) = record.fingerprint.watched() else { return Ok(()) };
        for path in watched.paths().map(Path::new) {
            let paths = if path.is_absolute() {
                vec![path.to_path_buf()]
            } else {
                directories.iter().map(|directory| directory.join(path)).collect()
            };
            for path in paths.iter().filter(|path| !read.is_output(path)) {
                known_if(self.add(&mut inputs.watched, &mut inputs.outside, path)?)?;
                self.add_beside(inputs, path);
                if has_headers(path) {
                    self.add_headers(inputs, own);
                }
                self.add_linked_to(inputs, path)?;
                known_if(!self.has_holes_below(path))?;
            }
        }
        Ok(())
    }

    /// What links in a directory that a script names lead to: cargo follows them.
    fn add_linked_to(&mut self, inputs: &mut Collected, path: &Path) -> Noted {
        let sources = self.making.sources;
        let below = sources.lead(path).ids.into_iter().flat_map(|id| sources.leaves_below(id)).collect();
        self.add_links(inputs, below)
    }

    /// What those of `leaves` lead to that are links.
    pub(super) fn add_links(&mut self, inputs: &mut Collected, leaves: Vec<SourceId>) -> Noted {
        let sources = self.making.sources;
        let is_link =
            |id: &SourceId| matches!(sources.tree(id.sources).node(id.node).kind, Kind::Symlink { .. });
        let links: Vec<_> = leaves.into_iter().filter(is_link).map(|id| sources.path(id)).collect();
        // One that leads nowhere is what it is.
        for link in links.iter().filter(|link| file::is_present(link)) {
            known_if(self.add(&mut inputs.watched, &mut inputs.outside, link)?)?;
        }
        Ok(())
    }

    /// What lies beside a file that a script names may be read with it, as headers are. In a package's own directory, that is
    /// what is neither Rust nor cargo's.
    fn add_beside(&self, inputs: &mut Collected, path: &Path) {
        for id in self.making.sources.lead(path).ids {
            let tree = self.making.sources.tree(id.sources);
            let directory = SourceId { node: tree.node(id.node).parent, ..id };
            let is_package = self.packages.iter().any(|package| package.directory == directory);
            if !matches!(tree.node(id.node).kind, Kind::File { .. }) {
                continue;
            }
            if directory.node != 0 && !is_package {
                inputs.beside.insert(directory);
            } else if !is_of_cargo(tree.name(id.node)) {
                let is_other = |node: &NodeId| {
                    matches!(tree.node(*node).kind, Kind::File { .. }) && !is_of_cargo(tree.name(*node))
                };
                let others = tree.children(directory.node).filter(is_other);
                inputs.read.extend(others.map(|node| SourceId { node, ..directory }));
                // Another name may be one more of what the script takes all of.
                inputs.read.insert(directory);
            }
        }
    }

    /// The headers of a package: where compilers look for them, only their flags tell.
    fn add_headers(&self, inputs: &mut Collected, own: &[u32]) {
        for id in own.iter().flat_map(|&package| self.files_of_package(package)) {
            if is_header(self.making.sources.tree(id.sources).name(id.node)) {
                inputs.read.insert(id);
            }
        }
    }

    /// Whether what a path leads to has directories in it that are no sources, of which nobody knows what is in them.
    fn has_holes_below(&self, path: &Path) -> bool {
        let sources = self.making.sources;
        let directories = sources.lead(path).ids.into_iter().filter(|&id| self.is_directory(id));
        let mut directories = directories.map(|id| sources.path(id));
        directories.any(|directory| self.holes().iter().any(|hole| hole.starts_with(&directory)))
    }

    /// The same of a package.
    pub(super) fn has_holes(&self, package: u32) -> bool {
        self.nodes_of_package(package).into_iter().any(|id| self.has_hole(id))
    }

    /// Whether a directory of the sources holds one that is none.
    fn has_hole(&self, id: SourceId) -> bool {
        self.is_directory(id) && !self.holes_in(id).is_empty()
    }

    /// What a directory of the sources holds that is none: packages of Node.js, or what is tagged as a cache of something else
    /// than cargo.
    fn holes_in(&self, id: SourceId) -> Vec<PathBuf> {
        let sources = self.making.sources;
        let tree = sources.tree(id.sources);
        let path = sources.path(id);
        let names = file::names(&path).unwrap_or_default().into_iter();
        let unknown = names.filter(|name| name != ".git" && tree.child(id.node, name.as_bytes()).is_none());
        let is_hole = |directory: &PathBuf| {
            file::is_dir(directory)
                && !self.outputs.contains(&&**directory)
                && !file::is_present(&directory.join(RUSTC_INFO))
        };
        unknown.map(|name| path.join(name)).filter(is_hole).collect()
    }

    /// All of them.
    pub(super) fn holes(&self) -> &[PathBuf] {
        self.holes.get_or_init(|| {
            let sources = self.making.sources.iter();
            let all = sources
                .flat_map(|(sources, _, tree)| (0..tree.len()).map(move |node| SourceId { sources, node }));
            let directories: Vec<_> = all.filter(|&id| self.is_directory(id)).collect();
            directories.into_par_iter().flat_map_iter(|id| self.holes_in(id)).collect()
        })
    }

    /// Cargo's configuration, which sets variables for scripts and macros: what there is of it, and where it could be. `own` are
    /// the unit's packages, in whose directories builds can be started as well.
    pub(super) fn add_configurations(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        own: &[u32],
    ) -> Noted {
        let directories: Vec<_> = own
            .iter()
            .map(|&own| self.package_directory(own))
            .chain(output.workspaces.iter().cloned())
            .collect();
        let around: BTreeSet<_> = directories.iter().flat_map(|directory| directory.ancestors()).collect();
        let places = around.into_iter().map(|directory| directory.join(".cargo"));
        // Builds can be started anywhere.
        let elsewhere = self.configurations.get_or_init(|| self.places_of_configurations());
        let elsewhere = elsewhere.iter().filter(|_| !own.is_empty()).cloned();
        let places: BTreeSet<_> = places.chain(elsewhere).collect();
        let home = self.making.home.map(Path::to_path_buf);
        let usual =
            places.into_iter().chain(home).flat_map(|place| CONFIGURATIONS.map(|name| place.join(name)));
        let all: BTreeSet<_> = usual.chain(self.making.configured.configurations.iter().cloned()).collect();
        for path in all {
            let is_outside = self.making.sources.lead(&path).outside.is_some();
            if let Some(path) = path.to_str().filter(|_| is_outside) {
                // Jobs may write more into these, which is in the key.
                inputs.outside.insert(self.outside.number(OutsideInput::Settings(path.to_owned())));
            } else if !self.add(&mut inputs.read, &mut inputs.outside, &path)? {
                self.add_missing(inputs, &path);
            }
        }
        Ok(())
    }

    fn places_of_configurations(&self) -> Vec<PathBuf> {
        let places = self.making.sources.iter().flat_map(|(_, directory, tree)| {
            let is_it = |id: &NodeId| tree.name(*id) == b".cargo";
            let found = (0..tree.len()).filter(is_it);
            found.map(move |id| directory.join(OsStr::from_bytes(&tree.path_below(0, id))))
        });
        places.collect()
    }

    /// A path of the sources at which nothing is.
    fn add_missing(&self, inputs: &mut Collected, path: &Path) {
        for (directory, missing) in path.ancestors().skip(1).zip(path.ancestors()) {
            let led = self.making.sources.lead(directory);
            if let (false, Some(&id), Some(name)) = (led.is_absent, led.ids.last(), missing.file_name()) {
                inputs.absent.insert((id, name.to_string_lossy().into_owned()));
                return;
            }
        }
    }

    /// What texts lead to: all of it, also behind a directory that has something in it that is not known.
    pub(super) fn add_paths(&mut self, inputs: &mut Collected, paths: &BTreeSet<PathBuf>) -> Noted {
        paths.iter().map(|path| self.add_path(inputs, path)).fold(Ok(()), Noted::and)
    }

    fn add_path(&mut self, inputs: &mut Collected, path: &Path) -> Noted {
        let mut found = BTreeSet::new();
        self.add(&mut found, &mut inputs.outside, path)?;
        for id in found {
            let of_kind = if self.is_directory(id) { &mut inputs.beside } else { &mut inputs.read };
            of_kind.insert(id);
        }
        known_if(!self.has_holes_below(path))
    }
}

/// Whether a file of a package is Rust's or cargo's, of which scripts are told otherwise.
fn is_of_cargo(name: &[u8]) -> bool {
    name.ends_with(b".rs") || [&b"Cargo.toml"[..], b"Cargo.lock"].contains(&name)
}

/// Whether a file is compiled by a compiler that looks for headers.
pub(super) fn has_headers(path: &Path) -> bool {
    const SOURCES: [&str; 10] = ["c", "cc", "cpp", "cxx", "c++", "m", "mm", "s", "S", "cu"];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| SOURCES.contains(&extension)) || is_header(path.as_os_str().as_bytes())
}

fn is_header(name: &[u8]) -> bool {
    [&b".h"[..], b".hh", b".hpp", b".hxx", b".inc", b".inl", b".ipp"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
