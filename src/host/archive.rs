//! An archive of the action, from which a runner takes it without a download: `OWNER_NAME/COMMIT.tar.gz` with all files below
//! one directory, as GitHub makes them (`ActionManager.cs` of the runner 2.336).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::error::{Result, refused};
use crate::github::is_repository;
use crate::sys::{file, sha256_hex};

/// Unpacked bytes of an archive, at most: few packed ones can be very many.
const MOST: u64 = 512 << 20;

/// Bytes of a part of an archive.
const BLOCK: usize = 512;

/// Where git notes the commit: in the first record, which is about all others.
const GLOBAL: u8 = b'g';

/// An archive that a runner takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    /// Its path below the directory of all archives.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: String,
}

/// Reads the archive in `from` of the repository `action`.
pub(super) fn read(from: &Path, action: &str) -> Result<Archive> {
    if !is_repository(action) {
        return refused(format!("`--action`: `{action}` is not a repository; allowed: OWNER/NAME"));
    }
    let bytes = file::read(from)?;
    let Some(tar) = unpacked(&bytes) else {
        return refused(format!("{} cannot be unpacked; hint: is it the whole .tar.gz?", from.display()));
    };
    match commit(&tar) {
        Ok(commit) => {
            let path = Path::new(&action.replace('/', "_")).join(format!("{commit}.tar.gz"));
            Ok(Archive { path, sha256: sha256_hex(&bytes), bytes })
        }
        Err(why) => refused(format!(
            "{}: {why}, so no runner takes it; hint: `git archive --format=tar.gz --prefix=action/ -o FILE COMMIT`, or the \
             archive of GitHub's API (repos/{action}/tarball/COMMIT)",
            from.display()
        )),
    }
}

/// The tar archive in `bytes`; `None` where they are not a whole packed one, or too much.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut tar = Vec::new();
    let mut packed = MultiGzDecoder::new(bytes).take(MOST);
    packed.read_to_end(&mut tar).ok().filter(|_| packed.limit() > 0)?;
    Some(tar)
}

/// The commit of which `tar` has the files, if it is laid out as runners take it.
fn commit(tar: &[u8]) -> std::result::Result<String, &'static str> {
    let (mut rest, mut commit, mut top, mut is_action) = (tar, None, None, false);
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let size = number(&header[124..136]).ok_or("not a tar archive")?;
        let padded = size.div_ceil(BLOCK).checked_mul(BLOCK).ok_or("not a tar archive")?;
        let (contents, after) = after.split_at_checked(padded).ok_or("it is cut off")?;
        rest = after;
        match header[156] {
            GLOBAL => commit = commit.or_else(|| commit_in(&contents[..size])),
            // Names of the next file that are too long for its own header: the directory is the same.
            b'x' | b'L' | b'K' => {}
            _ => {
                let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
                let first = if prefix.is_empty() { name } else { prefix };
                let directory = first.split('/').next().unwrap_or_default();
                if directory.is_empty() || !first.contains('/') && prefix.is_empty() {
                    return Err("it has files outside of a directory");
                }
                if *top.get_or_insert(directory) != directory {
                    return Err("its files are in more than one directory");
                }
                is_action |= prefix.is_empty()
                    && name
                        .split_once('/')
                        .is_some_and(|(_, name)| ["action.yml", "action.yaml"].contains(&name));
            }
        }
    }
    let commit = commit.ok_or("it does not tell the commit that it was made from")?;
    if is_action { Ok(commit) } else { Err("action.yml is missing") }
}

/// The commit in `52 comment=0123…`, as git writes it.
fn commit_in(record: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(record).ok()?;
    let (_, commit) = text.lines().find_map(|line| line.split_once(" comment="))?;
    let is_hash = commit.len() == 40
        && commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hash.then(|| commit.to_owned())
}

fn number(field: &[u8]) -> Option<usize> {
    usize::from_str_radix(text(field).trim(), 8).ok()
}

/// A field up to its NUL.
fn text(field: &[u8]) -> &str {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn part(name: &str, kind: u8, contents: &str) -> Vec<u8> {
        let mut part = vec![0; BLOCK];
        part[..name.len()].copy_from_slice(name.as_bytes());
        part[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
        part[156] = kind;
        part.extend(contents.as_bytes());
        part.resize(part.len().div_ceil(BLOCK) * BLOCK, 0);
        part
    }

    fn tar(parts: &[(&str, u8, &str)]) -> Vec<u8> {
        let mut tar: Vec<u8> =
            parts.iter().flat_map(|(name, kind, contents)| part(name, *kind, contents)).collect();
        tar.resize(tar.len() + 2 * BLOCK, 0);
        tar
    }

    #[test]
    fn only_an_archive_that_a_runner_takes_is_taken() {
        let comment = format!("52 comment={COMMIT}\n");
        let global = ("pax_global_header", b'g', &*comment);
        let (directory, action) = (("a-1/", b'5', ""), ("a-1/action.yml", b'0', "name: a\n"));
        assert_eq!(commit(&tar(&[global, directory, action])), Ok(COMMIT.to_owned()));
        for (parts, told) in [
            (&[directory, action][..], "does not tell the commit"),
            (&[global, directory], "action.yml is missing"),
            (&[global, directory, action, ("b/", b'5', "")], "more than one directory"),
            (&[global, ("action.yml", b'0', "")], "outside of a directory"),
        ] {
            assert!(commit(&tar(parts)).unwrap_err().contains(told), "{told}");
        }
        let whole = tar(&[global, directory, action]);
        assert!(commit(&whole[..BLOCK + 100]).unwrap_err().contains("cut off"));
        assert!(commit(&[b'x'; 2 * BLOCK]).unwrap_err().contains("not a tar archive"));
    }
}
