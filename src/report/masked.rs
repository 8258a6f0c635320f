//! Text without what is nobody else's affair: names that are given, tokens, credentials in URLs.

/// How tokens begin, and how long one is at least: GitHub's
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>), JSON web tokens, and those
/// of package registries, GitLab, AWS and Slack.
const TOKENS: [(&str, usize); 14] = [
    ("ghp_", 8),
    ("gho_", 8),
    ("ghu_", 8),
    ("ghs_", 8),
    ("ghr_", 8),
    ("github_pat_", 15),
    ("eyJ", 20),
    ("npm_", 20),
    ("cio", 32),
    ("glpat-", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("xoxb-", 12),
    ("xoxp-", 12),
];

/// Words whose value, after `=` or a colon, is a secret; in small letters.
const SECRETS: [&str; 8] =
    ["authorization", "bearer", "token", "signature", "credential", "password", "secret", "sig"];

/// What stands for a secret.
const MASK: &str = "***";

/// Names, and what stands for each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    /// In small letters.
    text: String,
    stands_for_it: String,
    /// Whether it is one only in paths: as a word it may be anything.
    is_of_path: bool,
}

impl Names {
    /// Adds a name; an empty one, and one of a letter or two, would be found everywhere.
    pub(crate) fn add(&mut self, name: &str, stands_for_it: impl Into<String>) {
        self.add_name(name, stands_for_it.into(), false);
    }

    /// Adds the name of a directory, which is replaced in paths only.
    pub(crate) fn add_directory(&mut self, name: &str, stands_for_it: impl Into<String>) {
        self.add_name(name, stands_for_it.into(), true);
    }

    fn add_name(&mut self, name: &str, stands_for_it: String, is_of_path: bool) {
        let text = name.to_ascii_lowercase();
        match self.names.iter_mut().find(|known| known.text == text) {
            Some(known) => known.is_of_path &= is_of_path,
            None if text.len() > 2 => self.names.push(Name { text, stands_for_it, is_of_path }),
            None => {}
        }
    }

    /// `text` without the names and without secrets. What is longer goes first: `/home/ci-1` before `ci-1`.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.text.len()));
        let text = names.iter().fold(text.to_owned(), |text, name| replace(&text, name));
        without_values(&without_credentials(&without_tokens(&text)))
    }
}

/// Replaces a name where it is a word, or several: `ci` is not in `circle`, and `runner` not in `runner-cache`.
fn replace(text: &str, Name { text: name, stands_for_it, is_of_path }: &Name) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut replaced, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = lower[from..].find(name.as_str()).map(|at| from + at) {
        let end = at + name.len();
        let before = text[..at].chars().next_back();
        let is_word = !before.is_some_and(is_of_word) && !text[end..].chars().next().is_some_and(is_of_word);
        let is_it = is_word && (!is_of_path || before == Some('/'));
        replaced.push_str(&text[from..at]);
        replaced.push_str(if is_it { stands_for_it } else { &text[at..end] });
        from = end;
    }
    replaced + &text[from..]
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-'
}

/// Masks tokens wherever they begin.
fn without_tokens(text: &str) -> String {
    let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let (mut masked, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let is_inside = masked.chars().next_back().is_some_and(char::is_alphanumeric);
        let length = rest.find(|letter| !is_of_token(letter)).unwrap_or(rest.len());
        let is_token = |&(prefix, shortest): &(&str, usize)| rest.starts_with(prefix) && length >= shortest;
        if !is_inside && TOKENS.iter().any(is_token) {
            masked.push_str(MASK);
            rest = &rest[length..];
        } else {
            let next = rest.chars().next().map_or(0, char::len_utf8);
            masked.push_str(&rest[..next]);
            rest = &rest[next..];
        }
    }
    masked
}

/// Masks `user:password@` in URLs, and all that could be it.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("://");
        let is_end = |letter: char| letter.is_whitespace() || "\"'<>`".contains(letter);
        let end = part.find(is_end).unwrap_or(part.len());
        match part[..end].rfind('@') {
            Some(at) => {
                masked.push_str(MASK);
                masked.push_str(&part[at..]);
            }
            None => masked.push_str(part),
        }
    }
    masked
}

