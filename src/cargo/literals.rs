//! The texts that a program has in it, and which of them name something: what it runs, which variables it reads.
//!
//! Texts lie one behind the other, without marks between them. Where one begins is known from what points there: instructions
//! that take an address, and tables of pointers, which may be filled in when the program starts. What only looks like a
//! pointer does no harm: a text may also end where the one after the next begins, and so on.

use std::collections::{BTreeSet, HashMap, HashSet};

use object::{Architecture, Object, ObjectKind, ObjectSection};

/// The shortest name that is looked for at the begin of longer texts, in bytes.
const SHORTEST: usize = 5;

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 256;

/// At how many of the next beginnings a text may end.
const ENDS: usize = 4;

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
        let pointed = loaded(&object).into_iter().chain(pointers(&object)).chain(words(&object));
        let mut begins: Vec<_> = pointed.chain(immediate(&object)).filter_map(at).collect();
        begins.sort_unstable();
        begins.dedup();
        Self { data, begins, is_sparse: true }
    }

    /// From where each text begins to where it must have ended, at most. It can end before.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'p [u8]> {
        self.begins.iter().enumerate().map(|(index, &begin)| {
            let far = self.data.len().min(begin + LONGEST);
            let last = self.begins.get(index + ENDS).filter(|_| self.is_sparse);
            &self.data[begin..last.map_or(far, |&last| last.min(far))]
        })
    }

    /// Which of `names` are words in texts of the program, such as those of a line for a shell.
    pub(super) fn words(&self, names: &HashSet<String>) -> BTreeSet<String> {
        let is_end = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-.+".contains(byte);
        let lines = self.texts().filter(|text| text.iter().any(|byte| b" $".contains(byte)));
        let words = lines.flat_map(|line| line.split(is_end)).filter(|word| word.len() > 1);
        words.filter_map(|word| names.get(std::str::from_utf8(word).ok()?)).cloned().collect()
    }

    /// Which of `names` are texts of the program, or what these begin with. Short names begin many, and count only where a text
    /// may end behind them.
    pub(super) fn named(&self, names: &HashSet<String>) -> BTreeSet<String> {
        // Of many names few begin as a text does.
        let mut by_start: HashMap<&[u8], Vec<&String>> = HashMap::new();
        for name in names.iter().filter(|name| name.len() >= SHORTEST) {
            by_start.entry(&name.as_bytes()[..SHORTEST]).or_default().push(name);
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        for text in self.texts() {
            let alike = text.get(..SHORTEST).and_then(|start| by_start.get(start));
            let alike = alike.into_iter().flatten().filter(|name| text.starts_with(name.as_bytes()));
            // What comes next may be pointed to by nothing that is known.
            found.extend(alike.map(|name| (*name).clone()));
        }
        let mut add = |text: &[u8]| {
            found.extend(std::str::from_utf8(text).ok().and_then(|text| names.get(text)).cloned());
        };
        if self.is_sparse {
            for (index, &begin) in self.begins.iter().enumerate() {
                let ends = self.begins[index + 1..].iter().copied().chain([self.data.len()]).take(ENDS);
                for end in ends.take_while(|end| end - begin <= LONGEST) {
                    add(without_zeros(&self.data[begin..end]));
                }
            }
        }
        for text in self.texts() {
            add(&text[..text.iter().position(|&byte| byte == 0).unwrap_or(text.len())]);
        }
        found
    }
}

/// A text that C may end with a zero.
fn without_zeros(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
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

/// What may be addresses in the instructions of a program that is always loaded at the same place (`relocation-model=static`):
/// there they are numbers of four bytes like others.
fn immediate(object: &object::File<'_>) -> Vec<u64> {
    if object.kind() != ObjectKind::Executable {
        return Vec::new();
    }
    let code = object.section_by_name(".text").and_then(|text| text.data().ok()).unwrap_or_default();
    let number = |bytes: &[u8]| u64::from(u32::from_le_bytes(bytes.try_into().expect("these are four")));
    code.windows(4).map(number).collect()
}

/// What may be addresses in tables of pointers that are filled in already, or whose places alone are told elsewhere
/// (`.relr.dyn`).
fn words(object: &object::File<'_>) -> Vec<u64> {
    let tables = [".data", ".data.rel.ro", ".rodata"].iter().filter_map(|name| object.section_by_name(name));
    let of_table = |table: object::Section<'_, '_>| {
        let (words, _) = table.data().unwrap_or_default().as_chunks::<8>();
        words.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>()
    };
    tables.flat_map(of_table).collect()
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
