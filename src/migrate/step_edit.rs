//! Makes a step of another action into one of this: the action's name, and its inputs one by one.

use saphyr_parser::ScalarStyle;

use super::source::{Edits, Source};
use super::workflow::Step;
use super::yaml::{Node, Value};

/// This action.
pub(super) const ACTION: &str = "btcdecoded/runner-cache";

/// The version that is written.
const VERSION: &str = "v1";

/// Which of the actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Restores, and notes what to save when the job is over.
    Both,
    Restore,
    Save,
}

impl Part {
    /// What stands behind `uses:`.
    pub(super) fn uses(self) -> String {
        let below = match self {
            Self::Both => "",
            Self::Restore => "/restore",
            Self::Save => "/save",
        };
        format!("{ACTION}{below}@{VERSION}")
    }
}

/// What becomes of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Drop,
    Rename(&'static str),
    Become(&'static str, Written),
}

/// The value of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Word(String),
    /// One a line.
    Lines(Vec<String>),
}

/// What a step becomes.
#[derive(Debug, Clone)]
pub(super) struct Rewrite {
    pub(super) part: Part,
    /// Of each entry of `with`, in order.
    pub(super) fates: Vec<Fate>,
    pub(super) added: Vec<(&'static str, Written)>,
    /// An id for a step that has none.
    pub(super) id: Option<String>,
}

/// Why a step cannot be edited: where, and what is there.
pub(super) type Refused = (usize, String);

impl Written {
    /// One word, or lines where there are several.
    pub(super) fn of_lines(mut lines: Vec<String>) -> Self {
        if lines.len() == 1 { Self::Word(lines.remove(0)) } else { Self::Lines(lines) }
    }

    /// The lines of an entry `name` of a block.
    fn entry(&self, name: &str) -> Vec<String> {
        match self {
            Self::Word(word) => vec![format!("{name}: {}", quoted(word, false))],
            Self::Lines(lines) => {
                let head = std::iter::once(format!("{name}: |"));
                head.chain(lines.iter().map(|line| format!("  {line}"))).collect()
            }
        }
    }

