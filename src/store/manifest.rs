//! The file that tells what an entry is and holds.
//!
//! A line `runner-cache-manifest <format> <sha256 of all that follows>`, a line of JSON (the [`Header`], for people and
//! `list`), then the [`Root`]s, the [`Sources`] and the [`Provenance`] of units in postcard's binary form, which loads 100,000
//! files in some 10 ms.

use std::fs::File;
use std::path::Path;

use super::contents::{Root, Sources};
use super::header::Header;
use super::provenance::Provenance;
use super::{Error, Result};
use crate::sys::{Dir, sha256_hex};

/// The file's name in an entry.
pub(super) const MANIFEST: &str = "manifest";

/// The format that this version writes, and the only one of which it reads more than the header: what others wrote is a miss.
pub(super) const FORMAT: u32 = 10;

/// The oldest format with a header like today's. Such entries are listed and evicted as all others.
const OLDEST_HEADER: u32 = 4;

/// From how many bytes on two threads read a manifest: checking and decoding takes each of them milliseconds.
const LARGE: usize = 64 * 1024;

/// Bytes of the two lines that a header is, at most.
const LONGEST_HEADER: u64 = 16 << 20;

const MAGIC: &str = "runner-cache-manifest";

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
        let first_line = |digest: &str| format!("{MAGIC} {FORMAT} {digest}\n").into_bytes();
        let mut bytes = first_line(&sha256_hex(b""));
        let body = bytes.len();
        serde_json::to_writer(&mut bytes, &self.header).expect("a header has nothing that JSON lacks");
        bytes.push(b'\n');
        let mut bytes = postcard::to_extend(&(&self.roots, &self.sources, &self.provenance), bytes)
            .expect("a tree has nothing that postcard lacks");
        let first = first_line(&sha256_hex(&bytes[body..]));
        bytes[..body].copy_from_slice(&first);
        bytes
    }

    /// Reads and checks a whole manifest. `path` is for messages.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let FirstLine { format, digest, body } = FirstLine::split(bytes, path)?;
        if format != FORMAT {
            return Err(Error::OtherFormat { path: path.into(), format });
        }
        let (check, read) = (|| sha256_hex(body) == digest, || Self::from_body(body, path));
        let (is_whole, manifest) =
            if body.len() < LARGE { (check(), read()) } else { rayon::join(check, read) };
        if !is_whole {
            return Err(Error::Manifest { path: path.into(), why: "checksum mismatch".into() });
        }
        manifest
    }

    /// Reads and checks what follows the first line, which may hold anything.
    fn from_body(body: &[u8], path: &Path) -> Result<Self> {
        let damaged = |why: String| Error::Manifest { path: path.into(), why };
        let (header, rest) = split_line(body).ok_or_else(|| damaged("ends early".into()))?;
        let header = serde_json::from_slice(header).map_err(|error| damaged(error.to_string()))?;
        let (roots, sources, provenance): (Vec<Root>, Vec<Sources>, Provenance) =
            postcard::from_bytes(rest).map_err(|error| damaged(error.to_string()))?;
        for root in &roots {
            root.tree.validate().map_err(|error| damaged(error.to_string()))?;
            if !root.is_sound() {
                return Err(damaged("it lists files outside its trees".into()));
            }
        }
        if !sources.iter().all(|sources| sources.snapshot.is_sound()) {
            return Err(damaged("invalid source tree".into()));
        }
        if !provenance.is_of(&roots, &sources) {
            return Err(damaged("invalid unit inputs".into()));
        }
        Ok(Self { header, roots, sources, provenance })
    }
}

/// Reads only the header of the manifest in the entry's directory, without checking the rest.
pub(super) fn read_header(entry: &Dir) -> Result<Header> {
    use std::io::{BufRead as _, BufReader, Read as _};
    let path = &entry.join(MANIFEST.as_bytes());
    let damaged = |why: String| Error::Manifest { path: path.into(), why };
    let (file, _) = entry.open_file(MANIFEST.as_bytes())?;
    let mut lines = BufReader::new(File::from(file).take(LONGEST_HEADER));
    let mut first = Vec::new();
    let mut header = Vec::new();
    lines.read_until(b'\n', &mut first).map_err(|error| damaged(error.to_string()))?;
    let FirstLine { format, .. } = FirstLine::split(&first, path)?;
    if !(OLDEST_HEADER..=FORMAT).contains(&format) {
        return Err(Error::OtherFormat { path: path.into(), format });
    }
    lines.read_until(b'\n', &mut header).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))
}

/// The first line, and what follows it.
struct FirstLine<'a> {
    format: u32,
    digest: &'a str,
    body: &'a [u8],
}

