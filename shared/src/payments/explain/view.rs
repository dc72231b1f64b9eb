//! What is known of a payment's provider.

use crate::payments::payment::ProviderReport;

/// What is known of the provider's side.
#[derive(Clone, Copy, Debug)]
pub enum ProviderView<'a> {
    /// It was not asked just now.
    NotAsked,
    /// It was asked, and could not answer.
    Unavailable,
    /// What it says.
    Said(&'a ProviderReport),
}

impl<'a> ProviderView<'a> {
    /// The view of a provider that was asked: without a report it could not answer.
    #[must_use]
    pub fn of(report: Option<&'a ProviderReport>) -> Self {
        report.map_or(Self::Unavailable, Self::Said)
    }
}
