//! The state of a host, in 80 columns: a line a check, and below it what to change.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::outcome::{Check, Diagnosis, Severity};

/// Columns of a line, at most; a longer word, such as a path, has a line of its own.
const WIDTH: usize = 80;

/// Columns of what stands before a check's text.
const INDENT: usize = 9;

/// All checks, what was mended, and a sum.
pub(super) fn diagnosis_text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for done in &diagnosis.fixed {
        line(&mut text, "fixed", done);
    }
    for why in &diagnosis.not_fixed {
        line(&mut text, "not", &format!("fixed: {why}"));
    }
    for check in &diagnosis.checks {
        told(&mut text, check);
    }
    let number = |severity| diagnosis.checks.iter().filter(|check| check.severity == severity).count();
    let of = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (problems, warnings) = (number(Severity::Problem), number(Severity::Warning));
    let _ = writeln!(
        text,
        "{}, {} in {}",
        of(problems, "problem"),
        of(warnings, "warning"),
        of(diagnosis.checks.len(), "check")
    );
    text
}

fn told(text: &mut String, check: &Check) {
    let word = match check.severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Problem => "problem",
    };
    line(text, word, &check.text);
    if let Some(hint) = &check.hint {
        line(text, "", &format!("hint: {hint}"));
    }
}

/// Writes `words` behind `before`, in as many lines as it takes.
fn line(text: &mut String, before: &str, words: &str) {
    let mut column = INDENT;
    let _ = write!(text, "{before:<INDENT$}");
    for (index, word) in words.split_whitespace().enumerate() {
        let word: String = word.chars().map(printable).collect();
        if index > 0 && column + 1 + word.width() > WIDTH {
            let _ = write!(text, "\n{:INDENT$}", "");
            column = INDENT;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        column += word.width();
        text.push_str(&word);
    }
    text.push('\n');
}

/// The letter, but for those that move the cursor: paths of others are shown.
fn printable(letter: char) -> char {
    if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::CheckCode;

    #[test]
    fn each_check_is_a_line_of_80_columns_and_its_hint_below_it() {
        let long = "word ".repeat(40);
        let checks = vec![
            Check::fine(CheckCode::Root, "3 entries in /r"),
            Check::warning(CheckCode::Memory, long.clone(), "a\u{1b}[2Jb"),
        ];
        let diagnosis = Diagnosis { checks, fixed: vec!["removed 1".into()], not_fixed: vec!["why".into()] };
        let text = diagnosis_text(&diagnosis);
        assert!(text.lines().all(|line| line.width() <= WIDTH), "{text}");
        assert!(
            text.starts_with(
                "fixed    removed 1\nnot      fixed: why\nok       3 entries in /r\nwarning  word"
            )
        );
        assert!(
            text.ends_with("\n         hint: a\u{fffd}[2Jb\n0 problems, 1 warning in 2 checks\n"),
            "{text}"
        );
        assert_eq!(text.matches("word").count(), 40);
    }
}
