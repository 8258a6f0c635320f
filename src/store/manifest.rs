//! What an entry is and holds.
//!
//! The file: a line `runner-cache-manifest <format> <sha256 of all that follows>`, a line of JSON (the [`Header`], for
//! people and `list`), then the [`Root`]s in postcard's binary form, which loads 100,000 files in some 10 ms, likewise the
//! [`Sources`] and the [`Provenance`] of units, and, where something lies with other entries or in a pack, what does
//! ([`Elsewhere`]), and where something is of another scope's inodes, what is ([`Borrowed`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::borrowed::Borrowed;
use super::entry::MANIFEST;
use super::provenance::{Outside, Provenance};
use super::{Error, Finality, Layer, Result};
use crate::sys::{Dir, sha256_hex};
use crate::tree::{Kind, Node, NodeId, PACKED, Snapshot, Tree};

/// The oldest format that this version reads.
pub(super) const OLDEST: u32 = 4;

/// The newest one.
pub(super) const FORMAT: u32 = 6;

/// The format of an entry whose files lie in folders, some of them with other entries.
const FORMAT_OF_PARTS: u32 = 5;

/// The format of an entry that holds all its files itself, each in a folder. Formats before do not tell what units were made
/// of.
const FORMAT_OF_WHOLE: u32 = OLDEST;

/// From how many bytes on two threads read a manifest: checking and decoding takes each of them milliseconds.
const LARGE: usize = 64 * 1024;

/// Bytes of the two lines that a header is, at most.
const LONGEST_HEADER: u64 = 16 << 20;

const MAGIC: &str = "runner-cache-manifest";

/// Repository and ref in which a key is looked up and saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `owner/name`.
    pub repository: String,
    /// A full ref such as `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// One named input of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name, such as `lock`.
    pub name: String,
    /// What goes into the key's text.
    pub digest: String,
    /// What was hashed: a label (a file's path, a variable's name) and its value or digest. For people.
    pub items: Vec<(String, String)>,
}

/// Who made an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The workflow's name.
    pub workflow: Option<String>,
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// Number of the run.
    pub run: Option<String>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// The runner's name.
    pub runner: Option<String>,
    /// The kernel's boot: an entry of an earlier one may not have reached the disk.
    pub boot: Option<String>,
    /// Milliseconds from that boot until the entry's files were all there.
    #[serde(default)]
    pub since_boot: Option<u64>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What kind of thing it holds.
    pub layer: Layer,
    /// Its key, whole.
    pub key: String,
    /// What went into the key; empty for a key that the user gave.
    pub factors: Vec<Factor>,
    /// Repository and ref.
    pub scope: Scope,
    /// The jobs whose entry this is.
    pub lane: String,
    /// Entries of one layer, repository, ref, lane and family are kept up to a number: they are versions of one thing.
    pub family: String,
    /// A digest of what it is about, in the user's words.
    pub contents: String,
    /// Who made it.
    pub origin: Origin,
    /// When.
    pub created: Timestamp,
    /// Whether it holds all that its key promises.
    #[serde(default)]
    pub finality: Finality,
    /// Whether its ref is the repository's default branch, whose entries all others fall back on.
    #[serde(default)]
    pub is_of_default_branch: bool,
    /// How long the job took from its restore to its save: the most that making the entry again can cost.
    #[serde(default)]
    pub made_in_seconds: u64,
    /// Files and symlinks in it.
    pub files: u64,
    /// Bytes in it.
    pub bytes: u64,
    /// The packages whose executables it holds; empty where it holds something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installs: Vec<Install>,
    /// What is compiled in it, where it is a unit of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// A compiled unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its own folder in a target folder: no other unit lies there.
    pub slot: String,
    /// The package, `<name>-<version>`.
    pub package: String,
    /// The package's features, as cargo writes them.
    pub features: String,
    /// The variables that its build script said it reads, each with the SHA-256 of its value: values can be secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Option<String>>,
    /// The digests of the units that it was built with.
    pub needs: Vec<String>,
    /// What lies outside of the cargo home and was read, run or linked, such as a library of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
}

