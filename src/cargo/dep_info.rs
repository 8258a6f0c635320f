//! What a unit was compiled from: cargo's list of files and variables, and rustc's list of files.
//!
//! Cargo's (`dep-<name>` beside a fingerprint) is what it goes by: files below the package and the target directory are
//! relative to these, others absolute. Only rustc's (`*.d`) tells where the package is, and names the sources of
//! downloads. Source: `EncodedDepInfo` and `parse_rustc_dep_info` in cargo's `fingerprint/dep_info.rs`, read at 1.100.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a list of cargo's begins with since 1.84; earlier ones have no beginning and no checksums.
const VERSION_1: [u8; 6] = [1, 0, 0, 0, 0xff, 1];

/// Cargo's own path, the only one of the variables set by cargo that is in its lists. Source: `CARGO_ENV` there.
const SET_BY_CARGO: &str = "CARGO";

/// Cargo's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepInfo {
    /// Sources.
    pub files: Vec<(Base, PathBuf)>,
    /// Variables that were read while it was compiled, with their values.
    variables: Vec<(String, Option<String>)>,
}

/// What a path in a list is relative to; absolute ones are what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The directory of the package.
    Package,
    /// The target directory.
    Target,
}

impl DepInfo {
    /// Reads cargo's list. `None` for one that is damaged, or of a version that is not known.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let versioned = bytes.strip_prefix(&VERSION_1);
        let mut rest = Rest(versioned.unwrap_or(bytes));
        let mut info = Self::default();
        for _ in 0..rest.number()? {
            let base = match rest.byte()? {
                0 => Base::Package,
                1 => Base::Target,
                _ => return None,
            };
            let path = PathBuf::from(OsStr::from_bytes(rest.bytes()?));
            if versioned.is_some() && rest.byte()? != 0 {
                let _size = rest.take(8)?;
                let _checksum = rest.bytes()?;
            }
            info.files.push((base, path));
        }
        for _ in 0..rest.number()? {
            let name = rest.text()?;
            let value = if rest.byte()? == 0 { None } else { Some(rest.text()?) };
            info.variables.push((name, value));
        }
        // What is left is of a version that is not known.
        rest.0.is_empty().then_some(info)
    }

    /// Variables that were read, each with its value, but for the one that cargo sets itself.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let variables = self.variables.iter().filter(|(name, _)| name != SET_BY_CARGO);
        variables.map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Names of variables that have another value than in an earlier list, or are in only one of them.
    pub fn other_variables(&self, earlier: &Self) -> Vec<String> {
        let only_in = |these: &Self, those: &Self| {
            let others = these.variables.iter().filter(|variable| !those.variables.contains(variable));
            others.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let mut names = [only_in(self, earlier), only_in(earlier, self)].concat();
        names.sort();
        names.dedup();
        names
    }

    /// The directory of the package, as it is named in rustc's list `sources`: relative to the workspace, or absolute. `None`
    /// for a download, whose files cargo does not list.
    pub fn package_directory(&self, sources: &[PathBuf]) -> Option<PathBuf> {
        let root = sources.first()?;
        let in_package =
            self.files.iter().filter(|(base, path)| *base == Base::Package && root.ends_with(path));
        let depth = in_package.map(|(_, path)| path.components().count()).max()?;
        root.ancestors().nth(depth).map(Path::to_path_buf)
    }
}

/// The files in a list of rustc's, the crate's first source before all others.
pub fn listed_sources(list: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(list);
    let Some((_, files)) = text.lines().find_map(|line| line.split_once(": ")) else { return Vec::new() };
    let mut sources: Vec<String> = Vec::new();
    let mut is_open = false;
    // A blank in a name has a backslash before it.
    for word in files.split(' ').filter(|word| !word.is_empty()) {
        let (word, goes_on) = word.strip_suffix('\\').map_or((word, false), |word| (word, true));
        match sources.last_mut().filter(|_| is_open) {
            Some(open) => open.extend([" ", word]),
            None => sources.push(word.to_owned()),
        }
        is_open = goes_on;
    }
    sources.into_iter().map(PathBuf::from).collect()
}

/// The variables in a list of rustc's, each with its value: also those that cargo sets, which its own list leaves out.
pub(super) fn listed_variables(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"# env-dep:"))
}

/// A package that cargo downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The cargo home in which it lies.
    pub home: PathBuf,
    /// Its version, or the commit.
    pub version: String,
}

