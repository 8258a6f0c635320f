//! Paths that texts of the sources name, although no list has them: what a script of another language or a compiler takes in, and
//! what a macro is told to read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::super::outside::is_of_host;
use super::Noting;
use super::collected::{Collected, Noted};
use super::listed::has_headers;
use super::named::OF_RUNNERS;
use crate::store::{OutsideInput, SourceId};
use crate::sys::file;

/// The longest path that is looked for, in bytes.
const LONGEST: usize = 256;

/// The longest source or script, in bytes, that is looked through for the names of others.
const LONGEST_SOURCE: u64 = 1 << 20;

/// How many files are looked through for what is named one by another.
const MOST: usize = 10_000;

impl Noting<'_> {
    /// Adds what leads somewhere of the paths that the text `file` names, relative to its own directory or to one of `around`,
    /// if somebody `may_read` those.
    pub(super) fn add_named_in(
        &mut self,
        inputs: &mut Collected,
        file: PathBuf,
        around: &[PathBuf],
        may_read: impl Fn(&str) -> bool,
    ) -> Noted {
        let own = file.parent().map(Path::to_path_buf);
        let directories: Vec<_> = own.into_iter().chain(around.iter().cloned()).collect();
        // Several units are of one source.
        let key = (file, directories);
        let known = self.named.remove(&key).or_else(|| {
            let text = read_short(&key.0, LONGEST_SOURCE)?;
            let text = String::from_utf8_lossy(&text);
            may_read(&text).then(|| self.named_in_text(&text, &key.1))
        });
        let Some(named) = known else { return Ok(()) };
        let [marked, bare] = &named;
        // A bare word may mean something else than a directory of which nobody knows what is in it.
        let _ = self.add_paths(inputs, bare);
        let noted = self.add_paths(inputs, marked);
        self.named.insert(key, named);
        noted
    }

    /// Adds what is named by those of the inputs found so far that programs take in, and by what these name. Paths are relative
    /// to the file itself or to one of `around`.
    pub(super) fn add_followed(&mut self, inputs: &mut Collected, around: &[PathBuf]) -> Noted {
        let mut seen: BTreeSet<SourceId> = BTreeSet::new();
        loop {
            let sources = self.making.sources;
            let found = inputs.watched.iter().chain(&inputs.read).chain(&inputs.beside);
            let found = found.flat_map(|&id| sources.leaves_below(id)).filter(|id| !seen.contains(id));
            let found: BTreeSet<_> = found.collect();
            let taken = found.iter().copied().filter(|id| self.names_others(*id));
            let next: BTreeSet<_> = taken.take(MOST.saturating_sub(seen.len())).collect();
            if next.is_empty() {
                return Ok(());
            }
            for &id in &next {
                self.add_called_in(inputs, id);
                self.add_named_in(inputs, sources.path(id), around, |_| true)?;
            }
            seen.extend(next);
        }
    }

    /// Whether a file is one that names others for who takes it in: of a language of scripts, or compiled.
    fn names_others(&mut self, id: SourceId) -> bool {
        let path = self.making.sources.path(id);
        has_headers(&path)
            || is_of_scripts(&path)
            || path.extension().is_none()
                && *self
                    .scripts
                    .entry(id)
                    .or_insert_with(|| file::beginning(&path, 2).is_some_and(|text| text == b"#!"))
    }

    /// Adds the programs and variables of the host of which the script `id` has the names, if a shell runs it.
    fn add_called_in(&mut self, inputs: &mut Collected, id: SourceId) {
        let path = self.making.sources.path(id);
        if !self.called.contains_key(&id) {
            let called = self.called_in(&path);
            self.called.insert(id, called);
        }
        for input in self.called[&id].clone() {
            inputs.outside.insert(self.outside.number(input));
        }
    }

    fn called_in(&self, path: &Path) -> Vec<OutsideInput> {
        let extension = path.extension().and_then(OsStr::to_str);
        if extension.is_some_and(|extension| !["sh", "bash", "mk"].contains(&extension)) {
            return Vec::new();
        }
        let text = read_short(path, LONGEST_SOURCE).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let interpreter = text.lines().next().filter(|line| line.starts_with("#!"));
        if extension.is_none() && !interpreter.is_some_and(|interpreter| interpreter.contains("sh")) {
            return Vec::new();
        }
        let host = self.outside.host;
        let (programs, variables) = self.usable.get_or_init(|| (host.programs(), host.variables()));
        let is_in_word = |character: char| character.is_ascii_alphanumeric() || "_-.+".contains(character);
        let words: BTreeSet<_> = text.split(|character: char| !is_in_word(character)).collect();
        let is_of_runner = |word: &&&str| OF_RUNNERS.iter().any(|runner| word.starts_with(runner));
        let programs =
            words.iter().filter_map(|word| programs.get(*word)).cloned().map(OutsideInput::Program);
        let variables =
            words.iter().filter(|word| !is_of_runner(word)).filter_map(|word| variables.get(*word));
        programs.chain(variables.cloned().map(OutsideInput::Variable)).collect()
    }

    /// Those of the paths at which there is something: what has a mark of a path, and what is a bare word, which may mean something
    /// else. A directory in which `directories` lie is as good as none, and so is what git keeps.
    fn named_in_text(&self, text: &str, directories: &[PathBuf]) -> [BTreeSet<PathBuf>; 2] {
        let mut named = [BTreeSet::new(), BTreeSet::new()];
        for candidate in candidates(text) {
            let is_bare = !candidate.contains(['/', '.']);
            for directory in directories {
                let path = file::normal(&directory.join(candidate));
                if path.components().any(|part| part.as_os_str() == ".git")
                    || self.is_around(&path, directories)
                {
                    continue;
                }
                let led = self.making.sources.lead(&path);
                let is_there = if led.outside.is_some() {
                    !is_bare && file::is_file(&path) && !is_of_host(&path)
                } else if is_bare {
                    // The name of another package is more often that of its code.
                    !led.is_absent && !self.has_packages(&path)
                } else {
                    !led.is_absent || file::is_present(&path)
                };
                if is_there {
                    named[usize::from(is_bare)].insert(path);
                }
            }
        }
        named
    }
}

