//! The whole system on one machine: no account, no Docker, no network, nothing to install beyond the Rust toolchain.
//!
//! - `emulators` (a crate of its own): AWS, as the template has it.
//! - `standins` (another): Mokka, SMSPRO, the shop, IMSHOP and YooKassa.
//! - [`functions`]: the functions as they are deployed, built from the same settings.
//! - [`running`]: starts all of it.
//! - [`check`]: reads the files that operations edit, before they are deployed.
//! - [`demo`]: plays the main job and prints what happens.
//! - [`costs`]: counts what the main job uses of AWS, and what that costs.
//! - [`settings`]: writes the page of the functions' settings.

pub mod check;
pub mod costs;
pub mod demo;
pub mod functions;
pub mod running;
pub mod settings;
