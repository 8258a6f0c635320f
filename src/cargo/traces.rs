//! Whether a file of a unit leads to the folder in which it was made, or only tells of it.
//!
//! Paths of generated sources stand in debug information and in the compiler's metadata, where nothing but messages
//! comes of them. Anywhere else, such as in the data of a program (`env!("OUT_DIR")`), something may follow a path.

use std::path::{Path, PathBuf};

use memchr::memmem;
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection};

/// What metadata that is not in an object file begins with.
const METADATA: &[u8] = b"rust\0\0\0";

/// Sections of object files in which the compiler keeps metadata.
const METADATA_SECTIONS: [&str; 2] = [".rmeta", ".rustc"];

/// What the names of sections with debug information begin with.
const DEBUG_SECTIONS: [&str; 2] = [".debug_", ".zdebug_"];

/// Whether `contents` leads to one of `places`. `sources` are the files that the compiler read.
pub(super) fn leads_to(contents: &[u8], places: &[&Path], sources: &[PathBuf]) -> bool {
    Search { places, sources }.leads(contents)
}

struct Search<'a> {
    places: &'a [&'a Path],
    sources: &'a [PathBuf],
}

impl Search<'_> {
    fn leads(&self, contents: &[u8]) -> bool {
        if !self.holds_any(contents) {
            return false;
        }
        if contents.starts_with(METADATA) {
            return self.metadata_leads(contents);
        }
        if let Ok(archive) = ArchiveFile::parse(contents) {
            let members = archive.members().map(|member| member.and_then(|member| member.data(contents)));
            return members.into_iter().any(|member| member.is_ok_and(|member| self.leads(member)));
        }
        match object::File::parse(contents) {
            Ok(object) => object.sections().any(|section| self.section_leads(&section)),
            Err(_) => true,
        }
    }

    fn section_leads<'d>(&self, section: &impl ObjectSection<'d>) -> bool {
        // What cannot be read may hold anything.
        let (Ok(name), Ok(data)) = (section.name(), section.data()) else { return true };
        if DEBUG_SECTIONS.iter().any(|beginning| name.starts_with(beginning)) || !self.holds_any(data) {
            return false;
        }
        !METADATA_SECTIONS.contains(&name) || self.metadata_leads(data)
    }

    /// In metadata are the names of sources, and the values of constants.
    fn metadata_leads(&self, data: &[u8]) -> bool {
        let is_source = |at: usize| {
            self.sources.iter().any(|source| data[at..].starts_with(source.as_os_str().as_encoded_bytes()))
        };
        let mut found = self.places().flat_map(|place| memmem::find_iter(data, place));
        found.any(|at| !is_source(at))
    }

    fn holds_any(&self, data: &[u8]) -> bool {
        self.places().any(|place| memmem::find(data, place).is_some())
    }

    fn places(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| place.as_os_str().as_encoded_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
