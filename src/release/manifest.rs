//! `release.json`: the files of a release, with size and SHA-256 of each.

use std::collections::BTreeMap;

use semver::Version;
use serde::Deserialize;

use super::error::Error;
use super::machine::Machine;

/// Its name on the release page.
pub(super) const MANIFEST: &str = "release.json";

/// Bytes of it, at most.
pub(super) const MOST_OF_MANIFEST: u64 = 1 << 20;

/// Bytes of a packed program, at most, whatever is told.
const MOST: u64 = 256 << 20;

/// The file as it is written.
#[derive(Debug, Deserialize)]
struct Written {
    version: Version,
    targets: BTreeMap<String, Packed>,
}

/// A packed program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Packed {
    /// Its name on the release page.
    pub(super) file: String,
    /// Its bytes.
    pub(super) size: u64,
    /// Its hash.
    pub(super) sha256: String,
    /// That of the program in it.
    pub(super) binary_sha256: String,
}

/// The version and the program for `machine` that the manifest from `url` tells.
pub(super) fn read(bytes: &[u8], machine: Machine, url: &str) -> Result<(Version, Packed), Error> {
    let wrong = |why: String| Error::NotManifest { url: url.to_owned(), why };
    let Written { version, mut targets } =
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    let target = machine.target();
    let Some(packed) = targets.remove(&target) else { return Err(Error::NoTarget { version, target }) };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if packed.file.is_empty() || packed.file.starts_with('.') || !packed.file.bytes().all(is_name) {
        return Err(wrong(format!("`{}` is not a file name", packed.file.escape_debug())));
    }
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(is_digit);
    if !is_hash(&packed.sha256) || !is_hash(&packed.binary_sha256) {
        return Err(wrong("a hash is none".to_owned()));
    }
    if packed.size > MOST {
        return Err(wrong(format!("{} bytes are no program", packed.size)));
    }
    Ok((version, packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manifest_tells_is_checked() {
        let hash = "0123456789abcdef".repeat(4);
        let told = |file: &str, size: u64, hash: &str| {
            let text = format!(
                "{{\"version\": \"1.2.3\", \"url\": \"x\", \"targets\": {{\"x86_64-linux\": {{\"file\": \"{file}\", \"size\": {size}, \
                 \"sha256\": \"{hash}\", \"binary_sha256\": \"{hash}\"}}}}}}"
            );
            read(text.as_bytes(), Machine::X86, "there")
        };
        let (version, packed) = told("runner-cache-x86_64-linux.gz", 7, &hash).unwrap();
        assert_eq!((version, packed.size), (Version::new(1, 2, 3), 7));
        for (file, size, hash) in [
            ("../x", 7, &*hash),
            (".x", 7, &hash),
            ("", 7, &hash),
            ("x", u64::MAX, &hash),
            ("x", 7, "0g"),
            ("x", 7, ""),
        ] {
            assert!(told(file, size, hash).is_err(), "{file} {size} {hash}");
        }
        let other = format!("{{\"version\": \"1.2.3\", \"targets\": {{}}, \"sha256\": \"{hash}\"}}");
        assert!(matches!(read(other.as_bytes(), Machine::Arm, "there"), Err(Error::NoTarget { .. })));
    }
}