/// What is in a file of at most `longest` bytes.
pub(super) fn read_short(path: &Path, longest: u64) -> Option<Vec<u8>> {
    file::size_and_time(path).filter(|(size, _)| *size <= longest)?;
    file::read(path).ok()
}

/// What in a text can be a path: whole strings, and words that have a mark of one.
fn candidates(text: &str) -> BTreeSet<&str> {
    let is_border = |character: char| character.is_whitespace() || "\"'`()<>{}[]=,;:$|&".contains(character);
    let strings = text.split(['"', '\'', '`']);
    let words = text.split(is_border).filter(|word| word.contains(['/', '.']));
    let found = strings.chain(words).filter(|found| found.len() <= LONGEST && !found.contains('\n'));
    let found = found.map(|found| {
        let found = found.trim().strip_prefix("-I").unwrap_or(found.trim());
        // What is put behind a directory begins with a slash.
        let found = found.trim_end_matches(['.', '/', '\\']);
        found.strip_prefix('/').filter(|rest| rest.starts_with("../")).unwrap_or(found)
    });
    let found: BTreeSet<_> = found.filter(|found| !found.is_empty()).collect();
    found.iter().copied().chain(found.iter().filter_map(|found| found.strip_prefix('/'))).collect()
}

/// Whether a file is of a language of scripts, or of one that builds, by its name.
fn is_of_scripts(path: &Path) -> bool {
    const EXTENSIONS: [&str; 15] = [
        "asm", "sh", "bash", "py", "pl", "rb", "js", "mjs", "cjs", "ts", "mk", "cmake", "ninja", "ld",
        "proto",
    ];
    const NAMES: [&str; 5] = ["Makefile", "makefile", "GNUmakefile", "CMakeLists.txt", "meson.build"];
    let extension = path.extension().and_then(OsStr::to_str);
    let name = path.file_name().and_then(OsStr::to_str);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        || name.is_some_and(|name| NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_however_a_text_has_them() {
        let text = "cat \"$(dirname \"$0\")/../data/x.txt\"\n#include \"../h.h\"\n#include <sys/h.h>\ncc -I../include -c a.c\n\
                    m!(\"templates\", concat!(env!(\"D\"), \"/src/v.s\")); see docs/a.md.";
        let found = candidates(text);
        for path in
            ["../data/x.txt", "../h.h", "sys/h.h", "../include", "a.c", "templates", "src/v.s", "docs/a.md"]
        {
            assert!(found.contains(path), "{path}: {found:?}");
        }
        assert!(!found.contains("dirname"));
    }
}
