//! The client against the strict stand-in: what each method comes to, every code, repeats, signatures, the second store.

use std::time::Duration;

use shared::payments::mokka::signature::{Order, OrderSetting};
use shared::payments::mokka::types::Decision::Approved;
use shared::payments::mokka::types::{LimitStatus, OrderStatus};
use shared::payments::mokka::{Code, MokkaOutcome, Settings, Store};
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;
use shared::platform::secret::Secret;
use standins::{Call, Clock, Decision, Fault, Options, SignatureOrder, StandIns, System};
use tokio::net::TcpListener;
use url::Url;

use super::*;

const SECRET: &str = "mokka-demo-secret";

/// A stand-in and a client of it.
pub(crate) struct Mokka {
    pub(crate) client: Client,
    standins: StandIns,
}

impl Mokka {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default(), OrderSetting::Auto, None).await
    }

    async fn with(options: Options, signature_order: OrderSetting, limits: Option<(u64, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let standins = StandIns::start(listener, options, Clock::standing_at(standins::beginning()));
        let settings = Settings {
            base_url: Url::parse(&format!("{}/mokka", standins.base_url())).unwrap(),
            store_id: 72,
            secret: Secret::parse(SECRET).unwrap().into(),
            limits: limits.map(|(id, secret)| Store { id, secret: Secret::parse(secret).unwrap().into() }),
            signature_order,
        };
        Self { client: Client::new(Http::new(Metrics::default()).unwrap(), settings), standins }
    }

    pub(crate) fn calls(&self, method: &str) -> Vec<Call> {
        self.standins.calls_to(System::Mokka, method)
    }

    /// An order whose customer has agreed.
    pub(crate) async fn hold(&self, order_id: &str) {
        self.client.checkout(&checkout(order_id), deadline()).await.unwrap();
        self.standins.decide(order_id, Decision::Approved, false, 1).await.unwrap();
    }

    async fn status(&self, order_id: &str) -> OrderStatus {
        self.client.status(order_id, deadline()).await.unwrap().current_order.status
    }

    fn fault(&self, method: &str, fault: Fault, times: u32) {
        self.standins.fault(System::Mokka, method, fault, times).unwrap();
    }
}

/// Everything that the nine methods need to succeed, one after the other.
async fn whole_life(mokka: &Mokka) {
    mokka.client.registration(&registration(), deadline()).await.unwrap();
    mokka.client.limit(PHONE, deadline()).await.unwrap();
    mokka.client.schedule(money("5240"), deadline()).await.unwrap();
    mokka.hold(ORDER).await;
    mokka.client.change(&change(ORDER, "5000"), deadline()).await.unwrap();
    mokka.client.finish(&finish(ORDER, "5000"), b"%PDF-1.7", deadline()).await.unwrap();
    assert_eq!(mokka.status(ORDER).await, OrderStatus::Finished);
    mokka.client.refund(&refund(ORDER, "5000"), deadline()).await.unwrap();
    assert_eq!(mokka.status(ORDER).await, OrderStatus::Refunded);
    mokka.hold("K-2").await;
    mokka.client.cancel("K-2", deadline()).await.unwrap();
    assert_eq!(mokka.status("K-2").await, OrderStatus::Canceled);
}

/// What the error says must not help anybody to anything.
fn assert_discreet(error: &Error) {
    let told = format!("{error} {error:?}");
    for hidden in [SECRET, PHONE, "127.0.0.1", "http://", "store_id", "shop.example"] {
        assert!(!told.contains(hidden), "{hidden}: {told}");
    }
}