impl Download {
    /// The download of `package` that the file `source` is of; `None` for one that is of none.
    pub fn of(package: &str, source: &Path) -> Option<Self> {
        let names: Vec<_> = source.iter().map(|name| name.to_string_lossy()).collect();
        let (at, version) = names.windows(5).enumerate().find_map(|(at, names)| {
            let version = match [&*names[0], &*names[1]] {
                ["registry", "src"] => names[3].strip_prefix(package)?.strip_prefix('-')?,
                ["git", "checkouts"] => &*names[3],
                _ => return None,
            };
            Some((at, version.to_owned()))
        })?;
        Some(Self { home: source.iter().take(at).collect(), version })
    }
}

/// What of a list is not read yet. Numbers are of 32 bits, lowest byte first.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
    }

    /// `src/lib.rs` of the package, `/x/a` with a checksum, the variable `A` and its value, and `B` that was not set.
    fn list(a: &str) -> Vec<u8> {
        let files =
            [&[0][..], &text("src/lib.rs"), &[0], &[1], &text("/x/a"), &[1], &[0; 8], &text("sha256=0")];
        let variables = [&text("A")[..], &[1], &text(a), &text("B"), &[0]];
        let two = [2, 0, 0, 0];
        [&VERSION_1[..], &two, &files.concat(), &two, &variables.concat()].concat()
    }

    #[test]
    fn a_list_of_cargos_tells_files_and_variables() {
        let info = DepInfo::parse(&list("secret")).unwrap();
        assert_eq!(info.files, [(Base::Package, "src/lib.rs".into()), (Base::Target, "/x/a".into())]);
        assert_eq!(info.other_variables(&DepInfo::parse(&list("another")).unwrap()), ["A"]);
        assert_eq!(info.other_variables(&DepInfo::default()), ["A", "B"]);
        let of_1_83 = [&[1, 0, 0, 0, 0][..], &text("build.rs"), &[0; 4]].concat();
        assert_eq!(DepInfo::parse(&of_1_83).unwrap().files, [(Base::Package, "build.rs".into())]);
    }

    #[test]
    fn a_damaged_list_is_none_and_no_panic() {
        let whole = list("x");
        for end in 0..whole.len() {
            assert_eq!(DepInfo::parse(&whole[..end]), None, "{end}");
        }
        assert_eq!(DepInfo::parse(&[&whole[..], &[0]].concat()), None, "something behind it");
        let of_version_2 = [&[1, 0, 0, 0, 0xff, 2], &whole[VERSION_1.len()..]].concat();
        assert_eq!(DepInfo::parse(&of_version_2), None);
        for byte in [0, 2, 0x7f, 0xff] {
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                // Some are other lists, but none is a panic or takes all memory.
                let _ = DepInfo::parse(&damaged);
            }
        }
    }

    #[test]
    fn rustcs_list_and_cargos_tell_the_directory_of_the_package() {
        let sources = listed_sources(
            b"/t/debug/deps/a-1.d: crates/a/src/lib.rs crates/a/src/a\\ b.rs\n\ncrates/a/src/lib.rs:\n",
        );
        assert_eq!(sources, [Path::new("crates/a/src/lib.rs"), Path::new("crates/a/src/a b.rs")]);
        let variables = listed_variables(b"/t/a.d: a.rs\n\na.rs:\n\n# env-dep:A=/x\n# env-dep:B\n");
        assert_eq!(variables.collect::<Vec<_>>(), [&b"A=/x"[..], b"B"]);
        assert_eq!(DepInfo::parse(&list("")).unwrap().package_directory(&sources), Some("crates/a".into()));
        assert_eq!(DepInfo::default().package_directory(&sources), None);
        for damaged in [&b""[..], b"\xff\xff: ", b"a: \\ \\", b": \\"] {
            let _ = listed_sources(damaged);
        }
    }

    #[test]
    fn downloads_are_known_by_where_they_lie() {
        let of = |source: &str| Download::of("a-b", Path::new(source));
        let is = |home: &str, version: &str| Some(Download { home: home.into(), version: version.into() });
        assert_eq!(of("/h/.cargo/registry/src/i-1/a-b-1.0.0-rc.1/src/lib.rs"), is("/h/.cargo", "1.0.0-rc.1"));
        assert_eq!(of("/h/git/checkouts/r-1/0123456/x/lib.rs"), is("/h", "0123456"));
        assert_eq!(of("/w/crates/a-b/src/lib.rs"), None);
        assert_eq!(of("/h/registry/src/i-1/other-1.0.0/src/lib.rs"), None);
    }
}
