//! What a commit holds, as a value, and the commands that make one commit's files out of another's.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A file of the repository. Paths that begin with `../deps/NAME/` are of another repository, which the project needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A text that ends with a newline.
    Text { text: String, is_executable: bool },
    /// A link that leads there.
    Link(String),
    /// As many zeros.
    Zeros(u64),
}

impl Node {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), is_executable: false }
    }
}

/// All files of a commit by their paths.
pub(crate) type Files = BTreeMap<String, Node>;

/// Bash that turns a working tree with `before` into one with `after`.
pub(crate) fn difference(before: &Files, after: &Files) -> String {
    let mut script = String::new();
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        writeln!(script, "gone '{path}'").unwrap();
    }
    for (path, node) in after.iter().filter(|(path, node)| before.get(*path) != Some(node)) {
        match node {
            Node::Text { text, is_executable } => {
                let mode = if *is_executable { 755 } else { 644 };
                writeln!(script, "put '{path}' {mode} <<'JUDGE'\n{text}JUDGE").unwrap();
            }
            Node::Link(to) => writeln!(script, "link '{path}' '{to}'").unwrap(),
            Node::Zeros(size) => writeln!(script, "large '{path}' {size}").unwrap(),
        }
    }
    script
}