/// Masks what follows the words that announce a secret: `token=x`, `"token": "x"`, `Authorization: Bearer x`, `X-Amz-Signature=x`.
fn without_values(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut hidden = vec![false; text.len()];
    for secret in SECRETS {
        for (at, _) in lower.match_indices(secret) {
            let Some(value) = value_of(secret, &text[at + secret.len()..]) else { continue };
            let start = value.as_ptr().addr() - text.as_ptr().addr();
            hidden[start..start + value.len()].fill(true);
        }
    }
    let mut masked = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        if !hidden[at] {
            masked.push(letter);
        } else if at == 0 || !hidden[at - 1] {
            masked.push_str(MASK);
        }
    }
    masked
}

const QUOTES: [char; 2] = ['"', '\''];
const BLANKS: [char; 2] = [' ', '\t'];

/// The value of the `secret` that `rest` follows.
fn value_of<'t>(secret: &str, rest: &'t str) -> Option<&'t str> {
    if secret == "bearer" && rest.starts_with(' ') {
        return rest.split_whitespace().next();
    }
    // The name may be quoted, and blanks be around what separates it from its value, as in JSON and TOML.
    let rest = rest.strip_prefix(QUOTES).unwrap_or(rest).trim_start_matches(BLANKS);
    let is_header = rest.starts_with(':');
    let value = rest.strip_prefix([':', '='])?.trim_start_matches(BLANKS);
    if value.starts_with(QUOTES) {
        let (quote, value) = value.split_at(1);
        let is_end = |(at, _): &(usize, &str)| !value[..*at].ends_with('\\');
        let end = value.match_indices(quote).find(is_end).map_or(value.len(), |(at, _)| at);
        return Some(&value[..end]);
    }
    let end = if is_header { value.find('\n') } else { value.find([' ', '\n', '&', '"', '\'']) };
    Some(&value[..end.unwrap_or(value.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_words_and_longer_ones_first() {
        let mut names = Names::default();
        names.add("alice", "USER");
        names.add("/home/alice", "~");
        names.add("o/secret", "repository-1");
        names.add("", "nothing");
        names.add("ci", "two letters");
        assert_eq!(
            names.mask("/home/alice/x alice Alice malice alices (o/secret) o/secrets ci"),
            "~/x USER USER malice alices (repository-1) o/secrets ci"
        );
    }

    #[test]
    fn usual_words_stay_where_they_are_no_names() {
        let mut names = Names::default();
        names.add("runner", "USER");
        names.add_directory("target", "name-1");
        assert_eq!(
            names.mask("runner-cache of runner: target saved, /w/target/target/x, /w/targets"),
            "runner-cache of USER: target saved, /w/name-1/name-1/x, /w/targets"
        );
    }

    #[test]
    fn tokens_are_masked_wherever_they_begin() {
        let names = Names::default();
        for (text, masked) in [
            ("token ghs_abcDEF123, github_pat_1_2345678", "token ***, ***"),
            ("ghs_eyJhbGciOi.eyJpc3Mi.c2ln-_x rest", "*** rest"),
            ("TOKEN_ghs_12345678 x", "TOKEN_*** x"),
            ("eyJhbGciOiJIUzI1NiJ9.e30.abc", "***"),
            ("ghx_1 eyJ cio", "ghx_1 eyJ cio"),
        ] {
            assert_eq!(names.mask(text), masked);
        }
    }

    #[test]
    fn credentials_and_values_of_secrets_are_masked() {
        let names = Names::default();
        for (text, masked) in [
            ("https://u:p@x.org/a http://x.org/ rest", "https://***@x.org/a http://x.org/ rest"),
            ("https://u:p/w@x.org/a", "https://***@x.org/a"),
            ("http://x.org/?token=abc&b=1", "http://x.org/?token=***&b=1"),
            ("X-Amz-Signature=abc x", "X-Amz-Signature=*** x"),
            ("Authorization: Bearer abc def\nnext", "Authorization: ***\nnext"),
            ("used Bearer abc.def now", "used Bearer *** now"),
            ("a token is missing", "a token is missing"),
            (r#"token = "hunter2" # of ci"#, r#"token = "***" # of ci"#),
            (r#"{"token":"hunter2", "user": "x"}"#, r#"{"token":"***", "user": "x"}"#),
            (r#""password": "a\"b" x"#, r#""password": "***" x"#),
            ("password = hunter2 x", "password = *** x"),
            ("'secret' : 'hunter2", "'secret' : '***"),
        ] {
            assert_eq!(names.mask(text), masked);
        }
    }
}