/// A package that cargo has installed, as cargo has noted it: without the note it takes the executables for somebody
/// else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// Cargo's words for it: `<name> <version> (<source>)`.
    pub package: String,
    /// The names of its executables, in order.
    pub bins: Vec<String>,
    /// All else that is noted of it, such as its features; nothing where cargo was too old to do so.
    pub details: Option<serde_json::Value>,
}

/// One folder of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// What the job calls it: a path as the user wrote it, or a part of a layer such as `registry/index`.
    pub name: String,
    /// Where only a single file or a part of a folder was saved, the tree is that of the folder above or around it.
    pub is_partial: bool,
    /// What is in it.
    pub tree: Tree,
    /// Where its files lie that have no names in the entry itself.
    #[serde(skip)]
    pub elsewhere: Elsewhere,
    /// Its files that entries of other scopes have as well.
    #[serde(skip)]
    pub borrowed: Borrowed,
}

/// What of a root lies with entries that had it before, or in the root's pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Where.
    pub parts: Vec<Part>,
    /// For each node of the tree `n` where it lies in `parts[n - 1]`, 0 where it lies in the entry itself, and [`PACKED`] where
    /// it lies in the pack; nothing if all lie in the entry itself.
    pub of: Vec<u8>,
}

/// A folder of files that another entry was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// That entry's folder below the store's root, as it was then.
    pub entry: String,
    /// The number of the root there.
    pub root: u32,
    /// Files and symlinks that the entry holds itself, of all its roots, whether they are still of use or not.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The sources from which an entry was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Their folder, relative to the job's.
    pub folder: String,
    /// What is in it.
    pub snapshot: Snapshot,
}

/// An entry's header and contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it is.
    pub header: Header,
    /// What it holds: `roots[0]` lies in `tree/0` and so on.
    pub roots: Vec<Root>,
    /// What it was built from; empty where that plays no part.
    pub sources: Vec<Sources>,
    /// What its units were made of; empty where there are none.
    pub provenance: Provenance,
}

