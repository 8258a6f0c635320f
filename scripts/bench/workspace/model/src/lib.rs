//! Readings of a sensor, and the line through them.

use jiff::Timestamp;
use nalgebra::{DMatrix, DVector};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// One value and when it was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub at: Timestamp,
    pub value: f64,
}

/// Reads lines such as `1700000000 3.5`; others are passed over.
pub fn parse(text: &str) -> Vec<Reading> {
    let line = Regex::new(r"(?m)^(\d+) (-?\d+(?:\.\d+)?)$").expect("the pattern is valid");
    line.captures_iter(text)
        .filter_map(|found| {
            Some(Reading { at: Timestamp::from_second(found[1].parse().ok()?).ok()?, value: found[2].parse().ok()? })
        })
        .collect()
}

/// Slope and offset of the line of least squares.
pub fn fit(readings: &[Reading]) -> Option<(f64, f64)> {
    let start = readings.first()?.at.as_second();
    let rows = readings.len();
    let times = DMatrix::from_fn(rows, 2, |row, column| match column {
        0 => (readings[row].at.as_second() - start) as f64,
        _ => 1.0,
    });
    let values = DVector::from_iterator(rows, readings.iter().map(|reading| reading.value));
    let line = times.svd(true, true).solve(&values, 1e-9).ok()?;
    Some((line[0], line[1]))
}

pub fn to_json(readings: &[Reading]) -> serde_json::Result<String> {
    serde_json::to_string(readings)
}
