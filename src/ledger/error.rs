//! Why events cannot be appended or read.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Result of what is done with a ledger.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or its directory cannot be had.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A newer version of the program has written it, and this one does not change it.
    #[error("{} has format {format}, this version knows {own}; hint: update runner-cache", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The newest that this version knows.
        own: u32,
    },
    /// SQLite cannot do something with the file.
    #[error("cannot {operation} {}", path.display())]
    Sqlite {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

impl Error {
    /// Whether the file itself is at fault, and a new one would do.
    pub fn is_damage(&self) -> bool {
        let Self::Sqlite { source, .. } = self else { return false };
        match source.sqlite_error_code() {
            Some(code) => matches!(code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt),
            // A column that has something else than was written into it.
            None => !matches!(source, rusqlite::Error::QueryReturnedNoRows),
        }
    }
}
