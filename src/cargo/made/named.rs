//! What of the host got into a unit without a list of it: programs that a build script runs, variables that it or a macro reads,
//! what was compiled or linked besides Rust.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::super::host::SEARCHED;
use super::super::linked::{is_linked, is_of_system, links_native};
use super::super::literals::Literals;
use super::super::outside::is_of_host;
use super::super::record::Record;
use super::super::units::Unit;
use super::collected::{Collected, Noted};
use super::read::{ReadUnits, told_by};
use super::{Noting, OutputDirectory};
use crate::store::{Ability, OutsideInput};
use crate::sys::file;
use crate::tree::{self, NodeId, Tree};

/// What rustc links products with where nothing else is said. Others are named by flags or the configuration.
pub(super) const LINKERS: &[&str] = &["cc", "ld"];

/// What scripts compile and link other languages with.
const COMPILERS: &[&str] = &["ar", "c++", "cc", "ld", "pkg-config"];

/// Variables of the runner: that a source has their names in it does not mean that a macro reads them.
pub(super) const OF_RUNNERS: [&str; 3] = ["ACTIONS_", "GITHUB_", "RUNNER_"];

/// What runs lines of text, with programs and variables in them.
const SHELLS: [&str; 3] = ["sh", "bash", "dash"];

/// Names of the host's programs and variables, and paths of sources.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    programs: BTreeSet<String>,
    variables: BTreeSet<String>,
    paths: BTreeSet<PathBuf>,
    /// Files that lie outside of the sources.
    files: BTreeSet<PathBuf>,
    /// Whether a script calls git or looks at what git notes, or a macro is told to.
    pub(super) asks_git: bool,
}

impl Named {
    fn extend(&mut self, other: Self) {
        self.programs.extend(other.programs);
        self.variables.extend(other.variables);
        self.paths.extend(other.paths);
        self.files.extend(other.files);
        self.asks_git |= other.asks_git;
    }
}

/// Looks for what the host and the sources have in programs, and for variables in sources.
pub(super) struct Lookup<'n> {
    noting: &'n Noting<'n>,
    programs: HashSet<String>,
    variables: HashSet<String>,
}

/// Whose program is looked through.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// A script of these packages of the sources.
    Script(&'a [u32]),
    /// A macro of the sources.
    Macro,
    /// A download, which knows no paths of this host.
    Download,
}

/// What each library of a procedural macro names.
type OfMacros = HashMap<NodeId, Named>;

impl<'n> Lookup<'n> {
    pub(super) fn new(noting: &'n Noting<'n>) -> Self {
        let host = noting.outside.host;
        Self { noting, programs: host.programs(), variables: host.variables() }
    }

    /// What of the host and the sources got into each of the units that are `wanted`, and nothing for the others.
    pub(super) fn of_units(
        &self,
        output: &OutputDirectory<'_>,
        read: &ReadUnits,
        abilities: &[Ability],
        wanted: impl Fn(usize) -> bool + Sync,
    ) -> tree::Result<Vec<Named>> {
        let units = 0..read.units.len();
        // Many units see one macro, and to look through its library takes longer than all else.
        let seen = units.clone().filter(|&index| wanted(index) && !read.units[index].is_run(output.tree));
        let libraries: HashSet<_> = seen.flat_map(|index| read.macro_libraries(output.tree, index)).collect();
        let own = read.own_macro_libraries();
        let of_macros = libraries
            .into_par_iter()
            .map(|library| {
                let of = if own.contains(&library) { Of::Macro } else { Of::Download };
                Ok((library, self.of_program(output, library, of)?))
            })
            .collect::<tree::Result<OfMacros>>()?;
        let named = units.into_par_iter().map(|index| {
            if wanted(index) {
                self.of_unit(output, read, abilities, &of_macros, index)
            } else {
                Ok(Named::default())
            }
        });
        named.collect()
    }

    /// What is named by the script that a unit is the run of, by macros that it was compiled with, or, where one of these asks
    /// for variables, by its sources.
    fn of_unit(
        &self,
        output: &OutputDirectory<'_>,
        read: &ReadUnits,
        abilities: &[Ability],
        of_macros: &OfMacros,
        index: usize,
    ) -> tree::Result<Named> {
        let mut named = Named::default();
        if read.units[index].is_run(output.tree) {
            let own =
                if read.is_download(index) { None } else { self.noting.own_packages(output, read, index) };
            let of = own.as_deref().map_or(Of::Download, Of::Script);
            for &need in read.needs[index].iter().flatten() {
                if let Some(script) = script(output.tree, &read.units[need]) {
                    named.extend(self.of_program(output, script, of)?);
                }
            }
            return Ok(named);
        }
        let seen = read.macros(output.tree, index, abilities);
        for library in read.macro_libraries(output.tree, index) {
            let Named { programs, variables, files, .. } = &of_macros[&library];
            named.variables.extend(variables.iter().cloned());
            named.programs.extend(programs.iter().filter(|_| seen.runs).cloned());
            named.files.extend(files.iter().filter(|_| seen.reads).cloned());
        }
        if let Some(record) = read.records[index].as_ref().filter(|_| !read.is_download(index)) {
            // Whether one asks by another function than most do cannot be told: the standard library has that in each.
            let macros = Ability { asks: seen.asks || read.sees_macro(output.tree, index), ..seen };
            self.add_sources(&mut named, output, record, macros);
        }
        Ok(named)
    }

