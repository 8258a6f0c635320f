//! What is linked besides Rust, and what flags name.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::linked::{directories_told, is_linked, is_of_system, tells_link_argument};
use super::super::units::Unit;
use super::collected::{Collected, Noted};
use super::read::told_by;
use super::words::read_short;
use super::{Noting, OutputDirectory};
use crate::sys::file;

/// The longest script of the linker or list of arguments, in bytes, that is looked through for the names of others.
const LONGEST_SCRIPT: u64 = 64 * 1024;

impl Noting<'_> {
    /// Libraries that a script tells cargo to link, where they are no dependency's own.
    pub(super) fn add_linked(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        unit: &Unit,
    ) -> Noted {
        let told = told_by(output, unit)?;
        let directories = directories_told(&told);
        self.add_libraries(inputs, output, &directories)?;
        self.add_named(inputs, output, told.lines().filter(|line| tells_link_argument(line)), &directories)
    }

    /// All libraries and objects in these directories: what of them is linked a source can say as well as a flag.
    pub(super) fn add_libraries(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        directories: &[PathBuf],
    ) -> Noted {
        for directory in directories {
            for workspace in output.workspaces {
                let directory = workspace.join(directory);
                if is_of_system(&directory) {
                    continue;
                }
                for name in file::names(&directory).unwrap_or_default() {
                    if is_linked(&name) {
                        // A library may be a script of the linker, which names others.
                        let texts = self.add_file(inputs, output, &directory.join(name))?;
                        self.add_named(inputs, output, texts.iter().map(String::as_str), directories)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Files that flags name, by themselves or behind an option: objects, scripts of the linker, lists of arguments. The linker
    /// looks for them in `directories` as well.
    pub(super) fn add_named<'f>(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        flags: impl Iterator<Item = &'f str>,
        directories: &[PathBuf],
    ) -> Noted {
        let words = |text: &str| -> Vec<String> {
            let words =
                text.split(|character: char| "=,\"'()".contains(character) || character.is_whitespace());
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let mut pending: Vec<_> = flags.flat_map(words).collect();
        let mut seen = BTreeSet::new();
        while let Some(word) = pending.pop() {
            for name in [&*word, word.trim_start_matches("-T"), word.trim_start_matches('@')] {
                if !seen.insert(name.to_owned()) {
                    continue;
                }
                let searched = directories.iter().filter(|directory| !is_of_system(directory));
                let places = searched.map(|directory| directory.join(name));
                for place in std::iter::once(PathBuf::from(name)).chain(places) {
                    // These name others: lists of arguments, scripts of the linker.
                    for text in self.add_file(inputs, output, &place)? {
                        pending.extend(words(&text));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a file is one that builds made in a target directory; another one there is of a step before them.
    fn is_built(&self, output: &OutputDirectory<'_>, path: &Path) -> bool {
        let Ok(inside) = path.strip_prefix(output.path) else { return false };
        output.tree.at(inside.as_os_str().as_bytes()).is_some()
            || file::size_and_time(path).is_some_and(|size_and_time| self.products.contains(&size_and_time))
    }

    /// Adds a file by a path that may be relative to a workspace; what a unit has itself is no input. Tells what is in it if it
    /// is a short text.
    pub(super) fn add_file(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        path: &Path,
    ) -> Noted<Vec<String>> {
        let mut texts = Vec::new();
        for workspace in output.workspaces {
            let path = workspace.join(path);
            if file::is_file(&path) && !self.is_built(output, &path) {
                self.add(&mut inputs.read, &mut inputs.outside, &path)?;
                // A library may be a text, and most are none.
                let text = read_short(&path, LONGEST_SCRIPT).and_then(|text| String::from_utf8(text).ok());
                texts.extend(text);
            }
        }
        Ok(texts)
    }
}
