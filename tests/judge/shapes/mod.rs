//! All shapes.

mod dependencies;
mod libraries;
mod links;
mod macros;
mod outputs;
mod repository;
mod runtime;
mod scripts;
mod steps;
mod workspaces;

use crate::shape::Shape;

/// By theme.
const ALL: [&[Shape]; 10] = [
    libraries::ALL,
    scripts::ALL,
    outputs::ALL,
    macros::ALL,
    runtime::ALL,
    links::ALL,
    steps::ALL,
    repository::ALL,
    dependencies::ALL,
    workspaces::ALL,
];

/// Every one of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Shape> {
    ALL.into_iter().flatten()
}

/// The one of this name.
pub(crate) fn named(name: &str) -> &'static Shape {
    all().find(|shape| shape.name == name).unwrap_or_else(|| panic!("there is no shape `{name}`"))
}
