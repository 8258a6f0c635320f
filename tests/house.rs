//! The house: rooms import downward only, files import in no circle, and none is long.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Item, UseTree};

/// The rooms of `src`, from the top floor down. One imports from those behind it only.
const ROOMS: [&str; 20] = [
    "commands", "doctor", "pipeline", "layers", "host", "facts", "job", "cli", "report", "outcome",
    "migrate", "plan", "cargo", "ledger", "store", "release", "api", "github", "tree", "sys",
];

/// Lines of a file before its tests, at most.
const LONGEST: usize = 450;

/// A file's module path below the crate, such as `store::lookup`.
type Module = String;

struct House {
    /// What each file imports, and its lines before its tests.
    files: BTreeMap<Module, (BTreeSet<Module>, usize)>,
}

impl House {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        collect(&src, &mut paths);
        let modules: BTreeSet<_> = paths.iter().map(|path| module_of(path, &src)).collect();
        let read = paths.iter().map(|path| {
            let (module, text) = (module_of(path, &src), std::fs::read_to_string(path).unwrap());
            let mut imports =
                Imports { of: &module, modules: &modules, paths: Vec::new(), given_on: Vec::new() };
            imports.visit_file(&syn::parse_file(&text).unwrap());
            let Imports { paths, given_on, .. } = imports;
            let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
            (module.clone(), paths, given_on, lines)
        });
        let read: Vec<_> = read.collect();
        // A name that a room gives on is that of the file which has it.
        let given_on: BTreeMap<_, _> = read.iter().flat_map(|(_, _, given_on, _)| given_on.clone()).collect();
        let files = read.iter().map(|(module, paths, _, lines)| {
            let imported = paths.iter().filter_map(|path| nearest(path, &modules, &given_on));
            (module.clone(), (imported.filter(|other| other != module).collect(), *lines))
        });
        Self { files: files.collect() }
    }
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            paths.push(path);
        }
    }
}

fn module_of(path: &Path, src: &Path) -> Module {
    let below = path.strip_prefix(src).unwrap().with_extension("");
    let names: Vec<_> = below.iter().map(|name| name.to_str().unwrap()).collect();
    names.strip_suffix(&["mod"]).unwrap_or(&names).join("::")
}

/// The file in which `path` leads, as a room gives its names on.
fn nearest(
    path: &[String],
    modules: &BTreeSet<Module>,
    given_on: &BTreeMap<Vec<String>, Vec<String>>,
) -> Option<Module> {
    let is_module = |length: usize| modules.contains(&path[..length].join("::"));
    let given = (1..=path.len()).rev().find_map(|length| Some((length, given_on.get(&path[..length])?)));
    // `restore::restore` is given on as `restore`, which is the name of a file as well: there other names follow.
    let given = given.filter(|(length, _)| *length == path.len() || !is_module(*length));
    if let Some((length, from)) = given.filter(|(length, from)| !from.starts_with(&path[..*length])) {
        return nearest(&[&from[..], &path[length..]].concat(), modules, given_on);
    }
    (1..=path.len()).rev().find(|&length| is_module(length)).map(|length| path[..length].join("::"))
}

/// The paths in this crate that a file names, but for its tests.
struct Imports<'m> {
    of: &'m str,
    modules: &'m BTreeSet<Module>,
    paths: Vec<Vec<String>>,
    /// What a room gives on, and from where.
    given_on: Vec<(Vec<String>, Vec<String>)>,
}

impl Imports<'_> {
    /// `names` from the crate's root; `None` for another crate's.
    fn absolute(&self, names: &[String]) -> Option<Vec<String>> {
        let mut here: Vec<String> = self.of.split("::").map(str::to_owned).collect();
        match names.first()?.as_str() {
            "crate" => Some(names[1..].to_vec()),
            "super" => {
                let supers = names.iter().take_while(|name| *name == "super").count();
                here.truncate(here.len().checked_sub(supers)?);
                Some([here, names[supers..].to_vec()].concat())
            }
            _ => None,
        }
    }

    fn add(&mut self, names: &[String]) {
        self.paths.extend(self.absolute(names));
    }

    fn add_tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(before, &path.tree);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
            UseTree::Name(name) => {
                let names = [&before[..], &[name.ident.to_string()]].concat();
                self.add(&names);
                // `use child::Name` in a room's own file.
                let own: Vec<String> = self.of.split("::").map(str::to_owned).collect();
                let from = [&own[..], &names].concat();
                if names.first().is_some_and(|child| self.modules.contains(&[self.of, child].join("::"))) {
                    self.given_on.push(([own, vec![name.ident.to_string()]].concat(), from));
                }
            }
            UseTree::Rename(name) => self.add(&[&before[..], &[name.ident.to_string()]].concat()),
            UseTree::Glob(_) => self.add(before),
        }
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if module.attrs.iter().any(is_of_tests) => {}
            Item::Use(tree) => self.add_tree(&mut Vec::new(), &tree.tree),
            item => syn::visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }
}

fn is_of_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|of| of == "test")
}

fn floor_of(module: &str) -> Option<usize> {
    ROOMS.iter().position(|room| module.split("::").next() == Some(room))
}

#[test]
fn each_room_has_its_floor() {
    let rooms = House::read().files.into_keys().filter(|module| !["main", "lib"].contains(&module.as_str()));
    let unknown: Vec<_> = rooms.filter(|module| floor_of(module).is_none()).collect();
    assert!(unknown.is_empty(), "these are on no floor of ROOMS: {unknown:?}");
}

#[test]
fn no_import_leads_upward() {
    let mut upward = Vec::new();
    for (module, (imports, _)) in &House::read().files {
        let Some(own) = floor_of(module) else { continue };
        let is_above = |other: &&Module| floor_of(other).is_some_and(|floor| floor < own);
        upward.extend(imports.iter().filter(is_above).map(|other| format!("{module} -> {other}")));
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_files_import_in_a_circle() {
    let House { files } = House::read();
    let reached_from = |module: &Module| {
        let mut reached: BTreeSet<&Module> = BTreeSet::new();
        let mut pending: Vec<_> = files[module].0.iter().collect();
        while let Some(other) = pending.pop() {
            if reached.insert(other) {
                pending.extend(&files[other].0);
            }
        }
        reached
    };
    let ties = |module: &Module| -> Vec<String> {
        let back = files[module].0.iter().filter(|other| reached_from(other).contains(module));
        back.map(|other| format!("{module} -> {other}")).collect()
    };
    let in_circles: Vec<_> = files.keys().flat_map(ties).collect();
    assert!(in_circles.is_empty(), "{in_circles:#?}");
}

#[test]
fn no_file_is_long() {
    let files = House::read().files.into_iter();
    let long: Vec<_> =
        files.map(|(module, (_, lines))| (module, lines)).filter(|(_, lines)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "more than {LONGEST} lines before their tests: {long:?}");
}
