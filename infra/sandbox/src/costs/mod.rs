//! What the system costs: plays what happens in a shop, counts what it uses of AWS, and multiplies that by the prices. The same
//! count gives the same figures on every machine, since time is never measured: `infra/costs/prices.toml` says what is assumed.
//!
//! - `prices`: that file.
//! - `deployed`: what costs something because it is there.
//! - `life`: what happens, played and counted; `usage`: what it used.
//! - `bill`: a month.
//! - `callee`: the functions, in this process or as programs; `measure`: the one thing that is measured, for that file.
//! - `page`: the tables of `infra/docs/COSTS.md`.

mod bill;
mod callee;
mod deployed;
mod life;
#[cfg(target_os = "linux")]
mod measure;
mod page;
mod prices;
mod usage;

use std::io::Write;
use std::path::Path;

use emulators::template::TEMPLATE;

pub use bill::Bill;
pub use deployed::Deployed;
pub use life::{Counted, Life};
#[cfg(target_os = "linux")]
pub use measure::measure;
pub use prices::{Item, Prices};
pub use usage::{Calls, Usage};

/// The costs could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum CostsError {
    /// The prices.
    #[error("infra/costs/prices.toml: {0}")]
    Prices(String),
    /// The template.
    #[error("template.yaml: {0}")]
    Template(String),
    /// The functions' settings.
    #[error(transparent)]
    Config(#[from] shared::env::ConfigError),
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
    /// Nobody reads what is printed.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl CostsError {
    fn story(step: &str, got: impl std::fmt::Display) -> Self {
        Self::Story { step: step.to_owned(), got: got.to_string() }
    }
}

/// Prints the tables; with a folder, the repository's, writes them into its pages instead.
pub async fn print(pages: Option<&Path>, out: &mut impl Write) -> Result<(), CostsError> {
    let prices = Prices::read()?;
    let deployed = Deployed::read(TEMPLATE)?;
    let counted = life::count(&prices).await?;
    let bill = Bill { prices: &prices, deployed: &deployed, counted: &counted };
    match pages {
        Some(folder) => page::write(&bill, folder),
        None => Ok(page::print(&bill, out)?),
    }
}