#[tokio::test]
async fn every_method_does_what_it_says() {
    let mokka = Mokka::start().await;
    let page = mokka.client.registration(&registration(), deadline()).await.unwrap().iframe_url;
    assert!(page.starts_with(&mokka.standins.base_url()), "{page}");

    let limit = mokka.client.limit(PHONE, deadline()).await.unwrap();
    assert_eq!(limit.status, LimitStatus::Active);
    let limit = mokka.client.limit("8882100000", deadline()).await.unwrap();
    assert_eq!((limit.known().map(Decimal::hundredths), limit.status), (Some(0), LimitStatus::Inactive));
    assert_eq!(mokka.client.limit("9990000000", deadline()).await.unwrap().status, LimitStatus::New);

    let tariffs = mokka.client.schedule(money("5240"), deadline()).await.unwrap();
    assert_eq!(tariffs.iter().map(|tariff| tariff.term).collect::<Vec<_>>(), [3, 6, 12]);
    for tariff in &tariffs {
        let due: i64 = tariff.payment_dates.iter().map(|payment| payment.amount.hundredths()).sum();
        assert_eq!((due, tariff.payment_dates.len()), (tariff.total.hundredths(), tariff.term as usize));
        assert!(tariff.payment_dates.is_sorted_by_key(|payment| payment.date), "{tariff:?}");
    }
    assert_eq!(mokka.client.schedule(money("1"), deadline()).await.unwrap(), []);

    let page = mokka.client.checkout(&checkout(ORDER), deadline()).await.unwrap().iframe_url;
    assert_eq!(page, mokka.standins.mokka_order(ORDER).unwrap().form_url);
    let order = mokka.client.status(ORDER, deadline()).await.unwrap().current_order;
    assert_eq!((order.status, order.decision.0, order.term), (OrderStatus::Pending, None, None));
    mokka.standins.decide(ORDER, Decision::Approved, false, 1).await.unwrap();
    let order = mokka.client.status(ORDER, deadline()).await.unwrap().current_order;
    assert_eq!((order.status, order.decision.0, order.term), (OrderStatus::Hold, Some(Approved), Some(3)));
    assert_eq!((order.order_id.as_str(), order.expired.0), (ORDER, Some(false)));
    assert_eq!(order.amount.0.map(Decimal::hundredths), Some(524_000));

    let changed = mokka.client.change(&change(ORDER, "5000"), deadline()).await.unwrap();
    let due: i64 = changed.schedule.iter().map(|payment| payment.amount.hundredths()).sum();
    assert_eq!((changed.schedule.len(), due), (3, 500_000));
    mokka.client.finish(&finish(ORDER, "5000"), b"%PDF-1.7", deadline()).await.unwrap();
    let order = mokka.standins.mokka_order(ORDER).unwrap();
    assert_eq!((order.amount.as_str(), order.finishes, order.changes), ("5000.00", 1, 1));
    mokka.client.refund(&refund(ORDER, "5000"), deadline()).await.unwrap();
    assert_eq!(mokka.standins.mokka_order(ORDER).unwrap().returned, "5000.00");
}

#[tokio::test]
async fn refusal_by_state_leads_to_status_or_is_surely_not_done() {
    let mokka = Mokka::start().await;
    whole_life(&mokka).await;
    let at = deadline();
    for (refused, code, outcome) in [
        (mokka.client.checkout(&checkout(ORDER), at).await.map(drop), Code::OrderExists, MokkaOutcome::AskStatus),
        (mokka.client.finish(&finish(ORDER, "5000"), b"%PDF-1.7", at).await, Code::FinishImpossible, MokkaOutcome::AskStatus),
        (mokka.client.cancel(ORDER, at).await, Code::CancelImpossible, MokkaOutcome::AskStatus),
        (mokka.client.change(&change(ORDER, "4000"), at).await.map(drop), Code::ChangeImpossible, MokkaOutcome::AskStatus),
        (mokka.client.refund(&refund("K-2", "5000"), at).await, Code::CannotProcess, MokkaOutcome::AskStatus),
        (mokka.client.status("K-3", at).await.map(drop), Code::OrderNotFound, MokkaOutcome::NothingDone),
        (mokka.client.refund(&refund("K-3", "5000"), at).await, Code::OrderNotFound, MokkaOutcome::NothingDone),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::Refused { code: got, .. } if *got == code), "{code}: {error}");
        assert_eq!(error.outcome(), outcome, "{code}");
    }
    mokka.hold("K-4").await;
    let empty = ChangeRequest { cart_items: vec![], ..change("K-4", "4000") };
    let error = mokka.client.change(&empty, at).await.unwrap_err();
    assert!(matches!(&error, Error::Refused { code: Code::CartMissing, .. }), "{error}");
    let error = mokka.client.finish(&finish("K-4", "4000"), b"%PDF-1.7", at).await.unwrap_err();
    assert!(matches!(&error, Error::Refused { code: Code::AmountDiffers, .. }), "{error}");
    assert_eq!(mokka.status("K-4").await, OrderStatus::Hold);
}

