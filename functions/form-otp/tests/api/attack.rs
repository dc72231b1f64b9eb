//! Attacks by script, `ATTACK` requests each (300 without it; `.ci/run` plays a thousand). SMS sent and codes compared stay exactly within the limits of `forms.toml`, and
//! other customers get their codes meanwhile.

use std::ops::Deref;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use shared::forms::texts;
use shared::platform::metrics::{SMS_RUNNING_OUT, SMS_USED_UP};
use shared::platform::texts::INTERNAL;
use standins::System;
use tokio::sync::{Mutex, MutexGuard};

use super::{COOL_DOWN, Customer, EXPORT, SEND, failed, otp_failed, saved_by_shop, says, success};

/// How many requests an attack has.
fn requests() -> usize {
    testkit::size("ATTACK", 300) as usize
}

/// So many requests are on their way at any time: what one machine, database and all, answers before our own time-outs.
const AT_ONCE: usize = 32;

/// Who is attacked, and the attack's turn: two at once would measure the machine.
struct Attacked {
    customer: Customer,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Attacked {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.customer
    }
}

async fn start(name: &str, changes: &[(&str, &str)]) -> Attacked {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let customer = Customer::start_configured(name, changes).await;
    customer.midnight();
    Attacked { customer, _turn: turn }
}

/// Makes the requests while other customers, one after the other, get a code each and send their form with it.
async fn attack<F: Future<Output = Value>>(customer: &Customer, request: impl Fn(usize) -> F) -> Vec<Value> {
    let attack = stream::iter(0..requests()).map(request).buffer_unordered(AT_ONCE).collect();
    let (answers, ()) = tokio::join!(attack, ordinary(customer));
    answers
}

/// Ten customers with nothing in common but the shop; the first ones' numbers are in the range of the usual one.
async fn ordinary(customer: &Customer) {
    for number in 0..10 {
        let phone = if number < 2 { format!("99677010900{number}") } else { format!("996555{number}00000") };
        let form = form(customer, &phone, &format!("ordinary-{number}"));
        let mut answer = customer.post(SEND, form.clone()).await;
        for _ in 0..3 {
            // A machine too busy for our time-outs: pressed again. Any other refusal is one too many.
            if answer.status == 500 || answer.json() == failed(texts::SMS_UNAVAILABLE) {
                answer = customer.post(SEND, form.clone()).await;
            }
        }
        assert_eq!(answer.json(), success(), "customer {number}\n{}", customer.causes());
        let inbox = customer.environment.standins().inbox(Some(&phone));
        assert_eq!(customer.submit_form(form, inbox[0].code.as_str()).await, saved_by_shop(), "customer {number}");
    }
}

/// How many SMS others got than the ordinary customers.
fn sent_to_attackers(customer: &Customer) -> usize {
    let ordinary = |phone: &str| phone.starts_with("996555") || phone.starts_with("99677010900");
    customer.inbox().iter().filter(|sms| !ordinary(&sms.phone)).count()
}

fn form(customer: &Customer, phone: &str, installation: &str) -> Value {
    let mut form = customer.with("/data/phone", phone);
    form["installId"] = json!(installation);
    form
}

/// A number of its own for everybody, one in a hundred of them in one range.
fn spread(number: usize) -> String {
    format!("99670{:02}{:05}", number % 100, number / 100)
}

/// A number of its own for everybody, all in one range.
fn packed(number: usize) -> String {
    format!("9967704{number:05}")
}

fn guess(number: usize) -> String {
    format!("GUESS{number:05}")
}

async fn ask(customer: &Customer, phone: String, installation: String) -> Value {
    customer.post(SEND, form(customer, &phone, &installation)).await.json()
}

async fn enter(customer: &Customer, mut form: Value, code: String) -> Value {
    form["data"]["otpCode"] = json!(code);
    customer.post(EXPORT, form).await.json()
}

/// Whatever is wrong with a code, the answer is the same; or another request is at it, or the machine too busy.
fn tells_nothing(answer: &Value) -> bool {
    [otp_failed(), failed(texts::FORM_IN_PROGRESS), failed(INTERNAL)].contains(answer)
}

/// Never more than the limit, and as many as it allows unless the machine was too busy for our time-outs: then what nobody
/// knows the outcome of stays counted.
fn assert_spent(customer: &Customer, spent: usize, limit: usize) {
    let logs = customer.environment.logs();
    let busy = ["no answer in time", "did not come", "after an answer was lost"].iter().any(|trouble| logs.contains(trouble));
    assert!(spent == limit || (busy && spent < limit && spent * 2 > limit), "{spent} of {limit}, busy: {busy}");
}

