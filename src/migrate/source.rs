//! A text by its lines, and changes of it that leave every other byte as it is.

use std::ops::Range;

/// The text of a file.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    /// Where the lines begin.
    starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The number of the line in which the byte `at` stands, counted from one.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Where the line of the byte `at` begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.starts[self.line(at) - 1]
    }

    /// Where the line after that of the byte `at` begins, or the text ends.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.starts.get(self.line(at)).copied().unwrap_or(self.text.len())
    }

    /// What stands before the byte `at` in its line.
    pub(super) fn before(&self, at: usize) -> &'t str {
        let text = self.text;
        &text[self.line_start(at)..at]
    }

    /// As many blanks as there are bytes before `at` in its line.
    pub(super) fn indent(&self, at: usize) -> String {
        " ".repeat(self.before(at).trim_start_matches('\u{feff}').len())
    }

    /// Whether nothing but blanks stands before the byte `at` in its line.
    pub(super) fn is_first(&self, at: usize) -> bool {
        self.before(at).trim_start_matches('\u{feff}').trim().is_empty()
    }

    /// Whether the line that begins at `start` is blank.
    fn is_blank(&self, start: usize) -> bool {
        start < self.text.len() && self.text[start..self.line_end(start)].trim().is_empty()
    }

    /// Whether the line before that of the byte `at` is blank.
    pub(super) fn has_blank_before(&self, at: usize) -> bool {
        let start = self.line_start(at);
        start > 0 && self.is_blank(self.line_start(start - 1))
    }

    /// The lines of `range`, and the blank ones that part it from what follows, or from what precedes where nothing follows.
    pub(super) fn paragraph(&self, range: &Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (self.line_start(range.start), self.line_end(range.end));
        while self.is_blank(end) {
            end = self.line_end(end);
        }
        if end == self.text.len() {
            while self.has_blank_before(start) {
                start = self.line_start(start - 1);
            }
        }
        start..end
    }

    /// How lines end.
    pub(super) fn newline(&self) -> &'static str {
        let first = self.text.find('\n').unwrap_or(0);
        if self.text[..first].ends_with('\r') { "\r\n" } else { "\n" }
    }
}

/// Changes of a text, none in another.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<(Range<usize>, String)>,
}

impl Edits {
    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.edits.push((range, with.into()));
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Adds whole `lines` before the line that begins at `at`, or at the end of the text.
    pub(super) fn insert_lines(&mut self, source: &Source<'_>, at: usize, lines: &[String]) {
        let newline = source.newline();
        let mut text: String = lines.iter().flat_map(|line| [line.as_str(), newline]).collect();
        if at == source.text.len() && !source.text.ends_with('\n') {
            text = format!("{newline}{}", text.trim_end());
        }
        self.replace(at..at, text);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.edits.extend(other.edits);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The text with all changes. Those at one place are in the order in which they were made.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.edits.sort_by_key(|(range, _)| range.start);
        let (mut changed, mut at) = (String::with_capacity(text.len()), 0);
        for (range, with) in &self.edits {
            changed.push_str(&text[at..range.start.max(at)]);
            changed.push_str(with);
            at = at.max(range.end);
        }
        changed.push_str(&text[at..]);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_text_whatever_they_end_in() {
        let source = Source::new("a\r\n  b\r\n\r\nc");
        assert_eq!((source.line(0), source.line(5), source.line(10)), (1, 2, 4));
        assert_eq!((source.newline(), source.before(5), source.line_end(5)), ("\r\n", "  ", 8));
        assert_eq!(source.paragraph(&(5..6)), 3..10);
        assert_eq!(source.paragraph(&(10..11)), 8..11);
    }

    #[test]
    fn changes_leave_the_rest_as_it_is() {
        let text = "a: 1\nb: 2";
        let source = Source::new(text);
        let mut edits = Edits::default();
        edits.insert_lines(&source, text.len(), &["c: 3".to_owned()]);
        edits.replace(3..4, "x");
        edits.insert_lines(&source, 5, &["n: 0".to_owned()]);
        edits.remove(5..7);
        assert_eq!(edits.apply(text), "a: x\nn: 0\n 2\nc: 3");
    }
}
