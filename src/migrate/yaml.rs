//! YAML as a tree whose nodes know where in the text they stand.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// How deep a document may be nested: what reads a tree does so by recursion.
const DEEPEST: usize = 64;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Its bytes in the text. A block collection begins at its first item and ends with its last, a block of text begins
    /// behind its `|`.
    pub(super) span: Range<usize>,
    /// What it is. An alias is what its anchor names.
    pub(super) value: Rc<Value>,
    /// Whether `*name` stands there, and the value elsewhere.
    pub(super) is_alias: bool,
    /// Whether `&name` names it.
    pub(super) is_anchored: bool,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Value {
    Scalar { text: String, style: ScalarStyle },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Why a text is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unreadable {
    /// Where, counted from one.
    pub line: usize,
    what: String,
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &*self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Node] {
        match &*self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, in order.
    pub(super) fn entries(&self) -> &[(Node, Node)] {
        match &*self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry `name` of a mapping.
    pub(super) fn entry(&self, name: &str) -> Option<&(Node, Node)> {
        self.entries().iter().find(|(key, _)| key.text() == Some(name))
    }

    /// The value of the entry `name` of a mapping.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Whether it is an empty value, as behind `with:` alone.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&*self.value, Value::Scalar { text, style: ScalarStyle::Plain } if ["", "~", "null"].contains(&text.as_str()))
    }

    /// Whether it or anything in it is an alias or has an anchor.
    pub(super) fn has_anchors(&self) -> bool {
        let is_inside = match &*self.value {
            Value::Scalar { .. } => false,
            Value::List(items) => items.iter().any(Self::has_anchors),
            Value::Map(entries) => {
                entries.iter().any(|(key, value)| key.has_anchors() || value.has_anchors())
            }
        };
        self.is_alias || self.is_anchored || is_inside
    }
}

/// A collection that is not over yet.
struct Open {
    start: usize,
    anchor: usize,
    is_map: bool,
    nodes: Vec<Node>,
}

/// Reads all documents in `text`.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Unreadable> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The parser counts characters.
    let before = text.len() - body.len();
    let offsets: Vec<usize> = body.char_indices().map(|(at, _)| before + at).chain([text.len()]).collect();
    let bytes = |span: &Span| {
        let at = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
        at(span.start.index())..at(span.end.index())
    };
    let mut tree = Tree { text, documents: Vec::new(), open: Vec::new(), anchors: BTreeMap::new() };
    for event in Parser::new_from_str(body) {
        let (event, span) = event.map_err(|error| unreadable(&error))?;
        tree.take(event, bytes(&span), span.start.line())?;
    }
    Ok(tree.documents)
}

fn unreadable(error: &ScanError) -> Unreadable {
    Unreadable { line: error.marker().line(), what: error.info().to_owned() }
}

