//! Which entries a person means who names a key: whole, by its short id, or by its beginning and a `*`.

use std::collections::BTreeMap;

use crate::store::{Header, key_id};

/// What a person's words are about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'w>(pub(super) &'w str);

impl Named<'_> {
    /// Whether an entry of this header is meant.
    pub(super) fn is(self, header: &Header) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => header.key.starts_with(prefix),
            None => header.key == self.0 || self.is_id_of(header),
        }
    }

    fn is_id_of(self, header: &Header) -> bool {
        self.0 == key_id(header.layer(), &header.key)
    }

    /// Why it is not clear which of the keys of `headers` is meant: the words are the id of several, or the key of one and
    /// the id of another. Nothing where it is clear.
    pub(super) fn unclear<'h>(self, headers: impl Iterator<Item = &'h Header>) -> Option<String> {
        let meant = headers.filter(|header| !self.0.ends_with('*') && self.is(header));
        let keys: BTreeMap<_, _> =
            meant.map(|header| (&header.key, key_id(header.layer(), &header.key))).collect();
        (keys.len() > 1).then(|| {
            let lines: Vec<_> = keys.iter().map(|(key, id)| format!("\n  {id}  {key}")).collect();
            let lines = lines.concat();
            format!("`{}` matches several keys; hint: give a whole key or a unique id:{lines}", self.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Finality, LayerData, Origin, Scope};

    fn header(key: &str) -> Header {
        Header {
            data: LayerData::Paths,
            key: key.into(),
            factors: Vec::new(),
            scope: Scope { repository: "o/r".into(), reference: "refs/heads/main".into() },
            lane: "build".into(),
            family: key.into(),
            contents: String::new(),
            origin: Origin::default(),
            created: jiff::Timestamp::UNIX_EPOCH,
            finality: Finality::Final,
            is_of_default_branch: true,
            made_in_seconds: 0,
            wrote: 0,
            files: 0,
            bytes: 0,
        }
    }

    fn meant<'h>(word: &str, headers: &'h [Header]) -> Vec<&'h str> {
        let meant = headers.iter().filter(|header| Named(word).is(header));
        meant.map(|header| header.key.as_str()).collect()
    }

    #[test]
    fn a_key_is_named_whole_by_its_id_or_by_its_beginning() {
        let headers = ["app-1", "app-2", "app-1"].map(header);
        let id = key_id(headers[1].layer(), "app-2");
        assert_eq!(meant("app-1", &headers), ["app-1", "app-1"]);
        assert_eq!(meant(&id, &headers), ["app-2"]);
        assert_eq!(meant("app-*", &headers).len(), 3);
        assert_eq!(meant(&id[..id.len() - 1], &headers), <[&str; 0]>::default());
        for clear in ["app-1", "app-*", &*id, "nothing"] {
            assert_eq!(Named(clear).unclear(headers.iter()), None);
        }
    }

    #[test]
    fn an_id_of_several_keys_is_unclear_and_all_are_told() {
        // Their SHA-256 begin with the same 32 bits.
        let headers = ["k-3850", "k-5605", "third"].map(header);
        let told = Named("paths-191b8c00").unclear(headers.iter()).unwrap();
        assert!(told.ends_with("\n  paths-191b8c00  k-3850\n  paths-191b8c00  k-5605"), "{told}");
        assert_eq!(Named("k-3850").unclear(headers.iter()), None);
    }

    #[test]
    fn a_key_that_is_the_id_of_another_one_is_unclear() {
        let id = key_id(header("k").layer(), "k");
        let headers = ["k", &*id].map(header);
        assert!(Named(&id).unclear(headers.iter()).is_some());
        let own = key_id(header("k").layer(), &id);
        assert_eq!(Named(&own).unclear(headers.iter()), None);
        assert_eq!(meant(&own, &headers), [&*id]);
    }
}
