//! The layers that a job restores and saves.

use crate::store::Layer;

/// A layer of a job. Units of the pool are a layer of the store that belongs to the work on [`JobLayer::Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobLayer {
    /// See [`Layer::Cargo`].
    Cargo,
    /// See [`Layer::Target`].
    Target,
    /// See [`Layer::Builds`].
    Builds,
    /// See [`Layer::Paths`].
    Paths,
    /// See [`Layer::Bins`].
    Bins,
}

impl JobLayer {
    /// All, in the order in which they are restored.
    pub const ALL: [Self; 5] = [Self::Cargo, Self::Target, Self::Builds, Self::Paths, Self::Bins];

    /// The name, in inputs and reports.
    pub fn name(self) -> &'static str {
        Layer::from(self).name()
    }
}

impl From<JobLayer> for Layer {
    fn from(layer: JobLayer) -> Self {
        match layer {
            JobLayer::Cargo => Self::Cargo,
            JobLayer::Target => Self::Target,
            JobLayer::Builds => Self::Builds,
            JobLayer::Paths => Self::Paths,
            JobLayer::Bins => Self::Bins,
        }
    }
}
