//! A small feature of cargo projects that a cache can get wrong, with what people change in it.
//!
//! A shape is data. Its paths are relative to its directory, but for those that begin with `/` (the repository's root)
//! and with `^NAME/` (another repository, which the project needs). In its texts `@n` is a number that edits change,
//! and `@d` the directory of the shape.

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Also the name of its directory.
    pub(crate) name: &'static str,
    /// Members of the project's workspace.
    pub(crate) packages: &'static [Package],
    /// Path and text of each further file.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Path and target of each link.
    pub(crate) links: &'static [(&'static str, &'static str)],
    /// Path and size of a file that is only large.
    pub(crate) large: Option<(&'static str, u64)>,
    /// What people change.
    pub(crate) edits: &'static [Edit],
    /// Executables that `cargo build` makes and that print what counts.
    pub(crate) programs: &'static [&'static str],
    /// Lines of the repository's `.gitignore`.
    pub(crate) ignored: &'static [&'static str],
    /// Directories with manifests that are no members.
    pub(crate) excluded: &'static [&'static str],
    /// Further workspaces, each with a target directory of its own.
    pub(crate) workspaces: &'static [&'static str],
    /// Lines of the repository's `.cargo/config.toml`.
    pub(crate) config: &'static str,
    /// Bash: what a job does after its checkout and before its restore.
    pub(crate) before: &'static str,
    /// Bash: what a job does before cargo.
    pub(crate) steps: &'static str,
    /// Bash: what a job does after `cargo build`; what it prints counts.
    pub(crate) probe: &'static str,
    /// Bash: the same after `cargo build --release`.
    pub(crate) release_probe: &'static str,
    /// What packages are made of besides their own files: directory of the package, and how paths begin. `/HEAD` is the
    /// commit.
    pub(crate) inputs: &'static [(&'static str, &'static str)],
    /// Whether its units are made of files that a fresh checkout lacks and that each job makes: so each job has to build them.
    pub(crate) is_made_again: bool,
    pub(crate) commands: Commands,
    /// Shapes that no project has besides this one.
    pub(crate) excludes: &'static [&'static str],
    /// Whether its package can be the repository's root.
    pub(crate) may_be_root: bool,
    /// Whether it is costly, so few projects have it.
    pub(crate) is_rare: bool,
}

impl Shape {
    /// What a shape is where it says nothing.
    pub(crate) const NOTHING: Self = Self {
        name: "",
        packages: &[],
        files: &[],
        links: &[],
        large: None,
        edits: &[],
        programs: &[],
        ignored: &[],
        excluded: &[],
        workspaces: &[],
        config: "",
        before: "",
        steps: "",
        probe: "",
        release_probe: "",
        inputs: &[],
        is_made_again: false,
        commands: Commands::All,
        excludes: &[],
        may_be_root: false,
        is_rare: false,
    };
}

/// What jobs call cargo for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commands {
    All,
    /// The shape's probe finds what checks have left beside what builds make: a limit of the law, and cargo's as well.
    BuildsOnly,
}

/// A package whose manifest is written for it.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// Relative to the shape's directory.
    pub(crate) directory: &'static str,
    /// What its manifest has besides name, version and edition.
    pub(crate) manifest: &'static str,
}

impl Package {
    /// A package in the shape's directory itself.
    pub(crate) const fn new(name: &'static str, manifest: &'static str) -> Self {
        Self { name, directory: "", manifest }
    }

    /// A procedural macro in `mac`.
    pub(crate) const fn mac(name: &'static str) -> Self {
        Self { name, directory: "mac", manifest: "[lib]\nproc-macro = true\n" }
    }
}

/// Something that people do to files.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    /// The shape's file has another number, and is there again if it was gone.
    Number(&'static str),
    /// There is another file, or it has another number.
    Add(&'static str, &'static str),
    /// The file is gone.
    Remove(&'static str),
    /// The file has another name.
    Rename(&'static str, &'static str),
    /// The file is executable or no longer.
    Mode(&'static str),
    /// The link leads to another one of these.
    Link(&'static str, &'static [&'static str]),
}
