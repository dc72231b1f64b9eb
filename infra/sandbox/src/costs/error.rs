//! Why the costs cannot be worked out.

/// The costs could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum CostsError {
    #[error("infra/costs/prices.toml: {0}")]
    Prices(String),
    #[error("template.yaml: {0}")]
    Template(String),
    /// The functions' settings.
    #[error(transparent)]
    Config(#[from] shared::platform::env::ConfigError),
    /// What should have been counted went otherwise.
    #[error("{step}: {got}")]
    Story {
        /// Where.
        step: String,
        /// What came.
        got: String,
    },
    /// A page without the place for a table.
    #[error("{file}: there is no place for the table {name}")]
    NoPlace {
        /// The page.
        file: String,
        /// The table.
        name: &'static str,
    },
    /// A page could not be read or written.
    #[error("{file}: {cause}")]
    File {
        /// The page.
        file: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// The output cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl CostsError {
    pub(super) fn story(step: &str, got: impl std::fmt::Display) -> Self {
        Self::Story { step: step.to_owned(), got: got.to_string() }
    }
}
