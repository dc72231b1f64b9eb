//! The process is killed, as the kernel does it, between any two steps, and started again on the same folder: what it left
//! converges. A step is whatever crosses the border of the process: a call to a provider, to IMSHOP, to the database. Each is
//! held twice, before the other side has it and after its effect, in every run with an order of its own, until the job ends
//! without coming so far; `MOMENT_STEP` says at which of these moments (each 4th without it; `.ci/run` takes each). After it,
//! either the caller never repeats it and reconcile alone has to find out, or the caller repeats it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says how far it came"
)]

mod border;
mod card;
mod killable;

use std::time::Duration;

use serde_json::{Value, json};

use killable::{Gone, KillableSandbox};

/// A lease, and a bit.
const LEASE_S: u64 = 15;
const DAY_S: u64 = 24 * 60 * 60;
/// More looks than any payment needs to come to rest.
const LOOKS: u32 = 60;

/// What is being done when the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// The main job: order, create, the customer's decision, callback, capture.
    Pay,
    /// The back office lets a hold go.
    Cancel,
    /// The back office holds less.
    Change,
    /// The goods ship.
    Finish,
    /// The back office gives a part back.
    RefundPart,
    /// The back office gives all of it back.
    RefundAll,
    /// The main job by card: order, create, the customer's payment, notification, capture.
    PayByCard,
    /// The back office gives a part back to the card.
    RefundCard,
}

/// An order and its payment.
struct Subject {
    uuid: String,
    id: Option<String>,
}

impl Subject {
    fn payment(&self) -> String {
        format!("{}-1", self.id.as_deref().unwrap_or("none"))
    }
}

impl Job {
    /// What is there before the job begins.
    async fn prepare(self, sandbox: &KillableSandbox) -> Subject {
        let mut subject = Subject { uuid: sandbox.new_order(), id: None };
        if matches!(self, Self::Pay | Self::PayByCard) {
            return subject;
        }
        if self == Self::RefundCard {
            card::pay(sandbox, &mut subject).await.expect("the process runs");
            told(sandbox, &subject.payment()).await;
            return subject;
        }
        hold(sandbox, &mut subject).await.expect("the process runs");
        let payment = subject.payment();
        if matches!(self, Self::RefundPart | Self::RefundAll) {
            let (status, answer) = sandbox.operate(&payment, "finish", &json!({})).await.expect("the process runs");
            assert_eq!(status, 200, "{answer}");
            // Mokka takes a part back from the next day on.
            told(sandbox, &payment).await;
            sandbox.pass(DAY_S).await;
        }
        told(sandbox, &payment).await;
        subject
    }

    /// Does it; the caller may repeat it in the same words.
    async fn play(self, sandbox: &KillableSandbox, subject: &mut Subject) -> Result<(), Gone> {
        let payment = subject.payment();
        let (status, answer) = match self {
            Self::Pay => {
                hold(sandbox, subject).await?;
                sandbox.capture("mokka", &subject.payment()).await?
            }
            Self::PayByCard => {
                card::pay(sandbox, subject).await?;
                sandbox.capture(card::METHOD, &subject.payment()).await?
            }
            Self::Cancel => sandbox.operate(&payment, "cancel", &json!({})).await?,
            Self::Finish => sandbox.operate(&payment, "finish", &json!({})).await?,
            Self::Change => {
                let cart = json!([{"name": "Чайник", "price": "1000.00", "quantity": 2}]);
                sandbox.operate(&payment, "change", &json!({"amount": "2000.00", "cart": cart})).await?
            }
            Self::RefundPart | Self::RefundCard => {
                sandbox.refund(&payment, &format!("part-{payment}"), &json!({"amount": "300.00"})).await?
            }
            Self::RefundAll => sandbox.refund(&payment, &format!("all-{payment}"), &json!({})).await?,
        };
        assert!(matches!(status, 200 | 202 | 409), "{status} {answer}");
        Ok(())
    }

