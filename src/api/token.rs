//! The token with which the API is asked.

use std::fmt;
use std::path::Path;

use super::error::Error;
use crate::github::Environment;
use crate::sys::file;

/// A token; nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// What the file says, or else `GITHUB_TOKEN`.
    pub fn find(file: Option<&Path>, env: &Environment) -> Result<Option<Self>, Error> {
        let read = |path: &Path| -> Result<String, Error> {
            Ok(String::from_utf8_lossy(&file::read(path)?).trim().to_owned())
        };
        let (name, text) = match (file, env.get("GITHUB_TOKEN")) {
            (Some(path), _) => (path.display().to_string(), read(path)?),
            (None, Some(token)) => ("GITHUB_TOKEN".to_owned(), token.trim().to_owned()),
            (None, None) => return Ok(None),
        };
        let is_of_tokens = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_of_tokens) {
            return Err(Error::NoToken(name));
        }
        Ok(Some(Self(text)))
    }

    /// The token itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> http::HeaderValue {
        let value = http::HeaderValue::from_str(&format!("Bearer {}", self.0));
        let mut value = value.expect("a token has no characters that a header has not");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_has_no_second_line() {
        let env = Environment::from([("GITHUB_TOKEN", "ghp_secret\n")]);
        let token = Token::find(None, &env).unwrap().unwrap();
        assert_eq!(token.reveal(), "ghp_secret");
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
        let env = Environment::from([("GITHUB_TOKEN", "a\r\nHost: evil")]);
        assert!(!Token::find(None, &env).unwrap_err().to_string().contains("evil"));
    }
}
