//! What tests do to YooKassa without HTTP: the control API's typed twin.

use serde_json::{Map, Value};

use super::cabinet::CabinetAct;
use super::decide::CardOutcome;
use super::notices::YookassaNotice;
use crate::StandIns;
use crate::error::ControlError;

impl StandIns {
    /// YooKassa's payments as its API shows them, oldest first.
    #[must_use]
    pub fn yookassa_payments(&self) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.payments()
    }

    /// YooKassa's refunds as its API shows them, oldest first.
    #[must_use]
    pub fn yookassa_refunds(&self) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.refunds()
    }

    /// The payments that were registered with this `payment_id` in their metadata, oldest first.
    #[must_use]
    pub fn yookassa_payments_of(&self, payment_id: &str) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.payments_of(payment_id)
    }

    /// The refunds of a payment of YooKassa's id, oldest first.
    #[must_use]
    pub fn yookassa_refunds_of(&self, id: &str) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.refunds_of(id)
    }

    /// YooKassa's receipts of payments and refunds as its API shows them, with our id of the payment in `our_payment_id`, oldest first.
    /// Whoever looks here does not register them, as a read by the API does.
    #[must_use]
    pub fn yookassa_receipts(&self) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.receipts(None)
    }

    /// The receipts of the payments that were registered with this `payment_id` in their metadata and of their refunds, oldest first.
    #[must_use]
    pub fn yookassa_receipts_of(&self, payment_id: &str) -> Vec<Value> {
        self.simulator.execute_late();
        self.simulator.yookassa.receipts(Some(payment_id))
    }

    /// Does what the customer and the bank do with a payment, the bank with a pending refund or the register with a receipt, by
    /// YooKassa's id, and notifies the shop of payments and refunds. What is decided keeps its state: only its notification is sent
    /// again. `{"object":{…},"notifications":[200]}`.
    pub async fn decide_yookassa(&self, id: &str, wish: &CardOutcome) -> Result<Value, ControlError> {
        self.simulator.execute_late();
        self.simulator.yookassa.decide(id, wish).await
    }

    /// Does what the shop's people do with a payment in YooKassa's cabinet. The payment as it is then.
    pub fn in_yookassa_cabinet(&self, id: &str, act: &CabinetAct) -> Result<Value, ControlError> {
        self.simulator.execute_late();
        self.simulator.yookassa.in_cabinet(id, act)
    }

    /// Lets the API show these fields of a payment in place of its own: a status that it does not have, another amount. A null removes
    /// a field.
    pub fn set_yookassa_fields(&self, id: &str, fields: Map<String, Value>) -> Result<(), ControlError> {
        self.simulator.yookassa.set_fields(id, fields)
    }

    /// The same of the payment that is created next, in its first answer too.
    pub fn set_next_yookassa_fields(&self, fields: Map<String, Value>) {
        self.simulator.yookassa.set_next_fields(fields);
    }

    /// The notifications whose time to be posted has come, for the test that brings them to the shop by hand and says by
    /// [`Self::yookassa_notice_posted`] what came of it.
    #[must_use]
    pub fn take_yookassa_notices(&self) -> Vec<YookassaNotice> {
        self.simulator.yookassa.take_notices()
    }

    /// A notification was answered with this HTTP status, 0 for none: another one than 200 is repeated.
    pub fn yookassa_notice_posted(&self, notice: YookassaNotice, status: u16) {
        self.simulator.yookassa.notice_posted(notice, status);
    }

    /// Posts YooKassa's notifications to this address by itself from now on.
    pub fn post_yookassa_notices_to(&self, url: String) {
        self.simulator.yookassa.notify(url);
    }
}