#[tokio::test]
async fn every_code_reaches_the_caller_of_every_method_after_one_call() {
    let mokka = Mokka::with(Options::default(), OrderSetting::Fixed(Order::BodySecret), None).await;
    for code in Code::DOCUMENTED.into_iter().chain([Code::Other(777)]) {
        for (method, _) in METHODS {
            mokka.standins.forget_calls();
            mokka.fault(method, Fault::Status(u16::try_from(code.number()).unwrap()), 1);
            let error = call(&mokka.client, method).await.unwrap_err();
            assert!(
                matches!(&error, Error::Refused { code: got, message } if *got == code && !message.is_empty()),
                "{method}: {error}"
            );
            assert_eq!((error.outcome(), mokka.calls(method).len()), (code.outcome(), 1), "{method} {code}");
            assert_discreet(&error);
        }
    }
}

#[tokio::test]
async fn unanswered_call_is_repeated_once_only_if_it_reads() {
    let mokka = Mokka::start().await;
    for fault in [Fault::Http500, Fault::Html, Fault::Reset, Fault::AnswerLost] {
        for (method, asks) in METHODS {
            // Status needs an order to ask for.
            mokka.client.checkout(&checkout(ORDER), deadline()).await.unwrap();
            mokka.standins.forget_calls();
            mokka.fault(method, fault, 1);
            let answer = call(&mokka.client, method).await;
            let calls = mokka.calls(method);
            if asks {
                answer.unwrap();
                assert_eq!(calls.len(), 2, "{method} {fault}");
                assert_eq!((&calls[0].raw, &calls[0].query), (&calls[1].raw, &calls[1].query));
            } else {
                let error = answer.unwrap_err();
                assert!(matches!(error, Error::Unavailable(_)), "{method} {fault}: {error}");
                assert_eq!((error.outcome(), calls.len()), (MokkaOutcome::AskStatus, 1), "{method} {fault}");
                assert_discreet(&error);
            }
            mokka.standins.clear_faults();
        }
    }
    mokka.standins.forget_calls();
    mokka.fault("status", Fault::Http500, 5);
    assert!(matches!(call(&mokka.client, "status").await, Err(Error::Unavailable(_))));
    assert_eq!(mokka.calls("status").len(), 2, "twice is enough");
}

#[tokio::test]
async fn a_silent_mokka_is_waited_for_no_longer_than_the_deadline() {
    let mokka = Mokka::start().await;
    for (method, _) in METHODS {
        mokka.fault(method, Fault::Timeout, 9);
    }
    let soon = || Deadline::within(Duration::from_millis(400));
    let silent = [
        mokka.client.limit(PHONE, soon()).await.map(drop),
        mokka.client.schedule(money("5240"), soon()).await.map(drop),
        mokka.client.change(&change(ORDER, "5000"), soon()).await.map(drop),
        mokka.client.refund(&refund(ORDER, "5000"), soon()).await,
        mokka.client.finish(&finish(ORDER, "5240"), b"%PDF-1.7", soon()).await,
    ];
    for error in silent.map(Result::unwrap_err) {
        assert_discreet(&error);
    }
    for method in ["limit", "schedule", "change", "return", "finish"] {
        assert_eq!(mokka.calls(method).len(), 1, "{method}: no time was left for a second call");
    }
}

#[tokio::test]
async fn a_lost_answer_hides_what_status_shows() {
    let mokka = Mokka::start().await;
    mokka.hold(ORDER).await;
    mokka.fault("finish", Fault::AnswerLost, 1);
    let error = mokka.client.finish(&finish(ORDER, "5240"), b"%PDF-1.7", deadline()).await.unwrap_err();
    assert_eq!((error.outcome(), mokka.status(ORDER).await), (MokkaOutcome::AskStatus, OrderStatus::Finished));
    mokka.fault("return", Fault::AnswerLost, 1);
    let error = mokka.client.refund(&refund(ORDER, "5240"), deadline()).await.unwrap_err();
    assert_eq!((error.outcome(), mokka.status(ORDER).await), (MokkaOutcome::AskStatus, OrderStatus::Refunded));
    assert_eq!(mokka.standins.mokka_order(ORDER).unwrap().returns.len(), 1);
}

