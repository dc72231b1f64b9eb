//! DynamoDB as it really is: its transactions take time and lock, its batches are left half done, it is short of capacity, and its
//! indexes are a moment behind.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::forms::store::submissions::Submissions;
use shared::platform::clock::Random;
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::Env;
use standins::Decision;
use testkit::settings::VIEWER_KEY;
use testkit::{Answer, Modes, StoreFault, canary};

use crate::forms::{Office, id};
use crate::{Shop, get, post};

/// How far an index is behind here.
const BEHIND: Duration = Duration::from_millis(1500);

fn behind() -> Modes {
    Modes { index_behind_ms: Some(1500), ..Modes::default() }
}

/// The ids of a list's entries.
fn listed(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let entries = list["payments"].as_array().or_else(|| list["forms"].as_array());
    let id = |entry: &Value| entry["payment_id"].as_str().or_else(|| entry["submission_id"].as_str()).unwrap().to_owned();
    entries.unwrap().iter().map(id).collect()
}

impl Office {
    /// The forms as a function speaks to them.
    fn over_the_tap(&self) -> Submissions {
        let mut env = Env::from_map(self.story.environment.env());
        let client = client_from_env(&mut env).unwrap();
        Submissions::from_env(&mut env, client, Random::System).unwrap()
    }
}

impl Shop {
    async fn listed(&self, state: &str) -> Vec<String> {
        listed(&self.ask(get("payments").query("state", state).key(VIEWER_KEY)).await)
    }
}

#[tokio::test]
async fn parallel_refunds_of_one_key_are_one_on_every_store() {
    for (name, modes) in Modes::realities() {
        let shop = Shop::held().await;
        shop.story.environment.let_store(modes.clone()).await;
        let finished = join_all((0..20).map(|_| shop.finish())).await;
        assert!(finished.iter().all(|answer| [200, 409, 500, 503].contains(&answer.status)), "{name}: {finished:#?}");
        while shop.state().await != "captured" {
            let answer = shop.settle().await;
            assert!([200, 202, 500, 503].contains(&answer.status), "{name}: {}", answer.body);
            shop.story.environment.advance(Duration::from_secs(13));
        }
        assert_eq!(shop.mokka().finishes, 1, "{name}");

        shop.story.environment.advance(Duration::from_hours(24));
        let refunded = join_all((0..20).map(|_| shop.refund("key", Some("300.00")))).await;
        assert!(refunded.iter().all(|answer| [200, 202, 409, 500, 503].contains(&answer.status)), "{name}: {refunded:#?}");
        let mut again = shop.refund("key", Some("300.00")).await;
        while again.status >= 500 {
            again = shop.refund("key", Some("300.00")).await;
        }
        assert_eq!((again.status, shop.mokka().returned.as_str()), (200, "300.00"), "{name}: {}", again.body);
        assert_eq!(shop.mokka().returns.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn lists_and_searches_show_each_item_once_on_every_store() {
    for (name, modes) in Modes::realities() {
        let shop = Shop::held().await;
        let mut payments = vec![shop.payment.clone()];
        for _ in 0..6 {
            shop.story.environment.advance(Duration::from_mins(1));
            let order = shop.story.order().await;
            shop.story.create(&order).await;
            shop.story.decide(&order.payment(1), Decision::Approved).await;
            shop.story.callback(&order.payment(1), "approved").await;
            payments.insert(0, order.payment(1));
        }
        shop.story.environment.let_store(modes.clone()).await;
        assert_eq!(shop.listed("held").await, payments, "{name}");
        let order = shop.ask(get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY)).await.json();
        assert_eq!(order["payments"].as_array().map(Vec::len), Some(1), "{name}: {order}");

        let office = Office::open().await;
        for number in 1..=40 {
            office.hand_in(office.form(number)).await;
        }
        office.story.environment.let_store(modes).await;
        let wanted: Vec<_> = (1..=40).rev().map(|number| id(number).as_str().to_owned()).collect();
        assert_eq!(listed(&office.ask(get("forms").query("form", "callback")).await), wanted, "{name}");
        let found = office.ask(post("forms/search").json(json!({"phone": canary::FORM_PHONE}))).await;
        assert_eq!(listed(&found), wanted, "{name}");
    }
}

#[tokio::test]
async fn list_over_a_late_index_hides_what_left_and_shows_it_later() {
    let shop = Shop::held().await;
    shop.story.environment.let_store(behind()).await;
    assert_eq!(shop.listed("held").await, [shop.payment.as_str()]);
    assert_eq!(shop.finish().await.status, 200);
    assert!(shop.listed("held").await.is_empty(), "it is not held any more, whatever the index says");
    assert!(shop.listed("captured").await.is_empty(), "the index does not know it yet: else this test shows nothing");
    shop.story.environment.advance(BEHIND);
    assert_eq!(shop.listed("captured").await, [shop.payment.as_str()]);
    // What a person must look at, likewise.
    let troubled = || async { listed(&shop.ask(get("payments").query("attention", "true").key(VIEWER_KEY)).await) };
    assert!(troubled().await.is_empty());
}

#[tokio::test]
async fn newest_attempt_is_shown_before_the_index_has_it() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    shop.story.callback(&shop.payment, "declined").await;
    shop.story.environment.let_store(behind()).await;
    shop.story.create(&shop.order).await;
    let order = shop.ask(get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY)).await.json();
    let attempts: Vec<_> = order["payments"].as_array().unwrap().iter().map(|payment| payment["payment_id"].clone()).collect();
    assert_eq!(attempts, [json!(shop.payment), json!(shop.order.payment(2))], "{order}");
}

