//! Where the files of a release are.

use semver::Version;

use super::error::Error;
use super::list::{Asset, Release};
use crate::api::{Url, parse_url, shown};

/// A way to the files of a release.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A URL with `{version}` and `{file}`, as the action's `download-url`.
    Template(String),
    /// What the API lists.
    Listed {
        release: Release,
        /// Where the token may go; without one, files are asked for as everybody does.
        api: Option<Url>,
    },
}

/// Where a file is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) url: Url,
    /// Whether the token may go there.
    pub(super) takes_token: bool,
    /// Its hash, where the API tells it.
    pub(super) sha256: Option<String>,
}

/// The release page's own URLs, which cost no question of the rate limit.
pub(super) fn page(repository: &str) -> Source {
    Source::Template(format!("https://github.com/{repository}/releases/download/v{{version}}/{{file}}"))
}

impl Source {
    /// Where `file` of the release is. Of a template without `{version}` the version need not be known.
    pub(super) fn place(&self, version: Option<&Version>, file: &str) -> Result<Place, Error> {
        match self {
            Self::Template(template) => {
                let version = version.map(ToString::to_string).unwrap_or_default();
                let url = parse_url(&template.replace("{version}", &version).replace("{file}", file))?;
                Ok(Place { url, takes_token: false, sha256: None })
            }
            Self::Listed { release, api } => {
                let version = version.map(ToString::to_string).unwrap_or_default();
                let lacks = || Error::NoFile { version, file: file.to_owned() };
                let asset = release.assets.iter().find(|asset| asset.name == file).ok_or_else(lacks)?;
                let sha256 = asset.sha256();
                let Some(api) = api else {
                    return Ok(Place {
                        url: parse_url(&asset.browser_download_url)?,
                        takes_token: false,
                        sha256,
                    });
                };
                let url = parse_url(&asset.url)?;
                let takes_token = url.origin() == api.origin();
                Ok(Place { url, takes_token, sha256 })
            }
        }
    }
}

impl Asset {
    fn sha256(&self) -> Option<String> {
        let digits = self.digest.as_ref()?.strip_prefix("sha256:")?.to_lowercase();
        // It is told to people where it differs: one that is none differs all the same.
        let is_digest = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        Some(if is_digest { digits } else { "no SHA-256".to_owned() })
    }
}

/// A template that a user gave.
pub(super) fn template(text: &str) -> Result<Source, Error> {
    let filled = parse_url(&text.replace("{version}", "0").replace("{file}", "0"))?;
    if text.contains("{file}") {
        Ok(Source::Template(text.to_owned()))
    } else {
        Err(Error::NoPlaceholder(shown(&filled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_api_alone() {
        let asset = |url: &str| -> Release {
            let digest = "AB".repeat(32);
            let text = format!(
                "{{\"tag_name\": \"v1.0.0\", \"assets\": [{{\"name\": \"a\", \"url\": \"{url}\", \"digest\": \"sha256:{digest}\", \
                 \"browser_download_url\": \"https://github.example/a\"}}]}}"
            );
            serde_json::from_str(&text).unwrap()
        };
        let api = Url::parse("https://api.example/v3").unwrap();
        let place = |url: &str, api: Option<&Url>| {
            let source = Source::Listed { release: asset(url), api: api.cloned() };
            let place = source.place(None, "a").unwrap();
            (place.url.to_string(), place.takes_token, place.sha256.unwrap())
        };
        let ours = "https://api.example/v3/assets/1";
        assert_eq!(place(ours, Some(&api)), (ours.to_owned(), true, "ab".repeat(32)));
        assert!(!place("https://other.example/v3/assets/1", Some(&api)).1);
        assert_eq!(place(ours, None).0, "https://github.example/a");
        assert!(!page("o/r").place(Some(&Version::new(1, 2, 3)), "a").unwrap().takes_token);
    }

    #[test]
    fn a_template_has_a_place_for_the_file() {
        assert!(template("https://mirror.example/{version}/{file}").is_ok());
        assert!(template("https://mirror.example/runner-cache.gz").is_err());
        assert!(template("http://mirror.example/{file}").is_err());
        assert!(template("{file}").is_err());
    }
}
