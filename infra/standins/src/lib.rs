//! Strict, stateful stand-ins for the outside systems: Mokka, YooKassa, SMSPRO, the shop's own backend and IMSHOP. Where they are
//! stricter than the real systems, and why, is a table in `infra/docs/READINGS.md`.
//!
//! One listener on loopback serves all of them, for the sandbox and for the tests alike:
//!
//! | path | what | module |
//! |---|---|---|
//! | `/mokka/…` | Mokka API Factoring, and the form a customer clicks through | `mokka` |
//! | `/yookassa/…` | YooKassa API v3, and the page where a customer pays | `yookassa` |
//! | `/smspro/…` | SMSPRO OTP, with an inbox instead of SMS | `smspro` |
//! | `/shop/…` | the shop's order backend, its books of payments, form storage and product feed | `shop` |
//! | `/imshop/…` | IMSHOP's status URLs | `imshop` |
//! | `/control/…` | what tests and people do to them | `control` |
//!
//! This is an independent implementation of the protocols, written from their documents: it shares no code with the
//! clients it is called by, so that a mistake in a client cannot hide behind the same mistake here.
//!
//! A request goes through `server` (the accept loop), is recorded in `call`, meets the fault armed for it in
//! `fault` if there is one, and is answered by its system. Whatever an answer cannot say in the provider's own shape
//! (which field was wrong, and why) is in the response header `x-stand-in-note`.

mod answer;
mod call;
mod clients;
mod clock;
mod command;
mod control;
mod error;
mod fault;
mod hooks;
mod imshop;
mod index;
mod json;
mod locked;
mod mokka;
mod money;
mod options;
mod pusher;
mod random;
mod readings;
mod request;
mod router;
mod server;
mod shop;
mod simulator;
mod smspro;
mod system;
mod yookassa;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::net::TcpListener;

pub use call::{Call, FiscalDocument};
pub use clock::{Clock, beginning};
pub use error::ControlError;
pub use fault::Fault;
pub use hooks::Unanswered;
pub use mokka::{Decided, DecidedRegistration, Decision, LimitStatus, MokkaOrder, MokkaRegistration, MokkaReturn, MokkaStatus};
pub use options::{Options, ReceiptRule, SignatureOrder, Store, Tariff};
pub use smspro::{PhoneReports, Push, Sms};
pub use system::System;
pub use yookassa::{CabinetAct, CardDecision, CardOutcome, YookassaMethod, YookassaNotice};

use readings::Readings;
use simulator::Simulator;

/// The running stand-ins. Clones speak to the same simulator.
#[derive(Clone)]
pub struct StandIns {
    simulator: Arc<Simulator>,
}

impl StandIns {
    /// Serves the stand-ins on `listener`, on the current tokio runtime, for as long as that runtime lives.
    #[must_use]
    pub fn start(listener: TcpListener, options: Options, clock: Clock) -> Self {
        // The HTTP clients here bring no cryptography: they take the process's. An error says that it has one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        // A listener that was bound knows its address; if it did not, every URL made of port 0 would fail at once.
        let port = listener.local_addr().map_or(0, |address| address.port());
        let simulator = Arc::new(Simulator::new(options, clock, port));
        tokio::spawn(server::accept(listener, Arc::clone(&simulator)));
        if let Some(url) = simulator.options.yookassa_notification_url.clone() {
            simulator.yookassa.notify(url);
        }
        Self { simulator }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.simulator.base_url()
    }