fn count(answers: &[Value], right: impl Fn(&Value) -> bool) -> usize {
    answers.iter().filter(|answer| right(answer)).count()
}

#[tokio::test]
async fn one_number_a_thousand_times_is_one_sms_in_a_cool_down() {
    // What the range may have is just enough for the two ordinary customers in it and the one SMS of the attack.
    let three = [("sends_per_prefix_per_hour = 30", "sends_per_prefix_per_hour = 3")];
    let customer = start("one_number", &three).await;
    let phone = || "996770102030".to_owned();
    let answers = attack(&customer, |number| ask(&customer, phone(), format!("install-{number}"))).await;
    assert_eq!(sent_to_attackers(&customer), 1);
    assert!(count(&answers, |answer| says(answer, "Новый код можно запросить через ")) > requests() / 2);
    // All day long, every minute.
    for minute in 0..120 {
        customer.environment.advance(COOL_DOWN * 11);
        let both = (ask(&customer, phone(), format!("a-{minute}")), ask(&customer, phone(), format!("b-{minute}")));
        tokio::join!(both.0, both.1);
    }
    assert_spent(&customer, sent_to_attackers(&customer), 10);
}

#[tokio::test]
async fn thousand_numbers_of_one_range_get_30_sms_an_hour_100_a_day() {
    let customer = start("one_range", &[]).await;
    let answers = attack(&customer, |number| ask(&customer, packed(number), format!("install-{number}"))).await;
    assert_spent(&customer, sent_to_attackers(&customer), 30);
    assert!(count(&answers, |answer| says(answer, "через 60 мин")) > requests() / 2, "{}", answers[requests() - 1]);
    // Who was refused gets through later, until the day's are used.
    for (hour, total) in [(1, 60), (2, 90), (3, 100), (4, 100)] {
        customer.environment.advance(Duration::from_hours(1));
        let some = requests() * 12 / 100;
        let again = stream::iter(0..some)
            .map(|number| ask(&customer, packed(requests() - hour * some + number), format!("install-{number}")));
        again.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        assert_spent(&customer, sent_to_attackers(&customer), total);
    }
}

#[tokio::test]
async fn one_installation_with_a_thousand_numbers_gets_twenty_sms() {
    // What the range may have is just enough for the two ordinary customers in it and the SMS of the attack.
    let enough = [("sends_per_prefix_per_hour = 30", "sends_per_prefix_per_hour = 22")];
    let customer = start("one_installation", &enough).await;
    let phone = |number| format!("9967701{number:05}");
    let answers = attack(&customer, |number| ask(&customer, phone(number), "install-1".to_owned())).await;
    assert_spent(&customer, sent_to_attackers(&customer), 20);
    assert!(count(&answers, |answer| says(answer, "через 24 ч")) > requests() / 2, "{}", answers[requests() - 1]);
}

#[tokio::test]
async fn the_shops_day_costs_what_it_may_and_two_alarms_are_raised() {
    let budget = [(
        "sends_per_shop_per_day = 2000\nalarm_sends_per_shop_per_day = 1600",
        "sends_per_shop_per_day = 73\nalarm_sends_per_shop_per_day = 57",
    )];
    let customer = start("budget", &budget).await;
    let attack = stream::iter(0..requests()).map(|number| ask(&customer, spread(number), format!("install-{number}")));
    let answers: Vec<_> = attack.buffer_unordered(AT_ONCE).collect().await;
    assert_spent(&customer, customer.inbox().len(), 73);
    assert!(count(&answers, |answer| says(answer, "через 24 ч или обратитесь в магазин")) > requests() / 2);
    let logs = customer.environment.logs();
    for (threshold, text, metric) in [(57, "are running out", SMS_RUNNING_OUT), (73, "are used up", SMS_USED_UP)] {
        let measured = customer.environment.measured(metric);
        assert_eq!((measured.len(), &measured[0][metric.name]), (1, &json!(1)), "{measured:?}");
        assert_eq!(measured[0]["threshold"], json!(threshold.to_string()));
        let threshold = format!("\"threshold\":{threshold},");
        let lines: Vec<_> = logs.lines().filter(|line| line.contains(text) && line.contains(&threshold)).collect();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("ERROR"), "{}", lines[0]);
    }
    customer.environment.advance(Duration::from_hours(24));
    ordinary(&customer).await;
}

