//! An event as a row of the database.

use std::time::Duration;

use super::event::{Evicted, Kind};
use super::{Event, Family, KeyDigest, Moved, Restored, Saved};

/// An event as its row.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) family: i64,
    pub(super) outcome: Option<String>,
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) saved: Option<i64>,
    pub(super) cause: Option<String>,
    pub(super) factors: Option<String>,
    pub(super) link: Option<&'static str>,
    pub(super) key: Option<i64>,
    pub(super) steps: [Option<i64>; 4],
    pub(super) served: Option<&'static str>,
    pub(super) worked: Option<i64>,
    pub(super) is_of_default_branch: Option<bool>,
    pub(super) reference: Option<String>,
}

impl Row {
    pub(super) fn of(event: &Event, family: i64) -> Self {
        let row = Self { family, key: event.key(), ..Self::default() };
        match event {
            Event::Restore { restored: Restored { served, cause, factors, moved, steps }, .. } => Self {
                outcome: Some(served.name().to_owned()),
                cause: cause.clone(),
                factors: factors.clone(),
                steps: [steps[0], steps[1], steps[2], Duration::ZERO].map(micros),
                ..row.moving(*moved)
            },
            Event::Save { saved: Saved { kept, cause, moved, steps, began }, .. } => Self {
                outcome: Some(kept.name().to_owned()),
                cause: cause.clone(),
                steps: steps.map(micros),
                served: began.map(|began| began.served.name()),
                worked: began.and_then(|began| micros(began.worked?)),
                saved: began.and_then(|began| i64::try_from(began.saved?.as_micros()).ok()),
                ..row.moving(*moved)
            },
            Event::Eviction { evicted, .. } => {
                let Evicted { reason, reference, is_of_default_branch, entries, bytes } = evicted;
                Self {
                    outcome: Some(reason.clone()),
                    reference: reference.clone(),
                    is_of_default_branch: Some(*is_of_default_branch),
                    number: *entries,
                    bytes: *bytes,
                    ..row
                }
            }
            Event::Damage { entries } => Self { number: *entries, ..row },
            Event::Guard { checked, entries, free } => {
                Self { outcome: Some(checked.name().to_owned()), number: *entries, bytes: *free, ..row }
            }
        }
    }

    fn moving(self, Moved { files, bytes, link }: Moved) -> Self {
        Self { number: files, bytes, link, ..self }
    }
}

impl Event {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Restore { .. } => Kind::Restore,
            Self::Save { .. } => Kind::Save,
            Self::Eviction { .. } => Kind::Eviction,
            Self::Damage { .. } => Kind::Damage,
            Self::Guard { .. } => Kind::Guard,
        }
    }

    pub(super) fn family(&self) -> Option<&Family> {
        match self {
            Self::Restore { family, .. } | Self::Save { family, .. } | Self::Eviction { family, .. } => {
                Some(family)
            }
            Self::Damage { .. } | Self::Guard { .. } => None,
        }
    }

    fn key(&self) -> Option<i64> {
        match self {
            Self::Restore { key: KeyDigest(key), .. } | Self::Save { key: KeyDigest(key), .. } => Some(*key),
            Self::Eviction { key, .. } => key.map(|KeyDigest(key)| key),
            Self::Damage { .. } | Self::Guard { .. } => None,
        }
    }
}

fn micros(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_micros()).ok()
}
