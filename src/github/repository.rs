//! Names of repositories.

/// Whether `text` is the name of a repository, `OWNER/NAME`, and nothing else: it becomes a part of URLs.
pub fn is_repository(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_letter);
    text.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_and_a_name_are_a_repository() {
        assert!(is_repository("o/r") && is_repository("o-1/r.s_t"));
        for text in ["o", "o/r/s", "../r", "o/..", "o/r?x", "o/", "/w/project", "o /r"] {
            assert!(!is_repository(text), "{text}");
        }
    }
}
