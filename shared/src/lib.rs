//! What every webhook of imshop-webhooks is made of. Modules in this order; a lower one never imports a higher one:
//!
//! - [`money`], [`phone`], [`ids`], [`secret`], [`clock`]: plain types, parsed once and valid ever after.

pub mod clock;
pub mod ids;
pub mod money;
pub mod phone;
pub mod secret;