#[tokio::test]
async fn forms_that_are_gone_are_in_no_list_while_the_index_is_behind() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    office.story.environment.let_store(behind()).await;
    assert!(office.over_the_tap().delete(&id(2)).await.unwrap());
    let wanted = [3, 1].map(|number| id(number).as_str().to_owned());
    let found = || async { listed(&office.ask(post("forms/search").json(json!({"phone": canary::FORM_PHONE}))).await) };
    assert_eq!(found().await, wanted);
    assert_eq!(listed(&office.ask(get("forms").query("form", "callback")).await), wanted);
    office.story.environment.advance(BEHIND);
    assert_eq!(found().await, wanted);
}

#[tokio::test]
async fn a_form_is_found_as_soon_as_the_index_knows_it() {
    let office = Office::open().await;
    office.story.environment.let_store(behind()).await;
    office.over_the_tap().save(office.form(1)).await.unwrap().unwrap();
    let found = || async { listed(&office.ask(post("forms/search").json(json!({"phone": canary::FORM_PHONE}))).await) };
    assert!(found().await.is_empty());
    office.story.environment.advance(BEHIND);
    assert_eq!(found().await, [id(1).as_str()]);
}

#[tokio::test]
async fn forged_cursor_is_a_bad_request_not_a_store_fault() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    let page = |cursor: &str| get("forms").query("form", "callback").query("limit", "1").query("cursor", cursor);
    for pk in [String::new(), "x".repeat(2049)] {
        let forged = hex::encode(format!("created_at\tN1\nform_name\tScallback\npk\tS{pk}"));
        assert_eq!(office.ask(page(&forged)).await.status, 400, "{}", pk.len());
    }
    // What only DynamoDB itself can know of it.
    let first = office.read(get("forms").query("form", "callback").query("limit", "1")).await;
    let cursor = first["cursor"].as_str().unwrap();
    office.story.environment.refuse_store("Query", "ValidationException", 1);
    let refused = office.ask(page(cursor)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    office.story.environment.refuse_store("Query", "ValidationException", 1);
    assert_eq!(office.ask(get("forms").query("form", "callback")).await.status, 500, "without one it is our fault");
}

#[tokio::test]
async fn a_deletion_beside_a_transaction_is_made_again() {
    for reason in ["TransactionConflictException", "ThrottlingException", "ProvisionedThroughputExceededException"] {
        let office = Office::open().await;
        office.hand_in(office.form(1)).await;
        office.story.environment.refuse_store("DeleteItem", reason, 4);
        assert!(office.over_the_tap().delete(&id(1)).await.unwrap(), "{reason}");
        assert!(office.story.environment.items("forms", "form#").await.is_empty(), "{reason}");
    }
}

#[tokio::test]
async fn full_page_arrives_in_time_and_unread_keys_are_read_again() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    let list = || office.ask(get("forms").query("form", "callback"));
    office
        .story
        .environment
        .choose_store_faults(|request| (request.operation == "BatchGetItem").then_some(StoreFault::Late(1500)));
    assert_eq!(listed(&list().await).len(), 3);
    office.story.environment.spare_the_store();
    // With pauses: without them all would be over in no time, and the table as short as before.
    office.story.environment.leave_undone(8);
    let began = Instant::now();
    assert_eq!(listed(&list().await).len(), 3);
    assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
    office.story.environment.refuse_store("BatchGetItem", "ProvisionedThroughputExceededException", 8);
    assert_eq!(listed(&list().await).len(), 3);
}

/// A refund, of whose writes the one with this number loses its answer and is written over by others: the first announces the refund,
/// the second records it.
async fn refunded_while_others_write_over(shop: &Shop, number: u32) -> Answer {
    let writes = AtomicU32::new(0);
    shop.story.environment.choose_store_faults(move |request| {
        let is_meant = request.operation == "UpdateItem" && writes.fetch_add(1, Ordering::Relaxed) == number;
        is_meant.then_some(StoreFault::Overtaken)
    });
    shop.refund("key", Some("300.00")).await
}

#[tokio::test]
async fn overwritten_write_with_lost_answer_is_unknown_not_conflict() {
    let shop = Shop::captured_yesterday().await;
    let answer = refunded_while_others_write_over(&shop, 0).await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(shop.changing().is_empty(), "whether the intent stands is not known, so nothing is done");
}

#[tokio::test]
async fn overwritten_successful_write_is_read_again_and_succeeds() {
    let shop = Shop::captured_yesterday().await;
    let answer = refunded_while_others_write_over(&shop, 1).await;
    assert_eq!((answer.status, &answer.json()["refund"]["status"]), (200, &json!("made")), "{}", answer.body);
    assert_eq!((shop.changing(), shop.look().await["refunded"].as_str()), (vec!["return"], Some("300.00")));
}
