//! Whether a file of a unit leads to the directory in which it was made, or only tells of it.
//!
//! Paths of generated sources stand in debug information and in the compiler's metadata, where nothing but messages
//! comes of them. Anywhere else, such as in the data of a program (`env!("OUT_DIR")`), something may follow a path.

use std::fs::File;
use std::path::{Path, PathBuf};

use memchr::memmem;
use object::read::archive::ArchiveFile;
use object::{Object, ObjectKind, ObjectSection, ReadCache};

/// What metadata that is not in an object file begins with.
const METADATA: &[u8] = b"rust\0\0\0";

/// What stands behind each text in metadata.
const END_OF_TEXT: u8 = 0xc1;

/// How many bytes the length before a text can take.
const LENGTHS: std::ops::Range<usize> = 1..4;

/// Sections of object files in which the compiler keeps metadata.
const METADATA_SECTIONS: [&str; 2] = [".rmeta", ".rustc"];

/// What the names of sections with debug information begin with.
const DEBUG_SECTIONS: [&str; 2] = [".debug_", ".zdebug_"];

/// What LLVM's bitcode begins with, as it is and in a wrapper. With `lto` a library has no other code.
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// What the names of sections begin with that hold the like: LLVM's, and GCC's, which is compressed.
const BITCODE_SECTIONS: [&str; 2] = [".llvmbc", ".gnu.lto_"];

/// Rustc's libraries hold object files, and can hold a C library as it is.
const MOST_NESTED: usize = 2;

/// Whether `contents` leads to one of `places`. `sources` are the files that the compiler read. A file in no
/// known format leads to all that it holds.
pub fn leads_to(contents: &[u8], places: &[&Path], sources: &[PathBuf]) -> bool {
    Search { places, sources }.leads(contents, MOST_NESTED)
}

/// Whether there can be paths in `contents` that [`leads_to`] does not find: in bitcode a text may begin within a byte.
pub(super) fn may_hide_paths(contents: &[u8]) -> bool {
    holds_bitcode(contents, MOST_NESTED)
}

fn holds_bitcode(contents: &[u8], nested: usize) -> bool {
    if BITCODE.iter().any(|beginning| contents.starts_with(beginning)) {
        return true;
    }
    if let Ok(archive) = ArchiveFile::parse(contents) {
        let mut members = archive.members().map(|member| member.and_then(|member| member.data(contents)));
        // What cannot be looked into may hold anything.
        return nested == 0
            || members.any(|member| member.ok().is_none_or(|data| holds_bitcode(data, nested - 1)));
    }
    let is_bitcode = |name: &str| BITCODE_SECTIONS.iter().any(|beginning| name.starts_with(beginning));
    object::File::parse(contents)
        .is_ok_and(|object| object.sections().any(|section| section.name().is_ok_and(is_bitcode)))
}

/// What of a linked program or library is no debug information, one part behind the other: all that [`leads_to`] looks at in it.
/// `None` of another file, and of one whose parts have to be told apart.
pub(super) fn loaded_parts(file: File) -> Option<Vec<u8>> {
    let cache = ReadCache::new(file);
    let object = object::File::parse(&cache).ok()?;
    matches!(object.kind(), ObjectKind::Executable | ObjectKind::Dynamic).then_some(())?;
    let mut parts = Vec::new();
    for section in object.sections() {
        let name = section.name().ok()?;
        let begins = |names: &[&str]| names.iter().any(|beginning| name.starts_with(beginning));
        if METADATA_SECTIONS.contains(&name) || begins(&BITCODE_SECTIONS) {
            return None;
        }
        if !begins(&DEBUG_SECTIONS) {
            parts.extend_from_slice(section.data().ok()?);
            parts.push(0);
        }
    }
    Some(parts)
}

struct Search<'a> {
    places: &'a [&'a Path],
    sources: &'a [PathBuf],
}

