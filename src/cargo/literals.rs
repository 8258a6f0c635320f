//! The texts that a program has in it, and which of them name something: what it runs, which variables it reads.
//!
//! Texts lie one behind the other, without marks between them. Where one begins is known from what points there: instructions that
//! take an address, and tables of pointers that are filled in when the program starts.

use std::collections::{BTreeSet, HashSet};

use object::{Architecture, Object, ObjectSection};

/// The shortest name that is looked for everywhere, in bytes.
const SHORTEST: usize = 5;

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 256;

/// The read-only data of a program, and where in it texts can begin.
#[derive(Debug, Default)]
pub(super) struct Literals<'p> {
    data: &'p [u8],
    /// In order.
    begins: Vec<usize>,
    /// Whether these are few enough for the next one to tell where a text ends.
    is_sparse: bool,
}

impl<'p> Literals<'p> {
    /// Those of `program`, an ELF file; none where it is not one.
    pub(super) fn of(program: &'p [u8]) -> Self {
        let Ok(object) = object::File::parse(program) else { return Self::default() };
        let Some(section) = object.section_by_name(".rodata") else { return Self::default() };
        let Ok(data) = section.data() else { return Self::default() };
        let at = |address: u64| {
            let offset = usize::try_from(address.checked_sub(section.address())?).ok()?;
            (offset < data.len()).then_some(offset)
        };
        if object.architecture() != Architecture::X86_64 {
            return Self { data, begins: (0..data.len()).collect(), is_sparse: false };
        }
        let mut begins: Vec<_> =
            loaded(&object).into_iter().chain(pointers(&object)).filter_map(at).collect();
        begins.sort_unstable();
        begins.dedup();
        Self { data, begins, is_sparse: true }
    }

    /// From where each text begins to where the next one does, or a long way from there. It can end before.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'p [u8]> {
        let next = self.begins.iter().skip(1).copied().chain([self.data.len()]);
        self.begins.iter().zip(next).map(|(&begin, next)| {
            let far = self.data.len().min(begin + LONGEST);
            &self.data[begin..if self.is_sparse { next.min(far) } else { far }]
        })
    }

    /// Which of `names` are texts of the program. Where texts may begin anywhere, short names are found everywhere, and not looked
    /// for.
    pub(super) fn named(&self, names: &HashSet<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for text in self.texts() {
            let ends = if self.is_sparse { end(text)..=end(text) } else { SHORTEST..=text.len() };
            let texts = ends.filter_map(|end| std::str::from_utf8(&text[..end]).ok());
            found.extend(texts.filter_map(|text| names.get(text)).cloned());
        }
        found
    }
}

/// Where a text ends that C may end with a zero.
fn end(text: &[u8]) -> usize {
    text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// The addresses that instructions `lea register, [rip + distance]` take.
fn loaded(object: &object::File<'_>) -> Vec<u64> {
    let Some(text) = object.section_by_name(".text") else { return Vec::new() };
    let code = text.data().unwrap_or_default();
    let address = |opcode: usize| {
        let start = opcode.checked_sub(1)?;
        let instruction = code.get(start..start + 7)?;
        let is_it = matches!(instruction[0], 0x48 | 0x4c) && instruction[2] & 0xc7 == 0x05;
        let distance = i32::from_le_bytes(instruction[3..].try_into().expect("these are four"));
        is_it.then(|| (text.address() + start as u64 + 7).wrapping_add_signed(distance.into()))
    };
    memchr::memchr_iter(0x8d, code).filter_map(address).collect()
}

/// The addresses that are written into tables of pointers when the program starts.
fn pointers(object: &object::File<'_>) -> Vec<u64> {
    let Some(table) = object.section_by_name(".rela.dyn") else { return Vec::new() };
    let (entries, _) = table.data().unwrap_or_default().as_chunks::<24>();
    entries.iter().map(|entry| u64::from_le_bytes(entry[16..].try_into().expect("these are eight"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only this program says.
    const NAME: &str = "name-that-only-this-test-has";

    fn names(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_program_s_own_texts_are_found() {
        let own = crate::sys::file::read(&std::env::current_exe().unwrap()).unwrap();
        let literals = Literals::of(&own);
        let absent = NAME.replace("only", "no");
        let looked_for = names(&[NAME, &absent]);
        assert_eq!(literals.named(&looked_for), BTreeSet::from([NAME.to_owned()]));
        assert!(Literals::of(b"#!/bin/sh\n").named(&looked_for).is_empty());
    }
}
