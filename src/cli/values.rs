//! Values of inputs that need reading: lists, and what may be `none`.

use std::str::FromStr;

use jiff::SignedDuration;

use crate::cargo::{Part, Tool};
use crate::plan::{
    JobLayer, Unreadable, parse_age, parse_bytes, parse_layers, parse_lines, parse_names, parse_parts,
    parse_tools,
};

/// A time, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxAge(pub(super) Option<SignedDuration>);

impl FromStr for MaxAge {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if text == "none" { Ok(Self(None)) } else { parse_age(text).map(|age| Self(Some(age))) }
    }
}

/// A size, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxSize(pub(super) Option<u64>);

impl FromStr for MaxSize {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if text == "none" { Ok(Self(None)) } else { parse_bytes(text).map(|bytes| Self(Some(bytes))) }
    }
}

/// A list of values, one a line.
#[derive(Debug, Clone)]
pub(super) struct Lines<T>(pub(super) Vec<T>);

impl<T: FromStr> FromStr for Lines<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        parse_lines(text).iter().map(|line| line.parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// A list of layers.
#[derive(Debug, Clone)]
pub(super) struct Layers(pub(super) Vec<JobLayer>);

impl FromStr for Layers {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        parse_layers(text).map(Self)
    }
}

/// A list of tools.
#[derive(Debug, Clone)]
pub(super) struct Tools(pub(super) Vec<Tool>);

impl FromStr for Tools {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        parse_tools(text).map(Self)
    }
}

/// A list of variables' names.
#[derive(Debug, Clone)]
pub(super) struct Names(pub(super) Vec<String>);

impl FromStr for Names {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        parse_names(text).map(Self)
    }
}

/// A list of parts of a target directory.
#[derive(Debug, Clone)]
pub(super) struct Parts(pub(super) Vec<Part>);

impl FromStr for Parts {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        parse_parts(text).map(Self)
    }
}

/// The values of a job's matrix, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Matrix(pub(super) Vec<String>);

impl FromStr for Matrix {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, serde_json::Error> {
        let matrix: Option<std::collections::BTreeMap<String, serde_json::Value>> =
            serde_json::from_str(json)?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(Self(matrix.unwrap_or_default().into_values().map(text).collect()))
    }
}