impl Manifest {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Of a million files it is tens of megabytes: all is written into one vector, and the digest comes last.
        let is_whole = self.roots.iter().all(|root| root.elsewhere.of.is_empty() && root.borrowed.is_empty());
        let has_pack = self.roots.iter().any(|root| root.elsewhere.has_pack());
        let has_borrowed = self.roots.iter().any(|root| !root.borrowed.is_empty());
        let format = if is_whole {
            FORMAT_OF_WHOLE
        } else if has_pack || has_borrowed {
            FORMAT
        } else {
            FORMAT_OF_PARTS
        };
        let first_line = |digest: &str| format!("{MAGIC} {format} {digest}\n").into_bytes();
        let mut bytes = first_line(&sha256_hex(b""));
        let body = bytes.len();
        serde_json::to_writer(&mut bytes, &self.header).expect("a header has nothing that JSON lacks");
        bytes.push(b'\n');
        let mut bytes = postcard::to_extend(&(&self.roots, &self.sources, &self.provenance), bytes)
            .expect("a tree has nothing that postcard lacks");
        if !is_whole {
            let elsewhere: Vec<_> = self.roots.iter().map(|root| &root.elsewhere).collect();
            bytes = postcard::to_extend(&elsewhere, bytes).expect("numbers and texts are all there is");
        }
        if has_borrowed {
            let borrowed: Vec<_> = self.roots.iter().map(|root| &root.borrowed).collect();
            bytes = postcard::to_extend(&borrowed, bytes).expect("numbers are all there is");
        }
        let first = first_line(&sha256_hex(&bytes[body..]));
        bytes[..body].copy_from_slice(&first);
        bytes
    }

    /// Reads and checks a whole manifest. `path` is for messages.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let (digest, body) = split_first_line(bytes, path)?;
        let (check, read) = (|| sha256_hex(body) == digest, || Self::from_body(body, path));
        let (is_whole, manifest) =
            if body.len() < LARGE { (check(), read()) } else { rayon::join(check, read) };
        if !is_whole {
            return Err(Error::Manifest { path: path.into(), why: "its checksum is wrong".into() });
        }
        manifest
    }

    /// Reads and checks what follows the first line, which may hold anything.
    fn from_body(body: &[u8], path: &Path) -> Result<Self> {
        let damaged = |why: String| Error::Manifest { path: path.into(), why };
        let (header, roots) = split_line(body).ok_or_else(|| damaged("it ends early".into()))?;
        let header = serde_json::from_slice(header).map_err(|error| damaged(error.to_string()))?;
        let unreadable = |error: postcard::Error| damaged(error.to_string());
        let (mut roots, rest) = postcard::take_from_bytes::<Vec<Root>>(roots).map_err(unreadable)?;
        for root in &roots {
            root.tree.validate().map_err(|error| damaged(error.to_string()))?;
        }
        let (sources, rest) = postcard::take_from_bytes::<Vec<Sources>>(rest).map_err(unreadable)?;
        let (provenance, rest) = postcard::take_from_bytes::<Provenance>(rest).map_err(unreadable)?;
        let (elsewhere, rest) = if rest.is_empty() {
            (Vec::new(), rest)
        } else {
            postcard::take_from_bytes::<Vec<Elsewhere>>(rest).map_err(unreadable)?
        };
        let borrowed: Vec<Borrowed> =
            if rest.is_empty() { Vec::new() } else { postcard::from_bytes(rest).map_err(unreadable)? };
        if [elsewhere.len(), borrowed.len()].iter().any(|&count| count != 0 && count != roots.len()) {
            return Err(damaged("it does not tell of each root where that lies".into()));
        }
        for (root, borrowed) in roots.iter_mut().zip(borrowed) {
            root.borrowed = borrowed;
            if !root.borrowed.is_of(&root.tree) {
                return Err(damaged("it tells of files that are not there".into()));
            }
        }
        for (root, elsewhere) in roots.iter_mut().zip(elsewhere) {
            root.elsewhere = elsewhere;
            if !root.elsewhere.is_of(&root.tree) {
                return Err(damaged("it tells of no place where files lie".into()));
            }
        }
        if !sources.iter().all(|sources| sources.snapshot.is_sound()) {
            return Err(damaged("what it says of the sources is no tree".into()));
        }
        if !provenance.is_of(&roots, &sources) {
            return Err(damaged("what it says its units were made of is not there".into()));
        }
        Ok(Self { header, roots, sources, provenance })
    }
}

impl Part {
    /// The name of the entry's own folder, which no other entry has.
    pub(super) fn generation(&self) -> &str {
        self.entry.rsplit('/').next().unwrap_or_default()
    }
}

impl Elsewhere {
    /// Whether the entry itself has the node `id`, and none of the parts.
    pub(super) fn is_own(&self, id: NodeId) -> bool {
        [0, PACKED].contains(&self.place(id))
    }

    /// Where the node `id` lies, as [`Elsewhere::of`] tells it.
    pub fn place(&self, id: NodeId) -> u8 {
        self.of.get(id as usize).copied().unwrap_or(0)
    }

    /// Whether there is a pack.
    pub(super) fn has_pack(&self) -> bool {
        self.of.contains(&PACKED)
    }

    /// Whether it tells of each node of `tree` a place that there is.
    fn is_of(&self, tree: &Tree) -> bool {
        let is_address = |part: &Part| {
            let names = part.entry.split('/');
            names.clone().count() == 5 && names.clone().all(|name| !["", ".", ".."].contains(&name))
        };
        let is_place = |((_, node), &number): ((NodeId, &Node), &u8)| match number {
            PACKED => !matches!(node.kind, Kind::Symlink { .. }),
            number => usize::from(number) <= self.parts.len(),
        };
        self.parts.len() < usize::from(PACKED)
            && self.parts.iter().all(is_address)
            && (self.of.len() == tree.len() as usize || self.of.is_empty() && self.parts.is_empty())
            && tree.iter().zip(&self.of).all(is_place)
            && self.of.first().is_none_or(|&root| root == 0)
    }
}