struct Tree<'t> {
    text: &'t str,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, span: Range<usize>, line: usize) -> Result<(), Unreadable> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let end = self.trimmed_end(&span, style);
                let value = Value::Scalar { text: text.into_owned(), style };
                self.add(span.start..end, anchor, value);
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Unreadable {
                        line,
                        what: "an alias of what it is itself part of".to_owned(),
                    });
                };
                let node = Node { span, value: Rc::clone(&node.value), is_alias: true, is_anchored: false };
                self.push(node);
            }
            Event::SequenceStart(anchor, _) => self.begin(span.start, anchor, false, line)?,
            Event::MappingStart(anchor, _) => self.begin(span.start, anchor, true, line)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span.end),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, start: usize, anchor: usize, is_map: bool, line: usize) -> Result<(), Unreadable> {
        if self.open.len() == DEEPEST {
            return Err(Unreadable { line, what: format!("nested more than {DEEPEST} deep") });
        }
        self.open.push(Open { start, anchor, is_map, nodes: Vec::new() });
        Ok(())
    }

    fn end(&mut self, end: usize) {
        let Some(Open { start, anchor, is_map, nodes }) = self.open.pop() else { return };
        let is_flow = self.text[start..].starts_with(['[', '{']);
        let start = if is_flow { start } else { nodes.first().map_or(start, |first| first.span.start) };
        // The parser tells the end of a block where the next thing begins, and that of the others behind their comments.
        let last = nodes.last().map_or(start, |last| last.span.end);
        let end = if is_flow { self.closed(last.max(start + 1), end) } else { last };
        let value = if is_map { Value::Map(pairs(nodes)) } else { Value::List(nodes) };
        self.add(start..end, anchor, value);
    }

    fn add(&mut self, span: Range<usize>, anchor: usize, value: Value) {
        let node = Node { span, value: Rc::new(value), is_alias: false, is_anchored: anchor != 0 };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.push(node);
    }

    fn push(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.documents.push(node),
        }
    }

    /// The end of a scalar without the blank lines behind a block, and without a comment.
    fn trimmed_end(&self, span: &Range<usize>, style: ScalarStyle) -> usize {
        let text = &self.text[span.clone()];
        let length = match style {
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end().len(),
            ScalarStyle::SingleQuoted => quoted(text, '\'', '\''),
            ScalarStyle::DoubleQuoted => quoted(text, '"', '\\'),
        };
        span.start + length
    }

    /// The end of a collection in brackets whose last item ends at `from`; `end` where it has none.
    fn closed(&self, from: usize, end: usize) -> usize {
        let mut is_comment = false;
        for (at, letter) in self.text[from..end].char_indices() {
            match letter {
                '\n' => is_comment = false,
                '#' => is_comment = true,
                ']' | '}' if !is_comment => return from + at + 1,
                _ => {}
            }
        }
        end
    }
}

/// The length of what is in quotes at the start of `text`. What follows an `escape` is text, as a quote is that is doubled.
fn quoted(text: &str, quote: char, escape: char) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        let is_escape =
            letter == escape && (escape != quote || letters.peek().is_some_and(|(_, next)| *next == quote));
        if is_escape {
            letters.next();
        } else if letter == quote {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

fn pairs(nodes: Vec<Node>) -> Vec<(Node, Node)> {
    let mut nodes = nodes.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(mut value)) = (nodes.next(), nodes.next()) {
        // What is not there stands behind its key, wherever the parser saw that.
        if value.is_nothing() && value.span.is_empty() {
            value.span = key.span.end..key.span.end;
        }
        pairs.push((key, value));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Node {
        parse(text).unwrap().remove(0)
    }

    #[test]
    fn a_node_ends_before_comments_and_blank_lines() {
        let text = "\u{feff}é: 'it''s # one' # two\nb: {x: [\"\\\"}\"], y: } # three\nc: |\n  d\n  # four\n\n# five\ne:\nf: g # six\n";
        let root = first(text);
        let spans: Vec<_> = root.entries().iter().map(|(_, value)| &text[value.span.clone()]).collect();
        assert_eq!(spans, ["'it''s # one'", "{x: [\"\\\"}\"], y: }", "d\n  # four", "", "g"]);
        assert!(root.get("e").unwrap().is_nothing());
    }

    #[test]
    fn a_block_is_from_its_first_item_to_the_end_of_its_last() {
        let text = "a:\n  - x: 1\n\n  - &k\n    y:\n      - 2\n  # no more\nb: *k\n";
        let root = first(text);
        let list = root.get("a").unwrap();
        assert_eq!(&text[list.span.clone()], "x: 1\n\n  - &k\n    y:\n      - 2");
        assert!(list.items()[1].is_anchored && !list.items()[0].has_anchors());
        let alias = root.get("b").unwrap();
        assert_eq!((alias.is_alias, alias.get("y").unwrap().items().len()), (true, 1));
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let deep = "[".repeat(DEEPEST + 1);
        for (text, line) in [("a:\n\tb: c\n", 2), ("- a\nb: c\n", 2), ("a: *x\n", 1), (&deep, 1)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
        assert_eq!(parse("").unwrap().len(), 0);
    }
}