#[tokio::test]
async fn auto_signature_order_is_found_and_kept_for_each_store() {
    let second = || Some(standins::Store { id: 73, secret: "second-demo-secret".to_owned() });
    for (order, surplus) in [(SignatureOrder::BodySecret, 0), (SignatureOrder::SecretBody, 1)] {
        let one = Mokka::with(Options { mokka_signature: order, ..Options::default() }, OrderSetting::Auto, None).await;
        whole_life(&one).await;
        let calls = one.standins.calls(Some(System::Mokka)).len();
        assert_eq!(calls, 12 + surplus, "{order:?}: only the first call is sent twice");

        let options = Options { mokka_signature: order, mokka_limit_store: second(), ..Options::default() };
        let two = Mokka::with(options, OrderSetting::Auto, Some((73, "second-demo-secret"))).await;
        whole_life(&two).await;
        let calls = two.standins.calls(Some(System::Mokka)).len();
        assert_eq!(calls, 12 + 2 * surplus, "{order:?}: each store finds out for itself");
    }
}

#[tokio::test]
async fn signature_order_is_found_by_each_method_without_double_effect() {
    for (method, _) in METHODS {
        let options = Options { mokka_signature: SignatureOrder::SecretBody, ..Options::default() };
        let mokka = Mokka::with(options, OrderSetting::Auto, None).await;
        let answer = call(&mokka.client, method).await;
        let wrong = matches!(&answer, Err(Error::Refused { code: Code::SignatureWrong, .. } | Error::Unavailable(_)));
        assert!(!wrong, "{method}: {answer:?}");
        assert_eq!(mokka.calls(method).len(), 2, "{method}");
        let _ = call(&mokka.client, method).await;
        assert_eq!(mokka.calls(method).len(), 3, "{method}: remembered");
    }
}

#[tokio::test]
async fn wrong_secret_is_refused_in_both_orders_or_the_fixed_one() {
    let options = Options { mokka_secret: "another-secret".to_owned(), ..Options::default() };
    for (setting, calls) in [(OrderSetting::Auto, 2), (OrderSetting::Fixed(Order::SecretBody), 1)] {
        let mokka = Mokka::with(options.clone(), setting, None).await;
        for (method, _) in METHODS {
            let error = call(&mokka.client, method).await.unwrap_err();
            assert!(matches!(&error, Error::Refused { code: Code::SignatureWrong, .. }), "{method}: {error}");
            assert_eq!((error.outcome(), mokka.calls(method).len()), (MokkaOutcome::NothingDone, calls), "{method}");
            assert_discreet(&error);
        }
    }
}

#[tokio::test]
async fn the_second_store_is_for_registration_and_limit_alone() {
    let secret = "second-demo-secret";
    let options =
        Options { mokka_limit_store: Some(standins::Store { id: 73, secret: secret.to_owned() }), ..Options::default() };
    let mokka = Mokka::with(options.clone(), OrderSetting::Auto, Some((73, secret))).await;
    whole_life(&mokka).await;
    for (method, _) in METHODS {
        let store = if ["registration", "limit"].contains(&method) { "73" } else { "72" };
        for call in mokka.calls(method) {
            assert_eq!(call.query["store_id"], store, "{method}");
        }
    }

    let first_only = Mokka::with(options.clone(), OrderSetting::Auto, None).await;
    let mistaken = Mokka::with(options, OrderSetting::Auto, Some((73, SECRET))).await;
    for method in ["registration", "limit"] {
        let error = call(&first_only.client, method).await.unwrap_err();
        assert!(matches!(&error, Error::Refused { code: Code::StoreNotFound, .. }), "{method}: {error}");
        let error = call(&mistaken.client, method).await.unwrap_err();
        assert!(matches!(&error, Error::Refused { code: Code::SignatureWrong, .. }), "{method}: {error}");
    }
    assert!(!format!("{:?}", mokka.client).contains(secret));
}

#[tokio::test]
async fn callbacks_are_verified_with_the_secret_of_their_store() {
    let body = br#"{"order_id":"K-1"}"#;
    let sign = |secret: &str| {
        let secret = Secret::parse(secret).unwrap();
        shared::payments::mokka::signature::Signer::new(secret, OrderSetting::Auto).sign(body, Order::BodySecret)
    };
    let (first, second) = (sign(SECRET), sign("second-demo-secret"));
    let one = Mokka::start().await.client;
    assert!(one.verify(body, &first) && one.verify_registration(body, &first));
    assert!(!one.verify(body, &second) && !one.verify_registration(body, &second));
    let two = Mokka::with(Options::default(), OrderSetting::Auto, Some((73, "second-demo-secret"))).await.client;
    assert!(two.verify(body, &first) && two.verify_registration(body, &second));
    assert!(!two.verify(body, &second) && !two.verify_registration(body, &first));
}
