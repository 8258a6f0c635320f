//! Directory names for keys, refs and repositories: readable, injective, and never one that leads somewhere else.
//!
//! Letters, digits and `-_+=@` stay, and so does `.` but at the start; all else becomes `%XX`. A name that would be too
//! long for a file system is cut and ends in `~` and its digest. `~` occurs nowhere else, so two texts share a name
//! only if they share a SHA-256.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::sys::sha256_hex;

/// Longest name, in bytes; file systems take 255.
const LONGEST: usize = 200;

/// What of a text that is too long stays readable.
const READABLE: usize = 130;

const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'+').remove(b'=').remove(b'@');

/// The directory name of `text`.
pub fn encode(text: &str) -> String {
    let mut name: String = utf8_percent_encode(text, ESCAPED).to_string();
    if name.is_empty() {
        // No text leads to a `%` without digits.
        return "%".to_owned();
    }
    if name.starts_with('.') {
        name.replace_range(..1, "%2E");
    }
    if name.len() > LONGEST {
        name.truncate(READABLE);
        name.push('~');
        name.push_str(&sha256_hex(text.as_bytes()));
    }
    name
}

/// The text of a directory name; `None` for a name that was cut or is none of ours.
pub fn decode(name: &str) -> Option<Cow<'_, str>> {
    if name == "%" {
        return Some(Cow::Borrowed(""));
    }
    let text = percent_decode_str(name).decode_utf8().ok()?;
    (encode(&text) == name).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_readable() {
        assert_eq!(encode("refs/heads/main"), "refs%2Fheads%2Fmain");
        assert_eq!(encode("linux-x64-rustc.1.95.0"), "linux-x64-rustc.1.95.0");
    }

    #[test]
    fn no_text_leads_out_of_the_directory() {
        for text in ["..", ".", "", "../../etc", "/", "a\nb", "\0", ".hidden", &"x/".repeat(4000)] {
            let name = encode(text);
            assert!(
                !name.starts_with('.') && !name.is_empty() && name.len() <= LONGEST,
                "{text:?} -> {name}"
            );
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'), "{text:?} -> {name}");
        }
    }

    proptest! {
        #[test]
        fn names_tell_their_text_or_that_they_were_cut(text in any::<String>()) {
            match decode(&encode(&text)) {
                Some(decoded) => prop_assert_eq!(decoded, text),
                None => prop_assert!(encode(&text).contains('~')),
            }
        }

        #[test]
        fn different_texts_have_different_names(a in "[a%.~/2E]{0,6}", b in "[a%.~/2E]{0,6}") {
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
        }
    }
}
