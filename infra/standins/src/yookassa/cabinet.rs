//! What the shop's people do with a payment in YooKassa's cabinet, past the product.

use serde::Deserialize;
use serde_json::Value;

use super::refund;
use super::shown;
use super::state::Yookassa;
use crate::error::ControlError;
use crate::money::Kopecks;

/// An act in the cabinet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act", deny_unknown_fields)]
pub enum CabinetAct {
    /// A hold is captured, whole.
    Capture {},
    /// A hold is let go.
    Cancel {},
    /// So much of a captured payment is given back, rubles such as `500.00`; all that is left without it.
    Refund {
        /// With two decimals.
        amount: Option<String>,
    },
}

impl Yookassa {
    /// See [`crate::StandIns::in_yookassa_cabinet`].
    pub(crate) fn in_cabinet(&self, id: &str, act: &CabinetAct) -> Result<Value, ControlError> {
        self.with(|books, setting| {
            let unknown = || ControlError::UnknownYookassa(id.to_owned());
            let payment = books.payments.find_mut(id).ok_or_else(unknown)?;
            let done = match act {
                CabinetAct::Capture {} => payment.capture(None, setting.now),
                CabinetAct::Cancel {} => payment.release(),
                CabinetAct::Refund { amount } => {
                    let amount = match amount {
                        Some(text) => {
                            Kopecks::strict(text).ok_or_else(|| ControlError::field("amount", "must be such as 500.00"))?
                        }
                        None => payment.rest(),
                    };
                    refund::give_back_in_cabinet(books, setting, id, amount).map(drop)
                }
            };
            done.map_err(|refusal| ControlError::field("act", refusal.description()))?;
            if !matches!(act, CabinetAct::Refund { .. }) {
                books.announce(id, setting);
            }
            books.payments.find(id).map(|payment| shown::payment(payment, setting)).ok_or_else(unknown)
        })
    }
}