    /// What a program names; paths of a script's are relative to the directories of its packages or to those around.
    fn of_program(&self, output: &OutputDirectory<'_>, program: NodeId, of: Of<'_>) -> tree::Result<Named> {
        let own = if let Of::Script(own) = of { Some(own) } else { None };
        let program = output.location.read(output.tree, program)?.unwrap_or_default();
        let literals = Literals::of(&program);
        let mut named = Named {
            programs: literals.named(&self.programs),
            variables: literals.named(&self.variables),
            ..Named::default()
        };
        if SHELLS.iter().any(|shell| named.programs.contains(*shell)) {
            named.programs.extend(literals.words(&self.programs));
            named.variables.extend(literals.words(&self.variables));
        }
        let own_directories: Vec<_> =
            own.into_iter().flatten().map(|&package| self.noting.package_directory(package)).collect();
        let around = self.noting.directories_around(own.unwrap_or_default());
        for directory in &around {
            // Other packages' code is what cargo looks at.
            let is_in_question = |path: &PathBuf| {
                own_directories.contains(directory)
                    || !self.noting.is_around(path, &own_directories) && !self.noting.has_packages(path)
            };
            named.paths.extend(named_in(&literals, directory).into_iter().filter(is_in_question));
            let paths = self.paths(&literals, directory).into_iter();
            named.paths.extend(paths.filter(|path| !self.noting.is_around(path, &around)));
        }
        if matches!(of, Of::Macro) {
            let outside = |path: &PathBuf| self.noting.making.sources.lead(path).outside.is_some();
            named.files.extend(self.paths(&literals, Path::new("/")).into_iter().filter(outside));
        }
        let looks =
            literals.texts().any(|text| memmem::find(text, b".git").is_some_and(|at| is_of_git(&text[at..])));
        named.asks_git = own.is_some() && (looks || named.programs.contains("git"));
        // A variable may tell where a tool or another file is.
        let values = named.variables.iter().filter_map(|name| self.noting.outside.host.value(name));
        let directories = || around.iter().map(PathBuf::as_path).chain([Path::new("/")]);
        let files = values.flat_map(|value| directories().map(move |directory| directory.join(value)));
        named.files.extend(files.filter(|path| file::is_file(path) && !is_of_host(path)));
        Ok(named)
    }

    /// What of the sources the texts of a program that runs in `directory` lead to.
    fn paths(&self, literals: &Literals<'_>, directory: &Path) -> Vec<PathBuf> {
        let sources = self.noting.making.sources;
        let mut beginnings: Vec<Vec<u8>> = vec![b"../".to_vec(), b"./".to_vec(), b"/".to_vec()];
        beginnings.extend(sources.iter().map(|(_, directory, _)| directory.as_os_str().as_bytes().to_vec()));
        beginnings
            .extend(file::names(directory).unwrap_or_default().iter().map(|name| name.as_bytes().to_vec()));
        let path = |text: &[u8]| {
            // What is put behind a directory begins with what stands for that, and a slash.
            let text = text.strip_prefix(b"/").filter(|rest| rest.starts_with(b"../")).unwrap_or(text);
            let text = text.strip_prefix(b"-I").unwrap_or(text);
            beginnings.iter().any(|beginning| text.starts_with(beginning)).then_some(())?;
            // Whether a word ends within a text is not known; a path has marks.
            let is_path =
                |path: &[u8]| path.len() == text.len() || path.iter().any(|byte| b"/.".contains(byte));
            let ends = (1..=text.len()).rev();
            let paths = ends.map(|end| text.split_at(end));
            let paths = paths.filter(|(path, _)| is_path(path) && !path.ends_with(b"/"));
            let mut paths =
                paths.map(|(path, rest)| (file::normal(&directory.join(OsStr::from_bytes(path))), rest));
            let (path, _) = paths.find(|(path, rest)| {
                let led = sources.lead(path);
                if led.outside.is_none() {
                    return path != directory && !led.is_absent && !led.ids.is_empty();
                }
                file::is_file(path) && !is_of_host(path)
                    || !rest.starts_with(b"/") && self.noting.is_for_builds(path)
            })?;
            Some(path)
        };
        literals.texts().filter_map(path).collect()
    }