impl Header {
    /// Reads only the header of the manifest in the entry's folder, without checking the rest.
    pub(super) fn read(entry: &Dir) -> Result<Self> {
        use std::io::{BufRead as _, BufReader, Read as _};
        let path = &entry.join(MANIFEST.as_bytes());
        let damaged = |why: String| Error::Manifest { path: path.into(), why };
        let (file, _) = entry.open_file(MANIFEST.as_bytes())?;
        let mut lines = BufReader::new(File::from(file).take(LONGEST_HEADER));
        let mut first = Vec::new();
        let mut header = Vec::new();
        lines.read_until(b'\n', &mut first).map_err(|error| damaged(error.to_string()))?;
        split_first_line(&first, path)?;
        lines.read_until(b'\n', &mut header).map_err(|error| damaged(error.to_string()))?;
        serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))
    }

    /// What stands in the key for the compiler, where the key has it.
    pub fn toolchain(&self) -> Option<&str> {
        self.factors.iter().find(|factor| factor.name == "rustc").map(|factor| factor.digest.as_str())
    }
}

/// The digest that the first line tells, and what follows it.
fn split_first_line<'a>(bytes: &'a [u8], path: &Path) -> Result<(&'a str, &'a [u8])> {
    let damaged =
        || Error::Manifest { path: path.into(), why: "it does not begin as a manifest does".into() };
    let (first, body) = split_line(bytes).ok_or_else(damaged)?;
    let mut words = std::str::from_utf8(first).map_err(|_| damaged())?.split(' ');
    let (Some(MAGIC), Some(format), Some(digest), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(damaged());
    };
    let format = format.parse().map_err(|_| damaged())?;
    if !(OLDEST..=FORMAT).contains(&format) {
        return Err(Error::OtherFormat { path: path.into(), format });
    }
    Ok((digest, body))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sys::{Interrupt, Time, file};
    use crate::tree::{Selection, walk};

    pub(in crate::store) fn sample(key: &str, lane: &str) -> Manifest {
        let scope = Scope { repository: "o/r".into(), reference: "refs/heads/main".into() };
        let header = Header {
            layer: Layer::Target,
            key: key.into(),
            factors: Vec::new(),
            scope,
            lane: lane.into(),
            family: String::new(),
            contents: String::new(),
            origin: Origin::default(),
            created: Timestamp::UNIX_EPOCH,
            finality: Finality::Final,
            is_of_default_branch: false,
            made_in_seconds: 0,
            files: 0,
            bytes: 0,
            installs: Vec::new(),
            unit: None,
        };
        let tree = Tree::with_root(0o755, Time { seconds: 0, nanoseconds: 0 });
        Manifest {
            header,
            roots: vec![Root {
                name: ".".into(),
                is_partial: false,
                tree,
                elsewhere: Elsewhere::default(),
                borrowed: Borrowed::default(),
            }],
            sources: Vec::new(),
            provenance: Provenance::default(),
        }
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let manifest = sample("k", "l");
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).unwrap(), manifest);
    }

    #[test]
    fn what_is_borrowed_reads_back() {
        let mut manifest = sample("k", "l");
        manifest.roots[0].borrowed = Borrowed::of(&[true]);
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        assert!(bytes.starts_with(b"runner-cache-manifest 6 "));
        manifest.roots[0].borrowed = Borrowed::of(&[true, true]);
        let read = Manifest::from_bytes(&manifest.to_bytes(), Path::new("m"));
        assert!(matches!(read, Err(Error::Manifest { .. })), "{read:?}");
    }

    #[test]
    fn what_lies_elsewhere_reads_back_and_leads_nowhere_else() {
        let mut manifest = sample("k", "l");
        let entry = "target/o,r/refs,heads,main/k/20260102T030405.123456789Z-00000000-l".to_owned();
        let part = Part { entry, root: 0, files: 1, bytes: 2 };
        manifest.roots[0].elsewhere = Elsewhere { parts: vec![part], of: vec![0] };
        let bytes = manifest.to_bytes();
        assert!(bytes.starts_with(b"runner-cache-manifest 5 "));
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        for entry in ["/a/b/c/d", "../b/c/d/e", "a/./c/d/e", "a/b/c/d/", "a/b/c/d"] {
            manifest.roots[0].elsewhere.parts[0].entry = entry.into();
            assert!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).is_err(), "{entry}");
        }
        for of in [vec![2], vec![1], vec![0, 0]] {
            manifest.roots[0].elsewhere.of = of;
            assert!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).is_err());
        }
    }

    #[test]
    fn what_is_packed_reads_back_and_is_a_file_or_a_folder_of_files() {
        let mut manifest = sample("k", "l");
        let place = tempfile::tempdir().unwrap();
        file::write_new(&place.path().join("file"), b"x").unwrap();
        let dir = Dir::open(place.path()).unwrap();
        dir.make_symlink(b"link", b"file").unwrap();
        manifest.roots[0].tree = walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
        manifest.roots[0].elsewhere.of = vec![0, PACKED, 0];
        let bytes = manifest.to_bytes();
        assert!(bytes.starts_with(b"runner-cache-manifest 6 "));
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        for of in [vec![PACKED, PACKED, 0], vec![0, PACKED, PACKED], vec![0, PACKED], vec![0, PACKED, 1]] {
            manifest.roots[0].elsewhere.of = of;
            assert!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).is_err());
        }
    }

    #[test]
    fn any_flipped_byte_is_damage_and_never_a_panic() {
        let bytes = sample("k", "l").to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(Manifest::from_bytes(&damaged, Path::new("m")).is_err(), "byte {at}");
            assert!(Manifest::from_bytes(&bytes[..at], Path::new("m")).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_large_manifest_is_checked_as_well_as_read() {
        let mut manifest = sample("k", "l");
        manifest.header.contents = "x".repeat(LARGE);
        let mut bytes = manifest.to_bytes();
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        // It can be read all the same.
        let at = bytes.len() / 2;
        bytes[at] = b'y';
        let error = Manifest::from_bytes(&bytes, Path::new("m")).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }

    #[test]
    fn another_format_is_told_from_damage() {
        for other in [OLDEST - 1, FORMAT + 1] {
            let text = format!("runner-cache-manifest {other} abc\n{{}}\n");
            let error = Manifest::from_bytes(text.as_bytes(), Path::new("m")).unwrap_err();
            assert!(
                matches!(error, Error::OtherFormat { format, .. } if format == other) && !error.is_damage()
            );
        }
    }

    #[test]
    fn what_units_were_made_of_reads_back_and_leads_nowhere_else() {
        use crate::store::{Ability, Inputs, Known, Made, SourceId};
        let mut manifest = sample("k", "l");
        let id = SourceId { sources: 0, node: 0 };
        let made = |needs: Vec<u32>, bound: Vec<u32>, extras, known: Known| Made {
            folder: 0,
            needs,
            bound,
            is_of_commit: false,
            ability: Ability::default(),
            download: None,
            extras,
            inputs: Inputs::Known(known.into()),
        };
        let sound = made(vec![0], vec![0], vec![(0, 0)], Known::default());
        manifest.provenance.places = vec![b"/w".to_vec()];
        manifest.provenance.roots = vec![vec![sound]];
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).unwrap(), manifest);
        for wrong in [
            made(vec![1], vec![], vec![], Known::default()),
            made(vec![], vec![1], vec![], Known::default()),
            made(vec![], vec![], vec![(1, 0)], Known::default()),
            made(vec![], vec![], vec![(0, 1)], Known::default()),
            made(vec![], vec![], vec![], Known { listed: vec![id], ..Known::default() }),
            made(vec![], vec![], vec![], Known { packages: vec![0], ..Known::default() }),
            made(vec![], vec![], vec![], Known { outside: vec![0], ..Known::default() }),
        ] {
            manifest.provenance.roots = vec![vec![wrong]];
            assert!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).is_err());
        }
    }
}