impl Search<'_> {
    /// `nested` is how deep archives may lie in one another.
    fn leads(&self, contents: &[u8], nested: usize) -> bool {
        if !self.holds_any(contents) {
            return false;
        }
        if contents.starts_with(METADATA) {
            return self.metadata_leads(contents);
        }
        let harmless: Option<Vec<usize>> = match ArchiveFile::parse(contents) {
            Ok(archive) if nested > 0 => {
                let members = archive.members().map(|member| member.and_then(|member| member.data(contents)));
                members
                    .map(|member| self.harmless(member.ok()?, |data| self.leads(data, nested - 1)))
                    .collect()
            }
            _ => object::File::parse(contents).ok().and_then(|object| {
                object.sections().map(|section| self.harmless_in_section(&section)).collect()
            }),
        };
        // Of what is in no part that we know nothing can be said.
        harmless.is_none_or(|counts| counts.into_iter().sum::<usize>() < self.count(contents))
    }

    fn harmless_in_section<'d>(&self, section: &impl ObjectSection<'d>) -> Option<usize> {
        let name = section.name().ok()?;
        self.harmless(section.data().ok()?, |data| {
            let is_debug = DEBUG_SECTIONS.iter().any(|beginning| name.starts_with(beginning));
            let is_metadata = METADATA_SECTIONS.contains(&name);
            !is_debug && (!is_metadata || self.metadata_leads(data))
        })
    }

    /// How many paths there are in a part of a file; `None` where it leads to one of them.
    fn harmless(&self, part: &[u8], leads: impl FnOnce(&[u8]) -> bool) -> Option<usize> {
        let count = self.count(part);
        (count == 0 || !leads(part)).then_some(count)
    }

    /// In metadata are the names of sources, and the values of constants.
    fn metadata_leads(&self, data: &[u8]) -> bool {
        let is_source = |at: usize| {
            self.sources.iter().any(|source| data[at..].starts_with(source.as_os_str().as_encoded_bytes()))
        };
        let mut found = self.places().flat_map(|place| memmem::find_iter(data, place));
        found.any(|at| !is_source(at) && !self.is_of_source_name(data, at))
    }

    /// Whether the text at `at` is of the name of a source: behind it follow the directory of the compiler and the whole path,
    /// each behind its length and before a mark.
    fn is_of_source_name(&self, data: &[u8], at: usize) -> bool {
        let text_at = |at: usize| data[at..].split(|&byte| byte == END_OF_TEXT).next().unwrap_or_default();
        let text = text_at(at);
        let is_whole = |directory: &[u8], path: &[u8]| {
            let below = path.strip_prefix(directory).and_then(|below| below.strip_prefix(b"/"));
            let is_it = |source: &PathBuf| {
                let source = source.as_os_str().as_encoded_bytes();
                source == path || below == Some(source)
            };
            self.sources.iter().any(is_it)
        };
        { LENGTHS }.any(|length| {
            let next = at + text.len() + 1 + length;
            let is_directory = next < data.len() && is_whole(text, text_at(next));
            let before = at.checked_sub(length + 1).map(|end| &data[..end]);
            let mut directories = (1..text.len()).filter(|&end| text[end] == b'/').map(|end| &text[..end]);
            let is_path = before.is_some_and(|before| {
                directories.any(|directory| before.ends_with(directory) && is_whole(directory, text))
            });
            is_directory || is_path
        })
    }

    fn holds_any(&self, data: &[u8]) -> bool {
        self.places().any(|place| memmem::find(data, place).is_some())
    }

    fn count(&self, data: &[u8]) -> usize {
        self.places().map(|place| memmem::find_iter(data, place).count()).sum()
    }

    fn places(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| place.as_os_str().as_encoded_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    fn archive(name: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("!<arch>\n{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len());
        [head.as_bytes(), data].concat()
    }

    #[test]
    fn archives_in_archives_are_looked_into_only_so_far() {
        let (places, sources) = ([Path::new("/w")], [PathBuf::from("/w/a.rs")]);
        let mut file = b"rust\0\0\0 /w/a.rs ".to_vec();
        for leads in [false, false, false, true] {
            assert_eq!(leads_to(&file, &places, &sources), leads, "{}", file.escape_ascii());
            file = archive("a/", &file);
        }
    }

    #[test]
    fn a_path_beside_all_parts_of_a_file_leads_there() {
        let places = [Path::new("/w/target")];
        let leads = |contents: &[u8]| leads_to(contents, &places, &[]);
        assert!(!leads(&archive("a/", b"/w/other ")));
        assert!(leads(&archive("a/", b"/w/target ")));
        assert!(leads(&archive("/w/target/a/", b"data")), "the name of a member");
        assert!(leads(b"!<thin>\n/w/target") && leads(b"\x7fELF /w/target"));
    }

    #[test]
    fn names_of_sources_in_metadata_lead_nowhere_and_other_texts_do() {
        let (places, sources) =
            ([Path::new("/w/a")], [PathBuf::from("src/lib.rs"), PathBuf::from("/w/a/b.rs")]);
        let leads = |text: &[u8]| leads_to(&[METADATA, text].concat(), &places, &sources);
        // As rustc 1.95 writes the name of a source.
        assert!(!leads(b"\x0asrc/lib.rs\xc1\x04/w/a\xc1\x0f/w/a/src/lib.rs\xc1\0"));
        assert!(!leads(b"\x09/w/a/b.rs\xc1\x04/w/a\xc1\x09/w/a/b.rs\xc1"));
        for text in [
            &b"\x04/w/a\xc1"[..],
            b"\x04/w/a\xc1\x11/w/a/src/other.rs\xc1",
            b"\x0f/w/a/src/lib.rs\xc1",
            b"\x06\"/w/a\"\xc1",
        ] {
            assert!(leads(text), "{}", text.escape_ascii());
        }
    }

    /// An object file with one section, and something behind all.
    fn object(name: &str, data: &str, behind: &str) -> Vec<u8> {
        let names = format!("\0.shstrtab\0{name}\0");
        let (at_names, at_data) = (64, 64 + names.len());
        let section = |name: u32, kind: u32, at: usize, size: usize| {
            let (at, size) = ((at as u64).to_le_bytes(), (size as u64).to_le_bytes());
            [&name.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 16], &at, &size, &[0; 24]].concat()
        };
        let sections =
            [section(0, 0, 0, 0), section(1, 3, at_names, names.len()), section(11, 1, at_data, data.len())];
        let at_sections = ((at_data + data.len()) as u64).to_le_bytes();
        // Of 64 bits, lowest byte first; to be linked, for x86-64; 64 bytes of this, then 64 for each of 3 sections.
        let head = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[1, 0, 62, 0, 1, 0, 0, 0], &[0; 16], &at_sections];
        let sizes = [&[0; 4][..], &[64, 0, 0, 0, 0, 0, 64, 0, 3, 0, 1, 0]];
        let parts = [names.as_bytes(), data.as_bytes(), &sections.concat(), behind.as_bytes()];
        [&head.concat(), &sizes.concat(), &parts.concat()[..]].concat()
    }

    #[test]
    fn debug_information_leads_nowhere_and_what_is_in_no_section_may() {
        let places = [Path::new("/w/target")];
        let leads = |debug: &str, behind: &str| leads_to(&object(".debug_str", debug, behind), &places, &[]);
        assert!(!leads("/w/target/x.rs /w/target", "") && !leads("/w/target", "/w/other"));
        assert!(leads("/w/target", "/w/target") && leads("", "/w/target"));
    }

    #[test]
    fn of_a_linked_program_debug_information_is_not_read() {
        let own = std::env::current_exe().unwrap();
        let parts = loaded_parts(file::open(&own).unwrap()).unwrap();
        let whole = file::read(&own).unwrap();
        let directory = env!("CARGO_MANIFEST_DIR");
        let leads = |contents: &[u8]| leads_to(contents, &[Path::new(directory)], &[]);
        // This very text is in both.
        assert!(parts.len() < whole.len() / 2 && leads(&whole) && leads(&parts));
        let place = tempfile::tempdir().unwrap();
        for other in [object(".text", "...", ""), archive("a/", b"..."), b"text".to_vec()] {
            let path = place.path().join("file");
            file::write_atomic(&path, &other).unwrap();
            assert_eq!(loaded_parts(file::open(&path).unwrap()), None);
        }
    }

    #[test]
    fn bitcode_may_hide_paths_wherever_it_lies() {
        let files = [
            (&b"BC\xc0\xde..."[..], true),
            (b"\xde\xc0\x17\x0b...", true),
            (b"...BC\xc0\xde", false),
            (&object(".llvmbc", "...", ""), true),
            (&object(".gnu.lto_.decls", "...", ""), true),
            (&object(".text", "...", ""), false),
        ];
        for (file, may) in files {
            let nested = archive("b/", &archive("a/", file));
            let found = [file, &archive("a/", file), &nested].map(may_hide_paths);
            assert_eq!(found, [may; 3], "{}", file.escape_ascii());
            assert!(may_hide_paths(&archive("c/", &nested)), "too deep to be looked into");
        }
        assert!(may_hide_paths(&archive("a/", b"...")[..70]), "of what is cut off nothing is known");
    }

    #[test]
    fn a_path_in_anything_but_metadata_and_debug_information_leads_there() {
        let places = [Path::new("/w/target")];
        let sources = [PathBuf::from("/w/target/debug/build/a/out/x.rs")];
        let leads = |contents: &[u8]| leads_to(contents, &places, &sources);
        assert!(!leads(b"/w/other") && leads(b"prefix=/w/target"));
        assert!(!leads(b"rust\0\0\0.../w/target/debug/build/a/out/x.rs..."));
        assert!(leads(b"rust\0\0\0.../w/target/debug/build/a/out/y.rs..."));
        assert!(leads(b"rust\0\0\0.../w/target/debug/build/a/out\0"));
    }
}