    /// The states that it may end in if the caller does not repeat it: the last one is what was asked for.
    fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Pay | Self::PayByCard => &["expired", "captured"],
            Self::Cancel => &["held", "canceled"],
            Self::Change => &["held"],
            Self::Finish => &["held", "captured"],
            Self::RefundPart | Self::RefundCard => &["captured", "partially_refunded"],
            Self::RefundAll => &["captured", "refunded"],
        }
    }
}

/// An order up to the callback: held, or captured where a hold is captured at once.
async fn hold(sandbox: &KillableSandbox, subject: &mut Subject) -> Result<(), Gone> {
    let id = sandbox.order(&subject.uuid).await?;
    subject.id = Some(id.clone());
    let (status, answer) = sandbox.create("mokka", &subject.uuid, &id).await?;
    let payment = subject.payment();
    if status == 200 && answer["success"] == true {
        sandbox.approve(&payment).await;
    }
    let (status, answer) = sandbox.callback(&payment).await?;
    assert_eq!(status, 200, "{answer}");
    Ok(())
}

/// Until IMSHOP knows what there is to know now.
async fn told(sandbox: &KillableSandbox, payment: &str) {
    while sandbox.payment(payment).await.is_some_and(|payment| !is_told(&payment)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Every channel had its messages, and no request is at it.
fn is_told(payment: &Value) -> bool {
    let history = payment["history"].as_array().map_or(&[][..], Vec::as_slice);
    let words = history.iter().rposition(|step| !step["word"].is_null()).map_or(0, |index| index as u64 + 1);
    let done = ["told_payment_status", "told_order_status"].map(|mark| payment[mark].as_u64().unwrap_or(0));
    // The shop's mark is at the last step of which it hears: none of those after it is an event.
    let shop = &payment["channels"]["shop_events"];
    let is_event = |step: &Value| !step["word"].is_null() || step["action"].is_null() && step["state"] == "captured";
    let events = history.iter().rposition(is_event).map_or(0, |index| index as u64 + 1);
    let is_shop_told = shop["done"].as_u64().unwrap_or(0) >= events && shop["lease_until"].is_null();
    done.iter().all(|done| *done >= words) && payment["tell_lease_until"].is_null() && is_shop_told
}

/// Lets time pass until nothing is left to be done; how the payment stands then.
async fn converged(sandbox: &KillableSandbox, subject: &Subject) -> Option<Value> {
    let id = subject.payment();
    for _ in 0..LOOKS {
        let payment = sandbox.payment(&id).await?;
        let at_ease = payment["state"] == "held" && payment["unknown"] == false && payment["intent"].is_null();
        let leased = payment["lease_until"].as_i64().is_some_and(|until| until > sandbox.now());
        // An audit look at what is over is no work left.
        let nothing_due = payment["check_at"] == payment["last_look_at"] || (at_ease && !leased && payment["mismatch"].is_null());
        if nothing_due && is_told(&payment) {
            return Some(payment);
        }
        let number = payment["refunds"].as_array().map_or(0, Vec::len);
        if payment["attention"] == "open" && payment["intent"]["kind"] == "refund" {
            // Mokka's Status says nothing of a part: a person looks into its cabinet.
            let made = sandbox.standins.mokka_order(&id).unwrap().returns.len() == number;
            let (status, answer) = sandbox.answer_for_refund(&id, number, made).await.expect("the process runs");
            assert_eq!(status, 200, "{answer}");
            continue;
        }
        let wait = payment["check_at"].as_i64().unwrap_or(0).saturating_sub(sandbox.now()) / 1000 + 1;
        sandbox.pass(u64::try_from(wait).unwrap_or(0)).await;
        let report = sandbox.tick().await;
        assert_eq!(report["failed"], 0, "{report}");
    }
    panic!("it does not come to rest: {:#}", sandbox.payment(&id).await.unwrap_or_default());
}

/// The money is right, at the provider, with us, and in what IMSHOP was told.
fn check(sandbox: &KillableSandbox, job: Job, asked_again: bool, subject: &Subject, payment: Option<&Value>) {
    let id = subject.payment();
    let mokka = sandbox.standins.mokka_order(&id);
    let Some(payment) = payment else {
        let theirs = card::payments(sandbox, &id);
        assert!(mokka.is_none() && theirs.is_empty() && !asked_again, "the provider has what we do not know");
        return;
    };
    let state = payment["state"].as_str().unwrap();
    let ends = job.ends();
    let refused = job == Job::RefundPart && payment["refunds"][0]["status"] == "refused";
    assert!(ends.contains(&state) && (!asked_again || refused || ends.last() == Some(&state)), "{state}: {payment:#}");
    if matches!(job, Job::PayByCard | Job::RefundCard) {
        card::check(sandbox, subject, payment);
        return check_told(sandbox, subject, state);
    }
    let Some(mokka) = mokka else {
        assert_eq!(state, "expired", "Mokka never heard of it");
        return;
    };
    let there = match state {
        "captured" | "partially_refunded" => "finished",
        "held" => "hold",
        same => same,
    };
    assert_eq!(mokka.status.as_str(), there, "{payment:#}");
    let rubles = |minor: &Value| format!("{}.{:02}", minor.as_i64().unwrap() / 100, minor.as_i64().unwrap() % 100);
    assert_eq!(mokka.amount, rubles(&payment["amount"]));
    let changed = job == Job::Change && payment["amount"] == 200_000;
    assert!(changed || payment["amount"] == 325_000 && !(job == Job::Change && asked_again), "{payment:#}");
    assert_eq!(mokka.finishes, u32::from(matches!(there, "finished" | "refunded")));
    let refunds = payment["refunds"].as_array().cloned().unwrap_or_default();
    let made = refunds.iter().filter(|refund| refund["status"] == "made").map(|refund| rubles(&refund["amount"]));
    let returns = mokka.returns.iter().map(|one| one.amount.clone());
    assert_eq!(made.collect::<Vec<_>>(), returns.collect::<Vec<_>>(), "{payment:#}");
    assert!(refunds.len() <= 1 && payment["mismatch"].is_null() && payment["attention"].is_null(), "{payment:#}");
    check_told(sandbox, subject, state);
}

/// IMSHOP and the shop have heard what there is to hear, in its order.
fn check_told(sandbox: &KillableSandbox, subject: &Subject, state: &str) {
    let id = subject.payment();
    let words: (&[bool], &[&str]) = match state {
        "expired" => (&[false], &["payment_failed"]),
        "canceled" => (&[true, false], &["paid", "payment_failed"]),
        "partially_refunded" => (&[true], &["paid", "partially_refunded"]),
        "refunded" => (&[true, false], &["paid", "refunded"]),
        _ => (&[true], &["paid"]),
    };
    let heard = sandbox.standins.imshop();
    let mut paid: Vec<_> = heard.iter().filter(|said| said["body"]["paymentId"] == id.as_str()).collect();
    paid.dedup_by_key(|said| &said["body"]);
    let mut codes: Vec<_> = heard.iter().filter(|said| said["body"]["id"] == subject.id.as_deref().unwrap()).collect();
    codes.dedup_by_key(|said| &said["body"]);
    // A word may be told twice, but never after a later one. What paying means does not change by a part given back.
    let mut paid: Vec<_> = paid.iter().map(|said| said["body"]["paymentCaptured"].as_bool().unwrap()).collect();
    paid.dedup();
    let codes: Vec<_> = codes.iter().map(|said| said["body"]["code"].as_str().unwrap()).collect();
    assert_eq!((paid.as_slice(), codes.as_slice()), words);
    let in_books = match state {
        "expired" => "failed",
        "captured" => "paid",
        same => same,
    };
    let book = sandbox.standins.shop_book(subject.id.as_deref().unwrap()).expect("the shop has heard of it");
    assert_eq!(book["state"], in_books, "{book:#}");
    assert_eq!(sandbox.standins.shop_books()["step_backs"], json!([]));
}

/// Kills the process at every moment of a job, or at each `MOMENT_STEP`th.
async fn kill_everywhere(sandbox: &mut KillableSandbox, job: Job) {
    for at in (0..).step_by(testkit::size("MOMENT_STEP", 4) as usize) {
        for asked_again in [false, true] {
            let mut subject = job.prepare(sandbox).await;
            sandbox.border.set(at);
            let caught = {
                let played = async {
                    job.play(sandbox, &mut subject).await.expect("nobody kills it but this test");
                    told(sandbox, &subject.payment()).await;
                };
                tokio::select! {
                    () = sandbox.border.caught() => true,
                    () = played => false,
                }
            };
            let moment = sandbox.border.clear();
            if caught {
                sandbox.kill().await;
                sandbox.pass(LEASE_S).await;
                sandbox.run().await;
                if asked_again {
                    job.play(sandbox, &mut subject).await.expect("it runs again");
                }
            }
            let payment = converged(sandbox, &subject).await;
            println!(
                "{job:?} {at} {moment:?} asked again: {asked_again}: {:?}",
                payment.as_ref().map(|payment| &payment["state"])
            );
            check(sandbox, job, asked_again || !caught, &subject, payment.as_ref());
            if !caught {
                println!("{job:?}: it has no moment {at}");
                assert!(at > 8, "a job crosses the border more often than that");
                return;
            }
            if payment.is_some_and(|payment| payment["state"] == "held") {
                sandbox.operate(&subject.payment(), "cancel", &json!({})).await.expect("the process runs");
                converged(sandbox, &subject).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_survives_the_death_of_the_process_at_every_moment() {
    let mut sandbox = KillableSandbox::start(&[]).await;
    kill_everywhere(&mut sandbox, Job::Pay).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_survives_it_while_people_act_on_it() {
    let mut sandbox = KillableSandbox::start(&[("MOKKA_FINISH", "on_shipment")]).await;
    for job in [Job::Cancel, Job::Change, Job::Finish] {
        kill_everywhere(&mut sandbox, job).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_given_back_survives_it() {
    let mut sandbox = KillableSandbox::start(&[("MOKKA_FINISH", "on_shipment")]).await;
    for job in [Job::RefundPart, Job::RefundAll] {
        kill_everywhere(&mut sandbox, job).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_by_card_survives_it() {
    let mut sandbox = KillableSandbox::start(&[]).await;
    for job in [Job::PayByCard, Job::RefundCard] {
        kill_everywhere(&mut sandbox, job).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_outcome_is_recorded_during_publishing() {
    const TELL: &str = "before /imshop/payment_status";
    const FINISH: &str = "after /mokka/factoring/v1/precheck/finish";
    let sandbox = KillableSandbox::start(&[("MOKKA_FINISH", "on_shipment")]).await;
    let mut subject = Subject { uuid: sandbox.new_order(), id: None };
    sandbox.border.hold(TELL);
    hold(&sandbox, &mut subject).await.unwrap();
    sandbox.border.caught().await;
    sandbox.border.hold(FINISH);
    let payment = subject.payment();
    let body = json!({});
    let finish = sandbox.operate(&payment, "finish", &body);
    let meanwhile = async {
        sandbox.border.caught().await;
        sandbox.border.let_go(TELL);
        told(&sandbox, &payment).await;
        sandbox.border.let_go(FINISH);
    };
    let (finished, ()) = tokio::join!(finish, meanwhile);
    let (status, answer) = finished.unwrap();
    assert_eq!((status, &answer["payment"]["state"]), (200, &json!("captured")), "{answer}");
}
