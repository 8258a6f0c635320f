//! The short name of a key, for people.

use super::Layer;
use crate::sys::sha256_hex;

/// A key of up to so many characters is shown as it is. An id has 13 to 15: what replaces a key that is hardly longer saves
/// nothing and says less than the user's own words, such as `npm-1`.
const SHORT: usize = 20;

/// Hexadecimal digits of an id. Where two keys of a store have one id, commands tell so and take the whole key.
const DIGITS: usize = 8;

/// The id of a key, such as `target-3f9a01bc`: its layer and the beginning of its SHA-256. Commands take it for each key,
/// also for one that is shown as it is.
pub fn key_id(layer: Layer, key: &str) -> String {
    let mut digits = sha256_hex(key.as_bytes());
    digits.truncate(DIGITS);
    format!("{layer}-{digits}")
}

/// What people see of a key: itself where it is short, else its id. A key that would be taken for an id, for a flag or for
/// the beginning of others (`*`), or that cannot be typed, is shown by its id as well.
pub fn shown_key(layer: Layer, key: &str) -> String {
    let is_word = key.bytes().all(|byte| byte.is_ascii_graphic());
    let is_plain = is_word && !key.starts_with('-') && !key.ends_with('*');
    if key.len() <= SHORT && is_plain && !is_like_id(key) { key.to_owned() } else { key_id(layer, key) }
}

fn is_like_id(key: &str) -> bool {
    key.rsplit_once('-').is_some_and(|(layer, digits)| {
        Layer::ALL.iter().any(|other| other.name() == layer)
            && digits.len() == DIGITS
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_shown_by_layer_and_digest() {
        let key = "target-linux-x86_64-base.0c4d83e050d3ee32";
        assert_eq!(shown_key(Layer::Target, key), "target-".to_owned() + &sha256_hex(key.as_bytes())[..8]);
        assert_ne!(shown_key(Layer::Paths, key), shown_key(Layer::Target, key));
    }

    #[test]
    fn short_keys_stay_as_the_user_wrote_them() {
        for key in ["k", "npm-1", "target-x", "setup-node-22-linux1"] {
            assert_eq!(shown_key(Layer::Paths, key), key);
        }
    }

    #[test]
    fn keys_that_look_like_an_id_or_cannot_be_typed_are_shown_by_their_id() {
        for key in ["target-3f9a01bc", "a b", "-k", "k*", "ключ", "a\u{1b}[1m", "setup-node-22-linux12"] {
            assert_eq!(shown_key(Layer::Paths, key), key_id(Layer::Paths, key));
        }
    }
}