    /// Adds the variables and git that a unit's own sources name, as far as its macros can ask for them: a macro is told by who
    /// uses it what to look at.
    fn add_sources(&self, named: &mut Named, output: &OutputDirectory<'_>, record: &Record, macros: Ability) {
        let sources = output
            .workspaces
            .iter()
            .flat_map(|workspace| record.sources.iter().map(|source| workspace.join(source)));
        for text in sources.filter_map(|source| file::read_if_present(&source).ok().flatten()) {
            named.asks_git |= macros.reads && memmem::find(&text, b".git/").is_some();
            if !macros.asks {
                continue;
            }
            let text = String::from_utf8_lossy(&text);
            let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
            let words = words.filter(|word| !OF_RUNNERS.iter().any(|runner| word.starts_with(runner)));
            named.variables.extend(words.filter_map(|word| self.variables.get(word)).cloned());
        }
    }
}

impl Noting<'_> {
    /// What programs and sources name.
    pub(super) fn add_named_by_texts(&mut self, inputs: &mut Collected, named: &Named) -> Noted {
        let programs = named.programs.iter().cloned().map(OutsideInput::Program);
        let variables = named.variables.iter().cloned().map(OutsideInput::Variable);
        for input in programs.chain(variables) {
            inputs.outside.insert(self.outside.number(input));
        }
        for path in &named.files {
            self.add(&mut inputs.read, &mut inputs.outside, path)?;
        }
        self.add_paths(inputs, &named.paths)
    }

    pub(super) fn add_programs(&mut self, inputs: &mut Collected, programs: &[&str]) {
        for &program in programs {
            inputs.outside.insert(self.outside.number(OutsideInput::Program(program.to_owned())));
        }
    }

    /// What a script that compiled or linked another language did it with.
    pub(super) fn add_native(
        &mut self,
        inputs: &mut Collected,
        output: &OutputDirectory<'_>,
        unit: &Unit,
    ) -> Noted {
        let files = unit.files(output.tree);
        let has_objects = || files.iter().any(|id| is_linked(as_name(output.tree, *id)));
        if !links_native(&told_by(output, unit)?) && !has_objects() {
            return Ok(());
        }
        inputs.outside.insert(self.outside.number(OutsideInput::Packages));
        self.add_programs(inputs, COMPILERS);
        let host = self.outside.host;
        // Those of the system have what its packages have.
        let directories = SEARCHED.iter().flat_map(|variable| host.directories(variable));
        for directory in directories.filter(|directory| !is_of_system(directory)) {
            for workspace in output.workspaces {
                self.add_directory(inputs, &workspace.join(&directory))?;
            }
        }
        Ok(())
    }

    /// All that is in a directory, in the sources or not.
    fn add_directory(&mut self, inputs: &mut Collected, directory: &Path) -> Noted {
        let led = self.making.sources.lead(directory);
        if led.outside.is_some() || led.is_absent {
            return self.add_outside(&mut inputs.outside, directory);
        }
        inputs.beside.extend(led.ids);
        Ok(())
    }
}

/// What of a directory a program has the mere name of.
fn named_in(literals: &Literals<'_>, directory: &Path) -> Vec<PathBuf> {
    let names =
        file::names(directory).unwrap_or_default().into_iter().filter_map(|name| name.into_string().ok());
    let names = names.filter(|name| ![".git", "Cargo.toml", "build.rs", "target"].contains(&&**name));
    let names: HashSet<_> = names.flat_map(|name| [format!("{name}/"), name]).collect();
    literals.named(&names).into_iter().map(|name| directory.join(name.trim_end_matches('/'))).collect()
}

/// Whether a text that begins with `.git` is about what git notes, and not about `.github` or `.gitignore`.
fn is_of_git(text: &[u8]) -> bool {
    text.get(4).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// Whether a unit is a program, tests and build scripts among them.
pub(super) fn is_program(target: &Tree, unit: &Unit) -> bool {
    let is_program = |id: &NodeId| {
        let kinds: [&[u8]; 5] = [b"bin-", b"test-", b"example-", b"bench-", b"build-script-"];
        kinds.iter().any(|kind| target.name(*id).starts_with(kind))
    };
    unit.fingerprints.iter().any(is_program)
}

/// The program of a build script.
fn script(target: &Tree, unit: &Unit) -> Option<NodeId> {
    let is_script = |id: &NodeId| target.name(*id).starts_with(b"build-script-");
    unit.fingerprints.iter().any(is_script).then_some(())?;
    let is_program = |id: &NodeId| {
        let name = target.name(*id);
        let is_named = name.starts_with(b"build_script") || name.starts_with(b"build-script");
        is_named && !name.contains(&b'.')
    };
    unit.products(target).into_iter().find(is_program)
}

fn as_name(target: &Tree, id: NodeId) -> &OsStr {
    OsStr::from_bytes(target.name(id))
}
