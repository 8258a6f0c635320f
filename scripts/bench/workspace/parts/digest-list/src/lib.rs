//! The states of a digest list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A digest list that is open.
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
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(57)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A digest list that is held.
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
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(58)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A digest list that is settled.
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
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(59)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A digest list that is disputed.
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
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(60)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// A digest list that is closed.
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
        let own: i64 = self.amounts.iter().map(|amount| amount.saturating_mul(61)).sum();
        own + self.parent.as_ref().map_or(0, |parent| parent.total())
    }

    /// As JSON, and back.
    pub fn round_trip(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// What this package and those below weigh.
pub fn weight() -> i64 {
    bond::weight() + deposit::weight() + 9
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_state_reads_back() {
        let state = super::Open { number: 8, amounts: vec![1, 2], ..super::Open::default() };
        assert_eq!(state.round_trip().unwrap(), state);
        assert_eq!(state.total(), 171);
    }
}
