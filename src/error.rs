//! The one error type of the library: what went wrong, where, and what to do about it.

use std::path::PathBuf;

/// Result of everything in the library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every way in which yardwatch can fail. Each variant prints as one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// An image cannot be decoded, or is of a kind that this build does not read.
    #[error("{}: {reason}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A side file (GeoJSON, TOML, CSV, STAC, world file ...) does not say what it should.
    #[error("{}: {reason}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line or key, and what to do.
        reason: String,
    },
    /// The embedded store refused an operation.
    #[error("{}: {source}", path.display())]
    Store {
        /// The store's file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A setting or an argument makes no sense.
    #[error("{0}")]
    Setting(String),
    /// Another run is working on the same output folder.
    #[error("{}: another yardwatch run is working on this folder; wait for it or choose another --out", path.display())]
    Busy {
        /// The output folder.
        path: PathBuf,
    },
    /// The user interrupted the run; finished scenes are kept.
    #[error("interrupted; finished images are kept and the same command continues from here")]
    Interrupted,
}

impl Error {
    /// An operating-system error at a path.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// An image that cannot be used, with the reason.
    pub fn image(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Image { path: path.into(), reason: reason.into() }
    }

    /// A side file that cannot be used, with the reason.
    pub fn document(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Document { path: path.into(), reason: reason.into() }
    }
}
