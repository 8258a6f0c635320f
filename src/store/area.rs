//! The directories of a cache root besides those of the layers.

/// A directory of a root besides those of the layers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Area {
    Staging,
    Trash,
    /// Where versions with manifests before format 7 kept what was an entry, for the files that others had in it.
    Retired,
    Quarantine,
    Sessions,
    Logs,
    Boots,
    Ledger,
    Working,
}

impl Area {
    /// By these a root is known again.
    pub(super) const ALL: [Self; 9] = [
        Self::Staging,
        Self::Trash,
        Self::Retired,
        Self::Quarantine,
        Self::Sessions,
        Self::Logs,
        Self::Boots,
        Self::Ledger,
        Self::Working,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Trash => "trash",
            Self::Retired => "retired",
            Self::Quarantine => "quarantine",
            Self::Sessions => "sessions",
            Self::Logs => "logs",
            Self::Boots => "boots",
            Self::Ledger => "ledger",
            Self::Working => "working",
        }
    }
}
