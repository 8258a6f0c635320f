//! What a bug report needs, as Markdown that fits an issue: a section a subject, folded.

use std::fmt::Write as _;

use super::summary::fenced;

/// A subject, and what is known of it.
#[derive(Debug)]
pub(crate) struct Section {
    /// What it is about.
    pub(crate) title: &'static str,
    /// The text, as a command prints it.
    pub(crate) text: String,
}

/// The sections, one below the other.
pub(crate) fn bundle_text(sections: &[Section]) -> String {
    let mut text =
        String::from("<!-- made by `runner-cache doctor --bundle`; read it before you send it -->\n");
    for Section { title, text: told } in sections {
        let _ = write!(text, "\n<details><summary>{title}</summary>\n\n{}\n</details>\n", fenced(told));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_own_section() {
        let sections = [Section { title: "policy", text: "a\n````\n</details>\n".to_owned() }];
        let text = bundle_text(&sections);
        assert!(text.contains("\n\n`````text\na\n````\n</details>\n`````\n\n</details>\n"), "{text}");
    }
}
