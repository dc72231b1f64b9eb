//! What the system costs: plays what happens in a shop, counts what it uses of AWS, and multiplies that by the prices. The same
//! count gives the same figures on every machine, since time is never measured: `infra/costs/prices.toml` says what is assumed.
//!
//! - `prices`: that file.
//! - `deployed`: what costs something because it is there.
//! - `life`: what happens; `play`: played and counted; `usage`: what it used.
//! - `bill`: a month.
//! - `callee`: the functions, in this process or as programs; `measure`: the one thing that is measured, for that file.
//! - `page`: the tables of `infra/docs/COSTS.md`.

mod bill;
mod callee;
mod deployed;
mod error;
mod life;
#[cfg(target_os = "linux")]
mod measure;
mod page;
mod play;
mod prices;
mod usage;

use std::io::Write;
use std::path::Path;

use emulators::template::TEMPLATE;

pub use bill::Bill;
pub use deployed::Deployed;
pub use error::CostsError;
pub use life::Life;
#[cfg(target_os = "linux")]
pub use measure::measure;
pub use play::Counted;
pub use prices::{Item, Prices};
pub use usage::{Calls, Usage};

/// Prints the tables; with a folder, the repository's, writes them into its pages instead.
pub async fn print(pages: Option<&Path>, out: &mut impl Write) -> Result<(), CostsError> {
    let prices = Prices::read()?;
    let deployed = Deployed::read(TEMPLATE)?;
    let counted = play::count(&prices).await?;
    let bill = Bill { prices: &prices, deployed: &deployed, counted: &counted };
    match pages {
        Some(folder) => page::write(&bill, folder),
        None => Ok(page::print(&bill, out)?),
    }
}
