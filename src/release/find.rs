//! Which release it is, and what there is of it.

use semver::Version;

use super::download::{Size, download};
use super::error::Error;
use super::list::{named, newest, releases};
use super::machine::Machine;
use super::manifest::{self, MANIFEST, MOST_OF_MANIFEST, Packed};
use super::packed::check;
use super::source::{Source, page, template};
use super::watch::Watch;
use crate::api::{Api, Client, KnownLists, PUBLIC_API, Token, Url, is_loopback, parse_url, shown};

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    /// `None`: the newest that is no preview.
    pub version: Option<Version>,
    /// For which machine.
    pub machine: Machine,
    /// Whose releases, as `owner/name`.
    pub repository: String,
    /// The API; by default the public one.
    pub api: Option<String>,
    /// Where the files are instead, with `{version}` and `{file}`.
    pub template: Option<String>,
    /// Lists as they were read last.
    pub lists: KnownLists,
}

/// How it is asked.
#[derive(Debug)]
pub struct Web<'a> {
    /// With which token.
    pub token: Option<Token>,
    /// Who is told.
    pub watch: Watch<'a>,
}

/// A release that there is.
#[derive(Debug)]
pub struct Found {
    /// Its version.
    pub version: Version,
    /// The SHA-256 of the program.
    pub binary_sha256: String,
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) packed: Packed,
}

/// Finds it. In [`crate::api::wait`] only.
pub async fn find(asked: &Asked, web: &Web<'_>) -> Result<Found, Error> {
    let base = parse_url(asked.api.as_deref().unwrap_or(PUBLIC_API))?;
    let way = way(asked, &base, web.token.is_some())?;
    let first = match &way {
        Way::Known(source) => source.place(asked.version.as_ref(), MANIFEST)?.url,
        Way::Ask(_) => base.clone(),
    };
    let client = Client::new(&first)?;
    let (version, source, told) = match way {
        Way::Known(source) => (asked.version.clone(), source, None),
        Way::Ask(template) => {
            let (version, listed) = ask(asked, web, &client, &base).await?;
            // What a mirror has is to be what the API tells of.
            let told = listed.place(Some(&version), MANIFEST)?.sha256;
            (Some(version), template.unwrap_or(listed), told)
        }
    };
    let place = source.place(version.as_ref(), MANIFEST)?;
    // By no proxy, to which it would go in the clear.
    let client = if is_loopback(&place.url) { Client::new(&place.url)? } else { client };
    let size = Size::AtMost(MOST_OF_MANIFEST);
    let bytes = download(&client, &place, web.token.as_ref(), size, &web.watch).await?;
    let url = shown(&place.url);
    if let Some(expected) = told.as_ref().or(place.sha256.as_ref()) {
        check(&bytes, expected, &url)?;
    }
    let (got, packed) = manifest::read(&bytes, asked.machine, &url)?;
    if let Some(wanted) = version.filter(|wanted| *wanted != got) {
        return Err(Error::OtherVersion { url, got, wanted });
    }
    Ok(Found { version: got, binary_sha256: packed.binary_sha256.clone(), client, source, packed })
}

/// How the files are found.
#[derive(Debug)]
enum Way {
    /// By what is known.
    Known(Source),
    /// By the list of releases; its version fills in a template, if there is one.
    Ask(Option<Source>),
}

fn way(asked: &Asked, base: &Url, has_token: bool) -> Result<Way, Error> {
    let needs_version = |text: &String| text.contains("{version}") && asked.version.is_none();
    Ok(match &asked.template {
        Some(text) if needs_version(text) => Way::Ask(Some(template(text)?)),
        Some(text) => Way::Known(template(text)?),
        // A token is for what not everybody can have.
        None if asked.version.is_some() && !has_token && shown(base).trim_end_matches('/') == PUBLIC_API => {
            Way::Known(page(&asked.repository))
        }
        None => Way::Ask(None),
    })
}

/// Asks the API which release it is.
async fn ask(asked: &Asked, web: &Web<'_>, client: &Client, base: &Url) -> Result<(Version, Source), Error> {
    let api = Api::new(client, base, web.token.as_ref())?;
    let releases = releases(&api, &asked.repository, &asked.lists, web.watch.say).await?;
    let newest = newest(&releases);
    let (version, release) = match &asked.version {
        None => newest.ok_or_else(|| Error::NoRelease(asked.repository.clone()))?,
        Some(version) => {
            let release = named(&releases, version).ok_or_else(|| Error::NoVersion {
                repository: asked.repository.clone(),
                version: version.clone(),
                newest: newest.map_or_else(|| "a preview".to_owned(), |(newest, _)| newest.to_string()),
            })?;
            (version.clone(), release)
        }
    };
    let api = web.token.is_some().then(|| base.clone());
    Ok((version, Source::Listed { release: release.clone(), api }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_asked_only_for_what_nobody_said() {
        let is_known = |version: Option<u64>, template: Option<&str>, api: &str, has_token| {
            let asked = Asked {
                version: version.map(|major| Version::new(major, 0, 0)),
                machine: Machine::X86,
                repository: "o/r".to_owned(),
                api: None,
                template: template.map(str::to_owned),
                lists: KnownLists::NONE,
            };
            matches!(way(&asked, &parse_url(api).unwrap(), has_token).unwrap(), Way::Known(_))
        };
        assert!(is_known(Some(1), None, PUBLIC_API, false));
        assert!(!is_known(None, None, PUBLIC_API, false));
        assert!(!is_known(Some(1), None, PUBLIC_API, true), "it may be private");
        assert!(!is_known(Some(1), None, "https://ghe.example/api/v3", false));
        assert!(is_known(None, Some("https://m.example/{file}"), PUBLIC_API, false));
        assert!(is_known(Some(1), Some("https://m.example/{version}/{file}"), PUBLIC_API, true));
        assert!(!is_known(None, Some("https://m.example/{version}/{file}"), PUBLIC_API, false));
    }
}