    /// Lets the control API have `{method} /control/{name}`, answered by `answer`: for the program around the stand-ins, which
    /// knows more than they do, such as its schedule. An error is answered with 500.
    pub fn serve_control<F>(&self, method: &'static str, name: impl Into<String>, answer: F)
    where
        F: Fn() -> BoxFuture<'static, Result<Value, String>> + Send + Sync + 'static,
    {
        self.serve_control_with(method, name, move |_| {
            let answer = answer();
            Box::pin(async move { answer.await.map_err(Unanswered::Failed) })
        });
    }

    /// The same where the request says more than its path.
    pub fn serve_control_with<F>(&self, method: &'static str, name: impl Into<String>, answer: F)
    where
        F: Fn(Bytes) -> BoxFuture<'static, Result<Value, Unanswered>> + Send + Sync + 'static,
    {
        self.simulator.hooks.add(method, name.into(), Arc::new(answer));
    }

    /// Lets the control API finish `before_leap` before it moves the clock, so that a leap of a day makes nothing a day late that
    /// was a moment from done. Once.
    pub fn before_leap<F>(&self, before_leap: F)
    where
        F: Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        self.simulator.hooks.set_before_leap(Box::new(before_leap));
    }

    /// How long until the next call is carried out late, those that are due being done: whoever moves the clock stops there.
    #[must_use]
    pub fn until_late_call(&self) -> Option<Duration> {
        self.simulator.until_late_call()
    }

    /// Every call received, oldest first; of one system only, if it is named.
    #[must_use]
    pub fn calls(&self, system: Option<System>) -> Vec<Call> {
        self.simulator.calls.list(|call| system.is_none_or(|wanted| call.system == wanted))
    }

    /// The calls to one method, oldest first. Methods are those of [`System::methods`].
    #[must_use]
    pub fn calls_to(&self, system: System, method: &str) -> Vec<Call> {
        self.simulator.calls.list(|call| call.system == system && call.method == method)
    }

    /// How many calls to one method there were; counted even where [`Options::record_calls`] is off.
    #[must_use]
    pub fn call_count(&self, system: System, method: &str) -> u64 {
        self.simulator.calls.count(system, method)
    }

    /// Forgets the recorded calls and their count; the systems' own state stays.
    pub fn forget_calls(&self) {
        self.simulator.calls.forget();
    }

    /// The SMS sent, oldest first; to one phone only, if it is given.
    #[must_use]
    pub fn inbox(&self, phone: Option<&str>) -> Vec<Sms> {
        self.simulator.smspro.inbox(phone)
    }

    /// Puts an SMS into the inbox that another simulator has sent, with the token that it was answered with.
    pub fn remember_sms(&self, sms: Sms, token: String) {
        self.simulator.smspro.remember(sms, token);
    }

    /// Says what becomes of SMS to a phone (digits), those that were sent included; `again` pushes it anew for those.
    pub fn set_sms_reports(&self, phone: &str, reports: PhoneReports, again: bool) -> Result<(), ControlError> {
        self.simulator.smspro.set_reports(phone, reports)?;
        if again {
            self.simulator.smspro.push_again(phone, self.simulator.clock.now());
        }
        Ok(())
    }

    /// The delivery reports whose time to be pushed has come, for the test that brings them to the shop by hand and says by
    /// [`Self::sms_report_pushed`] what came of it.
    #[must_use]
    pub fn take_sms_reports(&self) -> Vec<Push> {
        self.simulator.smspro.take_pushes(self.simulator.clock.now())
    }

    /// A push was answered with this HTTP status, 0 for none: another one than 200 is repeated.
    pub fn sms_report_pushed(&self, push: Push, status: u16) {
        self.simulator.smspro.pushed(push, status, self.simulator.clock.now());
    }

    /// Pushes delivery reports to this address by itself from now on.
    pub fn push_sms_reports_to(&self, url: String) {
        let simulator = Arc::clone(&self.simulator);
        simulator.smspro.push_by_itself();
        tokio::spawn(async move { pusher::run(&simulator.smspro, &simulator.clock, &url).await });
    }

    /// Every confirmation code ever made, for tests that look for them where they must not be.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        self.simulator.smspro.inbox(None).into_iter().map(|sms| sms.code).collect()
    }

    /// Does what the customer does on Mokka's form, and sends the Checkout callback `times` times if `callback` is set.
    /// An order that is already decided keeps its state: only its callback is sent again.
    pub async fn decide(&self, order_id: &str, decision: Decision, callback: bool, times: u32) -> Result<Decided, ControlError> {
        self.simulator.execute_late();
        self.simulator.mokka.decide(order_id, decision, callback, times).await
    }

