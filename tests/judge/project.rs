//! A project of several shapes, and the files of each of its branches as commits change them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::files::{Files, Node};
use crate::history::{Branch, Change, History};
use crate::shape::{Edit, Package, Shape};
use crate::shapes;

/// What a source that does not compile ends with.
const BROKEN: &str = "compile_error!(\"broken\");\n";

/// How the workspace's part of the root manifest begins.
const WORKSPACE: &str = "[workspace]\n";

/// The project of a history.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) parts: Vec<Part>,
    branches: BTreeMap<Branch, Vec<Files>>,
}

/// A shape in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) shape: &'static Shape,
    /// Relative to the repository's root, `.` for that.
    pub(crate) directory: &'static str,
}

impl Part {
    /// A path of the shape, relative to the repository's root.
    pub(crate) fn path(&self, path: &str) -> String {
        if let Some(path) = path.strip_prefix('/') {
            path.to_owned()
        } else if let Some(path) = path.strip_prefix('^') {
            format!("../deps/{path}")
        } else {
            match (self.directory, path) {
                (".", path) => path.to_owned(),
                (directory, "") => directory.to_owned(),
                (directory, path) => format!("{directory}/{path}"),
            }
        }
    }

    /// A text of the shape.
    pub(crate) fn text(&self, text: &str) -> String {
        text.replace("/@d/", if self.directory == "." { "/" } else { "/@d/" }).replace("@d", self.directory)
    }

    fn numbered(&self, text: &str, number: u32) -> Node {
        Node::text(self.text(text).replace("@n", &number.to_string()))
    }

    /// The files that it begins with.
    fn files(&self) -> Files {
        let manifests = self.shape.packages.iter().map(|package| (manifest_path(package), manifest(package)));
        let texts = self.shape.files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let texts = manifests.chain(texts).map(|(path, text)| (self.path(&path), self.numbered(&text, 1)));
        let links = self.shape.links.iter().map(|(path, to)| (self.path(path), Node::Link((*to).to_owned())));
        let large = self.shape.large.map(|(path, size)| (self.path(path), Node::Zeros(size)));
        texts.chain(links).chain(large).collect()
    }

    /// Directories of the project's packages, but for the root.
    fn members(&self) -> impl Iterator<Item = String> {
        let manifests = self.shape.packages.iter().map(manifest_path);
        let paths = self.shape.files.iter().chain(self.shape.links).map(|(path, _)| (*path).to_owned());
        let is_member = |path: &String| {
            let is_out = |out: &&str| path.starts_with(&format!("{out}/"));
            !path.starts_with(['/', '^']) && !self.shape.excluded.iter().any(is_out)
        };
        let paths = manifests.chain(paths).filter(is_member).map(|path| self.path(&path));
        paths.filter_map(|path| path.strip_suffix("/Cargo.toml").map(ToOwned::to_owned))
    }

    /// The text of a file before it has its number.
    fn template(&self, path: &str) -> String {
        let file = self.shape.files.iter().find(|(name, _)| *name == path);
        let package =
            || self.shape.packages.iter().find(|package| manifest_path(package) == path).map(manifest);
        file.map(|(_, text)| (*text).to_owned())
            .or_else(package)
            .unwrap_or_else(|| panic!("{} has no file {path}", self.shape.name))
    }

    fn edit(&self, files: &mut Files, edit: Edit, number: u32) {
        match edit {
            Edit::Number(path) => {
                put(files, self.path(path), self.numbered(&self.template(path), number));
            }
            Edit::Add(path, text) => {
                put(files, self.path(path), self.numbered(text, number));
            }
            Edit::Remove(path) => {
                files.remove(&self.path(path));
            }
            Edit::Rename(from, to) => {
                if let Some(node) = files.remove(&self.path(from)) {
                    files.insert(self.path(to), node);
                }
            }
            Edit::Mode(path) => {
                if let Some(Node::Text { is_executable, .. }) = files.get_mut(&self.path(path)) {
                    *is_executable = !*is_executable;
                }
            }
            Edit::Link(path, targets) => {
                let to = targets[number as usize % targets.len()];
                files.insert(self.path(path), Node::Link(to.to_owned()));
            }
        }
    }

    /// A source of it that a job compiles.
    fn source<'f>(&self, files: &'f mut Files) -> Option<&'f mut String> {
        let path = self
            .shape
            .files
            .iter()
            .map(|(path, _)| *path)
            .find(|path| path.ends_with("main.rs") || path.ends_with("lib.rs"))?;
        match files.get_mut(&self.path(path)) {
            Some(Node::Text { text, .. }) => Some(text),
            _ => None,
        }
    }
}

/// Cargo's debug profile is the last of what the root manifest has.
fn set_assertions(files: &mut Files, has_assertions: bool) {
    if let Some(Node::Text { text, .. }) = files.get_mut("Cargo.toml") {
        let at = text.find("debug-assertions").unwrap_or(text.len());
        text.truncate(at);
        writeln!(text, "debug-assertions = {has_assertions}").unwrap();
    }
}