#[tokio::test]
async fn twenty_guesses_at_once_are_five_checks() {
    let customer = start("guesses", &[]).await;
    let code = customer.get_code().await;
    let guesses = stream::iter(0..20).map(|number| customer.submit_form(customer.form.clone(), guess(number)));
    let (answers, ()) = tokio::join!(guesses.buffer_unordered(20).collect::<Vec<_>>(), ordinary(&customer));
    assert!(answers.iter().all(|answer| *answer == otp_failed() || *answer == failed(texts::FORM_IN_PROGRESS)), "{answers:#?}");
    while customer.submit("GUESS").await != otp_failed() {}
    assert!(checks_of_attackers(&customer) <= 5);
    for _ in 0..5 {
        assert_eq!(customer.submit("GUESS").await, otp_failed());
    }
    assert_eq!(checks_of_attackers(&customer), 5);
    assert_eq!(customer.submit(&code).await, otp_failed());
}

#[tokio::test]
async fn guesses_of_one_installation_are_twenty_checks_a_day() {
    let customer = start("across_numbers", &[]).await;
    for number in 0..20 {
        assert_eq!(ask(&customer, spread(number), "install-1".to_owned()).await, success());
    }
    let answers = attack(&customer, |number| enter(&customer, form(&customer, &spread(number % 20), "install-1"), guess(number)));
    let answers = answers.await;
    assert!(answers.iter().all(tells_nothing));
    assert_spent(&customer, checks_of_attackers(&customer), 20);
    // The right code, too, is a wrong one until the day is over, and who cannot enter a code gets none.
    let last = customer.environment.standins().inbox(Some(&spread(19)));
    assert_eq!(customer.submit_form(form(&customer, &spread(19), "install-1"), last[0].code.as_str()).await, otp_failed());
    assert!(checks_of_attackers(&customer) <= 20);
}

#[tokio::test]
async fn guesses_at_one_phone_are_twenty_checks_a_day() {
    let customer = start("across_installations", &[]).await;
    let phone = "996770102030";
    for round in 0..5 {
        let installation = format!("install-{round}");
        assert_eq!(ask(&customer, phone.to_owned(), installation.clone()).await, success(), "code {round}");
        let guesses =
            stream::iter(0..requests() / 5).map(|number| enter(&customer, form(&customer, phone, &installation), guess(number)));
        let answers: Vec<_> = guesses.buffer_unordered(AT_ONCE).collect().await;
        assert!(answers.iter().all(tells_nothing));
        assert_spent(&customer, customer.checks(), 5 * (round + 1).min(4));
        customer.environment.advance(COOL_DOWN);
        if round == 3 {
            assert!(says(&ask(&customer, phone.to_owned(), "install-9".to_owned()).await, "неверных кодов"));
            return ordinary(&customer).await;
        }
    }
}

#[tokio::test]
async fn stolen_installation_spends_its_limit_and_owner_code_stays_valid() {
    let customer = start("stolen", &[]).await;
    let code = customer.get_code().await;
    let answers = attack(&customer, |number| {
        let form = form(&customer, &spread(number), "install-1");
        let customer = &customer;
        async move {
            if number % 2 == 0 { customer.post(SEND, form).await.json() } else { enter(customer, form, guess(number)).await }
        }
    });
    let answers = answers.await;
    assert!(count(&answers, |answer| *answer == success()) <= 19, "twenty with the owner's");
    assert_spent(&customer, sent_to_attackers(&customer), 20);
    assert!(checks_of_attackers(&customer) <= 20);
    assert_eq!(customer.submit(&code).await, saved_by_shop());
}

#[tokio::test]
async fn a_thousand_replayed_exports_are_one_check_and_one_form() {
    let customer = start("replayed", &[]).await;
    let code = customer.get_code().await;
    let answers = attack(&customer, |_| enter(&customer, customer.form.clone(), code.clone())).await;
    assert!(
        answers.iter().all(|answer| *answer == saved_by_shop() || tells_nothing(answer) && *answer != otp_failed()),
        "or told to wait"
    );
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!((checks_of_attackers(&customer), customer.saved() - 10), (1, 1));
    assert_eq!(customer.wrong_codes().await.iter().sum::<u64>(), 0, "a right code is given back");
}

/// How many codes SMSPRO compared for others than the ordinary customers, who need one check each.
fn checks_of_attackers(customer: &Customer) -> usize {
    let forms = customer.environment.standins().forms();
    let ordinary = forms.iter().filter(|form| form["form"]["installId"].as_str().is_some_and(|id| id.starts_with("ordinary-")));
    customer.calls(System::Smspro, "verify") - ordinary.count()
}