impl<'a> FirstLine<'a> {
    fn split(bytes: &'a [u8], path: &Path) -> Result<Self> {
        let damaged = || Error::Manifest { path: path.into(), why: "not a manifest".into() };
        let (first, body) = split_line(bytes).ok_or_else(damaged)?;
        let mut words = std::str::from_utf8(first).map_err(|_| damaged())?.split(' ');
        let (Some(MAGIC), Some(format), Some(digest), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(damaged());
        };
        let format = format.parse().map_err(|_| damaged())?;
        Ok(Self { format, digest, body })
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Finality;
    use super::super::header::{LayerData, Origin, Scope};
    use super::*;
    use crate::sys::{Interrupt, Time, file};
    use crate::tree::{NodeSet, Selection, Tree, walk};
    use jiff::Timestamp;

    pub(in crate::store) fn sample(key: &str, lane: &str) -> Manifest {
        let scope = Scope { repository: "o/r".into(), reference: "refs/heads/main".into() };
        let header = Header {
            data: LayerData::Target,
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
            wrote: 0,
            files: 0,
            bytes: 0,
        };
        let tree = Tree::with_root(0o755, Time { seconds: 0, nanoseconds: 0 });
        Manifest {
            header,
            roots: vec![Root {
                name: ".".into(),
                is_partial: false,
                tree,
                packed: NodeSet::default(),
                borrowed: NodeSet::default(),
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
        manifest.roots[0].borrowed = NodeSet::of(&[true]);
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        manifest.roots[0].borrowed = NodeSet::of(&[true, true]);
        let read = Manifest::from_bytes(&manifest.to_bytes(), Path::new("m"));
        assert!(matches!(read, Err(Error::Manifest { .. })), "{read:?}");
    }

    #[test]
    fn what_is_packed_reads_back_and_is_a_file_or_a_directory_of_files() {
        let mut manifest = sample("k", "l");
        let place = tempfile::tempdir().unwrap();
        file::write_new(&place.path().join("file"), b"x").unwrap();
        let dir = Dir::open(place.path()).unwrap();
        dir.make_symlink(b"link", b"file").unwrap();
        manifest.roots[0].tree = walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
        manifest.roots[0].packed = NodeSet::of(&[false, true, false]);
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::from_bytes(&bytes, Path::new("m")).unwrap(), manifest);
        for packed in [[true, true, false, false], [false, true, true, false], [false, true, false, true]] {
            manifest.roots[0].packed = NodeSet::of(&packed);
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
        for other in [FORMAT - 1, FORMAT + 1] {
            let text = format!("runner-cache-manifest {other} abc\n{{}}\n");
            let error = Manifest::from_bytes(text.as_bytes(), Path::new("m")).unwrap_err();
            assert!(
                matches!(error, Error::OtherFormat { format, .. } if format == other) && !error.is_damage()
            );
        }
    }

    #[test]
    fn what_units_were_made_of_reads_back_and_leads_nowhere_else() {
        use crate::store::{Ability, Inputs, KnownInputs, Made, SourceId};
        let mut manifest = sample("k", "l");
        let id = SourceId { sources: 0, node: 0 };
        let made = |needs: Vec<u32>, bound: Vec<u32>, extras, known: KnownInputs| Made {
            directory: 0,
            needs,
            bound,
            is_of_commit: false,
            ability: Ability::default(),
            download: None,
            extras,
            inputs: Inputs::Known(known.into()),
        };
        let sound = made(vec![0], vec![0], vec![(0, 0)], KnownInputs::default());
        manifest.provenance.places = vec![b"/w".to_vec()];
        manifest.provenance.roots = vec![vec![sound]];
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).unwrap(), manifest);
        for wrong in [
            made(vec![1], vec![], vec![], KnownInputs::default()),
            made(vec![], vec![1], vec![], KnownInputs::default()),
            made(vec![], vec![], vec![(1, 0)], KnownInputs::default()),
            made(vec![], vec![], vec![(0, 1)], KnownInputs::default()),
            made(vec![], vec![], vec![], KnownInputs { listed: vec![id], ..KnownInputs::default() }),
            made(vec![], vec![], vec![], KnownInputs { packages: vec![0], ..KnownInputs::default() }),
            made(vec![], vec![], vec![], KnownInputs { outside: vec![0], ..KnownInputs::default() }),
        ] {
            manifest.provenance.roots = vec![vec![wrong]];
            assert!(Manifest::from_bytes(&manifest.to_bytes(), Path::new("m")).is_err());
        }
    }
}