/// Writes a file; the manifest at the root stays that of the workspace.
fn put(files: &mut Files, path: String, mut node: Node) {
    let before = files.get(&path);
    if path == "Cargo.toml"
        && let (Some(Node::Text { text: before, .. }), Node::Text { text, .. }) = (before, &mut node)
        && let Some(at) = before.find(WORKSPACE)
    {
        text.push_str(&before[at..]);
    }
    files.insert(path, node);
}

fn manifest_path(package: &Package) -> String {
    match package.directory {
        "" => "Cargo.toml".to_owned(),
        directory => format!("{directory}/Cargo.toml"),
    }
}

fn manifest(package: &Package) -> String {
    format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.@n\"\nedition = \"2021\"\n{}",
        package.name, package.manifest
    )
}

impl Project {
    /// A project without a commit.
    pub(crate) fn new(history: &History) -> Self {
        let shapes = history.shapes.iter().map(|name| shapes::named(name));
        let parts = shapes.enumerate().map(|(index, shape)| Part {
            shape,
            directory: if index == 0 && history.has_root_package && shape.may_be_root {
                "."
            } else {
                shape.name
            },
        });
        Self { parts: parts.collect(), branches: BTreeMap::new() }
    }

    /// The files of a branch's last commit; those of `main` where there is no such branch.
    pub(crate) fn files(&self, branch: Branch) -> Option<&Files> {
        self.branches
            .get(&branch)
            .or_else(|| self.branches.get(&Branch::Main))
            .and_then(|commits| commits.last())
    }

    /// The branch, or `main` where it has none of this name.
    pub(crate) fn branch(&self, branch: Branch) -> Branch {
        if self.branches.contains_key(&branch) { branch } else { Branch::Main }
    }

    /// Commits to a branch.
    pub(crate) fn commit(&mut self, branch: Branch, changes: &[Change], is_lean: bool) {
        let mut files = self.files(branch).cloned().unwrap_or_else(|| self.first(is_lean));
        for change in changes {
            self.change(&mut files, change);
        }
        self.branches.entry(branch).or_default().push(files);
    }

    /// Takes the last commit of a branch away, if it has another one.
    pub(crate) fn back(&mut self, branch: Branch) -> bool {
        let commits = self.branches.get_mut(&branch).filter(|commits| commits.len() > 1);
        commits.and_then(Vec::pop).is_some()
    }

    /// Directories of all workspaces.
    pub(crate) fn workspaces(&self) -> Vec<&'static str> {
        let more = self.parts.iter().flat_map(|part| part.shape.workspaces.iter().copied());
        std::iter::once(".").chain(more).collect()
    }

    fn part(&self, name: &str) -> Part {
        *self.parts.iter().find(|part| part.shape.name == name).expect("a shape of the project")
    }

    fn change(&self, files: &mut Files, change: &Change) {
        match change {
            Change::Edit { shape, edit, number } => {
                let part = self.part(shape);
                part.edit(files, part.shape.edits[*edit], *number);
            }
            Change::Comment { shape, number } => {
                if let Some(text) = self.part(shape).source(files) {
                    writeln!(text, "// {number}").unwrap();
                }
            }
            Change::Break { shape } => {
                if let Some(text) = self.part(shape).source(files) {
                    text.push_str(BROKEN);
                }
            }
            Change::Mend { shape } => {
                if let Some(text) = self.part(shape).source(files) {
                    *text = text.replace(BROKEN, "");
                }
            }
            Change::Profile { has_assertions } => set_assertions(files, *has_assertions),
            Change::Page { number } => {
                files.insert("PAGE.md".to_owned(), Node::text(format!("{number}\n")));
            }
        }
    }

    /// The files of the first commit.
    fn first(&self, is_lean: bool) -> Files {
        let mut files: Files = self.parts.iter().flat_map(Part::files).collect();
        let mut ignored: BTreeSet<String> = BTreeSet::from(["target".to_owned()]);
        let (mut members, mut excluded, mut config) = (Vec::new(), Vec::new(), String::new());
        for part in &self.parts {
            ignored.extend(part.shape.ignored.iter().map(|line| part.text(line)));
            members.extend(part.members());
            excluded.extend(part.shape.excluded.iter().map(|path| part.path(path)));
            config.push_str(part.shape.config);
        }
        let mut root = match files.get("Cargo.toml") {
            Some(Node::Text { text, .. }) => text.clone(),
            _ => String::new(),
        };
        write!(
            root,
            "{WORKSPACE}resolver = \"2\"\nmembers = {members:?}\nexclude = {excluded:?}\n[profile.dev]\n"
        )
        .unwrap();
        if is_lean {
            root.push_str("debug = false\n");
        }
        files.insert("Cargo.toml".to_owned(), Node::text(root));
        files.insert(
            ".gitignore".to_owned(),
            Node::text(ignored.into_iter().collect::<Vec<_>>().join("\n") + "\n"),
        );
        if !config.is_empty() {
            files.insert(".cargo/config.toml".to_owned(), Node::text(config));
        }
        files
    }
}