    /// Sends a Checkout callback that says `decision`, whatever the order's state is, and touches nothing.
    pub async fn send_callback(&self, order_id: &str, decision: Decision, times: u32) -> Result<Decided, ControlError> {
        self.simulator.mokka.contradict(order_id, decision, times).await
    }

    /// Arms `fault` for the next `times` calls of `method`, behind the faults already armed for it.
    pub fn fault(&self, system: System, method: &str, fault: Fault, times: u32) -> Result<(), ControlError> {
        self.simulator.faults.arm(system, method, fault, times)
    }

    /// Lets every call for which no fault is armed meet the one that `choose` says, by its system, method and body (of Finish its
    /// part `body`), until [`Self::clear_faults`]: for proofs whose faults are drawn.
    pub fn choose_faults<F>(&self, choose: F)
    where
        F: Fn(System, &'static str, &[u8]) -> Option<Fault> + Send + Sync + 'static,
    {
        self.simulator.faults.choose_by(Arc::new(choose));
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.simulator.faults.clear();
    }

    /// The orders the shop has accepted, oldest first: `{"uuid","id","publicId","at","order","answer"}`.
    #[must_use]
    pub fn orders(&self) -> Vec<Value> {
        self.simulator.shop.orders()
    }

    /// The forms the shop has saved, oldest first: `{"key","form","at"}`.
    #[must_use]
    pub fn forms(&self) -> Vec<Value> {
        self.simulator.shop.forms()
    }

    /// The events that came to the shop, oldest first: `{"webhook_id","type","body","headers","times","verified","refused"?,"changed",
    /// "forwarded","at"}`. A repeated id is one entry, a refused message one for each time.
    #[must_use]
    pub fn shop_events(&self) -> Vec<Value> {
        self.simulator.shop.events()
    }

    /// The books that the shop keeps from events alone: `{"orders":[…],"step_backs":[…]}`. `step_backs` are the ids of events that would
    /// have led a payment back.
    #[must_use]
    pub fn shop_books(&self) -> Value {
        self.simulator.shop.books()
    }

    /// An order in these books, by the shop's id: `{"order_id","order_uuid","public_id","state","latest","payments":[…]}`.
    #[must_use]
    pub fn shop_book(&self, order_id: &str) -> Option<Value> {
        self.simulator.shop.book_of(order_id)
    }

    /// Says where the functions' events go, and what they are signed with (while a secret is changed, each of two), if not here with the
    /// demo's secret: samples follow them.
    pub fn send_shop_events_to(&self, url: String, secrets: Vec<String>) {
        self.simulator.shop.send_events_to(shop::Destination { url, secrets });
    }

    /// Forwards each event that the shop takes from now on as it came, headers and body, to this address.
    pub fn forward_shop_events_to(&self, url: String) {
        let (simulator, copies) = (Arc::clone(&self.simulator), self.simulator.shop.copies());
        tokio::spawn(async move { simulator.shop.forward(&url, copies).await });
    }

    /// What IMSHOP has accepted, oldest first: `{"method","body","at"}`.
    #[must_use]
    pub fn imshop(&self) -> Vec<Value> {
        self.simulator.imshop.received()
    }

    /// The last body that IMSHOP's payment status has accepted for this `paymentId`.
    #[must_use]
    pub fn imshop_payment(&self, payment_id: &str) -> Option<Value> {
        self.simulator.imshop.last_of_payment(payment_id)
    }

    /// The last body that IMSHOP's order status has accepted for this `id`.
    #[must_use]
    pub fn imshop_order(&self, id: &str) -> Option<Value> {
        self.simulator.imshop.last_of_order(id)
    }

    /// Lets IMSHOP refuse every message about the order with this id, `success:false` with this HTTP status, until it is `None`.
    pub fn imshop_refuses(&self, order_id: &str, status: Option<u16>) -> Result<(), ControlError> {
        let status = status.map(hyper::StatusCode::from_u16).transpose();
        let status = status.map_err(|_| ControlError::field("status", "must be an HTTP status"))?;
        self.simulator.imshop.refuse_order(order_id, status);
        Ok(())
    }

    /// Mokka's side of an order, as it stands at this moment of the clock.
    #[must_use]
    pub fn mokka_order(&self, order_id: &str) -> Option<MokkaOrder> {
        self.simulator.execute_late();
        self.simulator.mokka.order(order_id, self.simulator.clock.now())
    }

    /// Puts an order into a state of the test's choice; a text that is no documented status is kept as it is.
    pub fn set_mokka_status(&self, order_id: &str, status: impl Into<MokkaStatus>) -> Result<(), ControlError> {
        self.simulator.mokka.set_status(order_id, status.into(), &self.simulator.options, self.simulator.clock.now())
    }

    /// Makes Mokka's amount of an order differ from ours. The text is answered by Status as it is.
    pub fn set_mokka_amount(&self, order_id: &str, amount: impl Into<String>) -> Result<(), ControlError> {
        self.simulator.mokka.set_amount(order_id, amount.into())
    }

    /// Lets Mokka, YooKassa or the shop be read in another way where its document leaves it open: the names and values of
    /// `GET /control/readings`.
    pub fn set_reading(&self, name: &str, value: &str) -> Result<(), ControlError> {
        if Readings::<shop::Reading>::has(name) {
            return self.simulator.shop.readings.set(name, value);
        }
        if Readings::<yookassa::Reading>::has(name) {
            return self.simulator.yookassa.readings.set(name, value);
        }
        self.simulator.mokka.readings.set(name, value)
    }

    /// Gives money back as the shop's people do in Mokka's cabinet, in rubles with two decimals.
    pub fn give_back_at_mokka(&self, order_id: &str, amount: &str) -> Result<(), ControlError> {
        self.simulator.mokka.give_back(order_id, amount, self.simulator.clock.now())
    }

    /// Gives the customer with this phone (ten digits) a limit in rubles with two decimals. Status `Active` lets them pay with
    /// it, on the form and by [`Self::decide`] alike.
    pub fn set_mokka_limit(&self, phone: &str, limit: &str, status: LimitStatus) -> Result<(), ControlError> {
        self.simulator.mokka.set_limit(phone, limit, status)
    }

    /// Does what the customer does on the form of a Registration, and sends its callback `times` times if `callback` is set.
    /// A registration that is already decided keeps its decision: only its callback is sent again.
    pub async fn decide_registration(
        &self,
        order_id: &str,
        decision: Decision,
        callback: bool,
        times: u32,
    ) -> Result<DecidedRegistration, ControlError> {
        self.simulator.mokka.decide_registration(order_id, decision, callback, times).await
    }

    /// What Mokka's callback would say of an order now, with that decision; nothing if Mokka does not know the order.
    #[must_use]
    pub fn mokka_callback(&self, order_id: &str, decision: Decision) -> Option<Value> {
        self.simulator.mokka.callback(order_id, decision)
    }

    /// Mokka's side of a registration.
    #[must_use]
    pub fn mokka_registration(&self, order_id: &str) -> Option<MokkaRegistration> {
        self.simulator.mokka.registration(order_id)
    }

    /// Merges `overrides` (an object) into every order that `/shop/orders` answers from now on; a null removes a field.
    pub fn shop_answers(&self, overrides: Value) -> Result<(), ControlError> {
        self.simulator.shop.set_overrides(overrides)
    }

    /// Lets the shop publish this as its product feed, whatever it is.
    pub fn set_shop_feed(&self, feed: impl Into<Bytes>) {
        self.simulator.shop.set_feed(feed.into(), "application/xml");
    }

    /// The same with a `Content-Type` of its own.
    pub fn set_shop_feed_as(&self, feed: impl Into<Bytes>, content_type: &'static str) {
        self.simulator.shop.set_feed(feed.into(), content_type);
    }

    /// Lets the shop answer as it calculated again.
    pub fn clear_shop_answers(&self) {
        self.simulator.shop.clear_overrides();
    }
}
