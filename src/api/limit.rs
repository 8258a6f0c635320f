//! GitHub's limit of questions in an hour.
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use std::fmt;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// The limit is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Whose.
    host: String,
    /// When it begins anew, where that was told.
    until: Option<Timestamp>,
    /// How long that is from when it was told, in seconds.
    seconds: Option<i64>,
    has_token: bool,
}

impl RateLimit {
    /// What an answer of `host` tells of it at the time `now`; nothing where it is about something else.
    pub(super) fn told(
        host: &str,
        status: StatusCode,
        headers: &HeaderMap,
        has_token: bool,
        now: Timestamp,
    ) -> Option<Self> {
        let number = |name| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let (left, after) = (number("x-ratelimit-remaining"), number("retry-after"));
        // 403 is also said to whom a thing is not to be shown.
        if ![403, 429].contains(&status.as_u16()) || (left != Some(0) && after.is_none()) {
            return None;
        }
        let reset = number("x-ratelimit-reset").filter(|_| left == Some(0));
        let until = reset.or_else(|| now.as_second().checked_add(after?));
        let until = until.and_then(|second| Timestamp::from_second(second).ok());
        let seconds = until.map(|until| until.as_second().saturating_sub(now.as_second()).max(0));
        Some(Self { host: host.to_owned(), until, seconds, has_token })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rate limit of {} is used up", self.host)?;
        if let (Some(until), Some(seconds)) = (self.until, self.seconds) {
            write!(f, " until {until}, in {} min", seconds.div_euclid(60) + 1)?;
        }
        let hint = if self.has_token {
            "ask again then"
        } else {
            "GITHUB_TOKEN or `--token-file` has a limit of its own"
        };
        write!(f, "; hint: {hint}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        RateLimit::told("api.github.com", status, &headers.collect(), false, now)
            .map(|limit| limit.to_string())
    }

    #[test]
    fn a_limit_tells_when_it_begins_anew() {
        let text = told(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000630")]).unwrap();
        assert!(text.contains("api.github.com is used up until 2023-11-14T22:23:50Z, in 11 min"), "{text}");
        // The second limit, of questions at once.
        let text = told(429, &[("retry-after", "60")]).unwrap();
        assert!(text.contains("until 2023-11-14T22:14:20Z, in 2 min"), "{text}");
        let text = told(429, &[("x-ratelimit-remaining", "0")]).unwrap();
        assert!(text.contains("is used up; hint"), "{text}");
    }

    #[test]
    fn what_is_forbidden_is_no_limit() {
        assert_eq!(told(403, &[("x-ratelimit-remaining", "59"), ("x-ratelimit-reset", "1700000630")]), None);
        assert_eq!(told(404, &[("x-ratelimit-remaining", "0")]), None);
        assert_eq!(told(403, &[]), None);
    }
}
