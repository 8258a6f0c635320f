//! How many events stay: a pure function from what there is to what goes.

use jiff::{SignedDuration, Timestamp};

/// Events that go at once, at most: a job appends fewer than that, and does not wait for more.
pub const BATCH: u32 = 200;

/// How long and how many events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest.
    pub max_age: SignedDuration,
    /// The most. One takes some 100 bytes.
    pub max_events: u64,
}

impl Default for Bounds {
    /// A year, to be compared with the one before, of the busiest host.
    fn default() -> Self {
        Self { max_age: SignedDuration::from_hours(400 * 24), max_events: 1_000_000 }
    }
}

/// The events of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The number of the first. Numbers only grow.
    pub first: i64,
    /// That of the last.
    pub last: i64,
    /// The time of the oldest.
    pub oldest: Timestamp,
}

/// What is to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Excess {
    /// Events with this number and those before.
    pub up_to: Option<i64>,
    /// Events before this time.
    pub before: Option<Timestamp>,
}

impl Bounds {
    /// What of `extent` is to go at the time `now`. Numbers of events that went already count: there are never more events than
    /// the bounds let be.
    pub fn excess(self, extent: Extent, now: Timestamp) -> Excess {
        let most = i64::try_from(self.max_events).unwrap_or(i64::MAX);
        let up_to = extent.last.saturating_sub(most);
        let before = now.saturating_sub(self.max_age).ok().filter(|before| extent.oldest < *before);
        Excess { up_to: (up_to >= extent.first).then_some(up_to), before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_or_too_many_goes() {
        let bounds = Bounds { max_age: SignedDuration::from_hours(1), max_events: 10 };
        let second = |second| Timestamp::from_second(second).unwrap();
        let now = second(10_000);
        let extent = |first, last, oldest| Extent { first, last, oldest: second(oldest) };
        assert_eq!(bounds.excess(extent(1, 10, 6400), now), Excess::default());
        assert_eq!(bounds.excess(extent(1, 11, 6400), now), Excess { up_to: Some(1), before: None });
        assert_eq!(bounds.excess(extent(5, 11, 6400), now), Excess::default());
        let before = Some(second(6400));
        assert_eq!(bounds.excess(extent(1, 2, 6399), now), Excess { up_to: None, before });
    }
}
