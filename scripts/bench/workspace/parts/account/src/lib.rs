//! The states of a account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A account that is open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Open {
    pub number: u64,
    pub amounts: Vec<i64>,
    pub notes: BTreeMap<String, String>,
    pub parent: Option<Box<Open>>,
}

impl Open {
    /// The sum of all amounts, those of the parents included.
    pub fn total(&self) -> i64 {
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(1)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A account that is held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    pub number: u64,
    pub amounts: Vec<i64>,
    pub notes: BTreeMap<String, String>,
    pub parent: Option<Box<Held>>,
}

impl Held {
    /// The sum of all amounts, those of the parents included.
    pub fn total(&self) -> i64 {
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(2)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A account that is settled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settled {
    pub number: u64,
    pub amounts: Vec<i64>,
    pub notes: BTreeMap<String, String>,
    pub parent: Option<Box<Settled>>,
}

impl Settled {
    /// The sum of all amounts, those of the parents included.
    pub fn total(&self) -> i64 {
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(3)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A account that is disputed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Disputed {
    pub number: u64,
    pub amounts: Vec<i64>,
    pub notes: BTreeMap<String, String>,
    pub parent: Option<Box<Disputed>>,
}

impl Disputed {
    /// The sum of all amounts, those of the parents included.
    pub fn total(&self) -> i64 {
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(4)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A account that is closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Closed {
    pub number: u64,
    pub amounts: Vec<i64>,
    pub notes: BTreeMap<String, String>,
    pub parent: Option<Box<Closed>>,
}

impl Closed {
    /// The sum of all amounts, those of the parents included.
    pub fn total(&self) -> i64 {
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(5)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// What this package and those below weigh.
pub fn weight() -> i64 {
    1
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_state_reads_back() {
        let state = super::Open { number: 0, amounts: vec![1, 2], ..super::Open::default() };
        assert_eq!(state.round_trip().unwrap(), state);
        assert_eq!(state.total(), 3);
    }
}