    /// The same in braces.
    fn in_braces(&self, name: &str) -> String {
        match self {
            Self::Word(word) => format!("{name}: {}", quoted(word, true)),
            Self::Lines(lines) => {
                let lines: Vec<_> =
                    lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
                format!("{name}: \"{}\"", lines.join("\\n"))
            }
        }
    }
}

/// A text as a scalar of one line.
fn quoted(text: &str, in_braces: bool) -> String {
    let is_plain = |letter: char| {
        letter.is_ascii_alphanumeric() || "-_./~".contains(letter) || (letter == ',' && !in_braces)
    };
    let is_word = text.chars().all(is_plain)
        && (text.starts_with("~/")
            || text.starts_with(|first: char| first.is_ascii_alphabetic() || "./".contains(first)));
    let is_value =
        ["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    let is_expression = !in_braces
        && text.starts_with("${{")
        && !text.contains(": ")
        && !text.contains(" #")
        && text.trim() == text
        && !text.ends_with(':');
    if (is_word && !is_value) || is_expression {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// What makes `step` into what `rewrite` says.
pub(super) fn edit(source: &Source<'_>, step: Step<'_>, rewrite: &Rewrite) -> Result<Edits, Refused> {
    let mut edits = Edits::default();
    check(step)?;
    let (uses_key, uses) = step.node.entry("uses").ok_or_else(|| refused(step.node, "`uses` is missing"))?;
    replace_action(source, uses, rewrite.part, &mut edits)?;
    let is_braced = is_in_braces(source, step.node);
    let mut behind = Vec::new();
    if let Some(id) = &rewrite.id {
        if is_braced {
            edits.replace(uses.span.end..uses.span.end, format!(", id: {id}"));
        } else {
            behind.push(format!("{}id: {id}", source.indent(uses_key.span.start)));
        }
    }
    match step.node.entry("with") {
        Some((key, with)) if !with.is_nothing() => {
            edit_inputs(source, step, key, with, rewrite, &mut edits)?;
        }
        given => {
            if let Some((key, _)) = given {
                remove_entry(source, step.node, key, key, &mut edits)?;
            }
            if is_braced && !rewrite.added.is_empty() {
                let entries: Vec<_> =
                    rewrite.added.iter().map(|(name, value)| value.in_braces(name)).collect();
                let text = format!(", with: {{ {} }}", entries.join(", "));
                edits.replace(uses.span.end..uses.span.end, text);
            } else if !rewrite.added.is_empty() {
                behind.extend(with_lines(&source.indent(uses_key.span.start), &rewrite.added));
            }
        }
    }
    if !behind.is_empty() {
        edits.insert_lines(source, source.line_end(uses.span.end), &behind);
    }
    Ok(edits)
}

/// The lines of a `with` in a block.
pub(super) fn with_lines(indent: &str, inputs: &[(&'static str, Written)]) -> Vec<String> {
    let lines = inputs.iter().flat_map(|(name, value)| value.entry(name));
    let lines = lines.map(|line| format!("{indent}  {line}"));
    std::iter::once(format!("{indent}with:")).filter(|_| !inputs.is_empty()).chain(lines).collect()
}

fn refused(node: &Node, what: impl Into<String>) -> Refused {
    (node.span.start, what.into())
}

/// What is named elsewhere, or comes from there, is not this step's alone.
fn check(step: Step<'_>) -> Result<(), Refused> {
    if step.node.is_alias || step.node.is_anchored {
        return Err(refused(step.node, "the step is an alias, or others are aliases of it"));
    }
    for name in ["uses", "with", "id", "if"] {
        if let Some((key, value)) = step.node.entry(name)
            && (value.is_alias || value.is_anchored)
        {
            return Err(refused(key, format!("`{name}` is an alias, or has one")));
        }
    }
    Ok(())
}

fn is_in_braces(source: &Source<'_>, node: &Node) -> bool {
    source.text[node.span.start..].starts_with('{')
}

fn replace_action(source: &Source<'_>, uses: &Node, part: Part, edits: &mut Edits) -> Result<(), Refused> {
    let (old, Value::Scalar { style, .. }) = (uses.text().unwrap_or_default(), &*uses.value) else {
        return Err(refused(uses, "`uses` is not text"));
    };
    let quotes = match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        ScalarStyle::Literal | ScalarStyle::Folded => {
            return Err(refused(uses, "`uses` is a block of text"));
        }
    };
    edits.replace(uses.span.start + quotes..uses.span.end - quotes, part.uses());
    // What a comment says of the version that was there is no longer so.
    let rest = &source.text[uses.span.end..source.line_end(uses.span.end)];
    let rest = rest.trim_end_matches(['\r', '\n']);
    if let Some(comment) = rest.trim_start().strip_prefix('#')
        && is_version(comment, old)
    {
        edits.remove(uses.span.end..uses.span.end + rest.len());
    }
    Ok(())
}

/// Whether a comment tells only the version of the action `old`, as tools write it that pin actions.
fn is_version(comment: &str, old: &str) -> bool {
    let name = old.split('@').next().unwrap_or(old);
    let comment = comment.trim();
    let comment = ["ratchet:", "pin@", "tag=", "tag:", "pin"]
        .iter()
        .fold(comment, |comment, prefix| comment.strip_prefix(prefix).unwrap_or(comment).trim_start());
    let version = comment.strip_prefix(name).unwrap_or(comment).trim_start_matches('@');
    let version = version.strip_prefix('v').unwrap_or(version);
    version.starts_with(|first: char| first.is_ascii_digit())
        && version.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-+".contains(letter))
}

fn edit_inputs(
    source: &Source<'_>,
    step: Step<'_>,
    key: &Node,
    with: &Node,
    rewrite: &Rewrite,
    edits: &mut Edits,
) -> Result<(), Refused> {
    let entries: Vec<_> = with.entries().iter().zip(&rewrite.fates).collect();
    for ((name, value), fate) in &entries {
        if **fate != Fate::Keep && (name.has_anchors() || value.is_anchored) {
            return Err(refused(name, "an alias names what would go"));
        }
    }
    let is_empty = rewrite.added.is_empty() && entries.iter().all(|(_, fate)| **fate == Fate::Drop);
    if is_in_braces(source, with) {
        if is_empty {
            return remove_entry(source, step.node, key, with, edits);
        }
        if source.text[with.span.clone()].contains(['\n', '#']) {
            return Err(refused(with, "`with` is in braces over several lines, or has a `#`"));
        }
        let added = rewrite.added.iter().map(|(name, value)| value.in_braces(name));
        let kept = entries.iter().filter_map(|((name, value), fate)| match fate {
            Fate::Keep => Some(source.text[name.span.start..value.span.end].to_owned()),
            Fate::Drop => None,
            Fate::Rename(new) => Some(format!("{new}{}", &source.text[name.span.end..value.span.end])),
            Fate::Become(new, written) => Some(written.in_braces(new)),
        });
        let entries: Vec<_> = added.chain(kept).collect();
        edits.replace(with.span.clone(), format!("{{ {} }}", entries.join(", ")));
        return Ok(());
    }
    if let Some(((name, _), _)) = entries.iter().find(|((name, _), _)| !source.is_first(name.span.start)) {
        return Err(refused(name, "an input does not begin its line"));
    }
    let first = entries.first().map_or(with.span.start, |((name, _), _)| name.span.start);
    let indent = source.indent(first);
    let added = rewrite.added.iter().flat_map(|(name, value)| value.entry(name));
    let added: Vec<_> = added.map(|line| format!("{indent}{line}")).collect();
    if is_empty {
        if !source.is_first(key.span.start) {
            return Err(refused(key, "`with` stands before `uses`"));
        }
        edits.remove(source.line_start(key.span.start)..source.line_end(key.span.start));
    } else if !added.is_empty() {
        edits.insert_lines(source, source.line_start(first), &added);
    }
    for ((name, value), fate) in entries {
        match fate {
            Fate::Keep => {}
            Fate::Drop => {
                edits.remove(source.line_start(name.span.start)..source.line_end(value.span.end));
            }
            Fate::Rename(new) => edits.replace(name.span.clone(), *new),
            Fate::Become(new, written) => {
                let text = written.entry(new).join(&format!("{}{indent}", source.newline()));
                edits.replace(name.span.start..value.span.end, text);
            }
        }
    }
    Ok(())
}

/// Removes an entry of a step whole.
fn remove_entry(
    source: &Source<'_>,
    step: &Node,
    key: &Node,
    value: &Node,
    edits: &mut Edits,
) -> Result<(), Refused> {
    if !is_in_braces(source, step) {
        if !source.is_first(key.span.start) {
            return Err(refused(key, "`with` stands before `uses`"));
        }
        edits.remove(source.line_start(key.span.start)..source.line_end(value.span.end));
        return Ok(());
    }
    let before = step.entries().iter().rfind(|(other, _)| other.span.start < key.span.start);
    let after = step.entries().iter().find(|(other, _)| other.span.start > key.span.start);
    match (before, after) {
        (Some((_, before)), _) => edits.remove(before.span.end..value.span.end),
        (None, Some((after, _))) => edits.remove(key.span.start..after.span.start),
        (None, None) => edits.remove(key.span.start..value.span.end),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_goes_only_if_it_is_a_version() {
        let old = "actions/cache@0c45773b623bea8c8e75f6c82b208c3cf94ea4f9";
        for comment in [" v4.2.0", "v4", " tag=v4", " pin@v4", " ratchet:actions/cache@v4", " 4.2"] {
            assert!(is_version(comment, old), "{comment}");
        }
        for comment in [" keep", " zizmor: ignore[unpinned-uses]", " v4 has a bug", ""] {
            assert!(!is_version(comment, old), "{comment}");
        }
    }

    #[test]
    fn a_value_is_quoted_where_it_would_be_another() {
        let plain = |text| quoted(text, false);
        assert_eq!(plain("cargo"), "cargo");
        assert_eq!(plain("${{ a && 'b' }}"), "${{ a && 'b' }}");
        assert_eq!(plain("true"), "'true'");
        assert_eq!(plain("1.0"), "'1.0'");
        assert_eq!(plain("it's # x"), "'it''s # x'");
        assert_eq!(quoted("${{ a }}", true), "'${{ a }}'");
    }
}
