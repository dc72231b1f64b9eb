//! Deleting a person's data.

use std::time::Duration;

use serde_json::{Value, json};
use shared::forms::challenge::{Challenge, ChallengeKey, SendLog};
use shared::forms::store::otp::Otp;
use shared::forms::submission::{PhoneDigest, State, Submission};
use shared::platform::clock::Random;
use shared::platform::dynamodb::Written;
use shared::platform::env::Env;
use shared::platform::ids::{FormName, InstallId};
use shared::platform::phone::Phone;
use shared::platform::secret::{InternalSecret, Purpose};
use testkit::settings::OPERATOR_KEY;
use testkit::{Answer, Event, canary, drop_after};

use crate::forms::{Office, id};
use crate::{get, post};

const OTHERS: &str = "+996 770 000 000";

impl Office {
    async fn erase(&self) -> Answer {
        Box::pin(self.story.back_office(erasure(json!({"phone": canary::FORM_PHONE})).rest())).await
    }

    fn otp(&self) -> Otp {
        let mut env = Env::from_map(self.story.environment.env());
        Otp::from_env(&mut env, self.story.environment.dynamodb().clone(), Random::System).unwrap()
    }

    /// The code for a form and the log of its sending.
    async fn send_code(&self, form: &Submission, phone: &str) {
        let (phone, now) = (Phone::parse(phone).unwrap(), self.story.environment.clock().now());
        let key = ChallengeKey::new(&self.secret, &form.form, form.installation.as_ref(), &phone);
        self.otp().save(Challenge::new(key).sending("t".to_owned(), now)).await.unwrap().unwrap();
        let log = SendLog::new(SendLog::phone_key(&self.secret, &phone)).with(now);
        let (Written::Yes | Written::Conflict) = self.otp().save_send_log(&log, now).await.unwrap();
    }

    /// Three forms of a person, one of them with two photos, one waiting; and another person's.
    async fn of_two_people(&self) {
        let with_photos = self.hand_in(self.with_photos(self.form(1), 2)).await;
        let mut waiting = self.form(2);
        (waiting.state, waiting.installation) = (State::Waiting, Some(InstallId::parse("install-2").unwrap()));
        let waiting = self.hand_in(waiting).await;
        let mut feedback = self.form(3);
        (feedback.state, feedback.form) = (State::Refused, FormName::parse("feedback").unwrap());
        self.hand_in(feedback).await;
        let mut others = self.with_photos(self.form(4), 1);
        others.phone = Some(self.person(OTHERS));
        let others = self.hand_in(others).await;
        self.send_code(&with_photos, canary::FORM_PHONE).await;
        self.send_code(&waiting, canary::FORM_PHONE).await;
        self.send_code(&others, OTHERS).await;
    }

    /// The status of a photo's link.
    async fn photo(&self, url: &str) -> u16 {
        shared::platform::outbound::client().unwrap().get(url).send().await.unwrap().status().as_u16()
    }

    async fn link(&self, number: u32, photo: u32) -> String {
        let link = self.read(get(&format!("forms/{}/photos/{photo}", id(number)))).await;
        link["url"].as_str().unwrap().to_owned()
    }

    /// How many forms, challenges and send logs are stored.
    async fn stored(&self) -> [usize; 3] {
        let environment = &self.story.environment;
        [
            environment.items("forms", "form#").await.len(),
            environment.items("otp-tokens", "challenge#").await.len(),
            environment.items("otp-tokens", "sends#").await.len(),
        ]
    }
}

fn erasure(body: Value) -> Event {
    post("erasures").key(OPERATOR_KEY).json(body)
}

/// What an answer counts of forms and codes.
fn counted(answer: &Answer) -> Value {
    let body = answer.json();
    let names = ["success", "forms", "undelivered", "photos", "codes", "send_logs"];
    names.iter().map(|name| ((*name).to_owned(), body[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn erased(forms: u32, undelivered: u32, photos: u32, codes: u32, send_logs: u32) -> Value {
    json!({
        "success": true, "forms": forms, "undelivered": undelivered, "photos": photos, "codes": codes, "send_logs": send_logs
    })
}

#[tokio::test]
async fn what_there_is_of_a_person_goes_and_is_counted() {
    let office = Office::open().await;
    office.of_two_people().await;
    let (gone, stays) = (office.link(1, 2).await, office.link(4, 1).await);
    assert_eq!(office.stored().await, [4, 3, 2]);
    let answer = office.erase().await;
    assert_eq!((answer.status, counted(&answer)), (200, erased(3, 1, 2, 2, 1)));
    assert_eq!(office.stored().await, [1, 1, 1], "another person's stay");
    assert_eq!((office.photo(&gone).await, office.photo(&stays).await), (404, 200));
    assert_eq!(office.read(get("forms").query("form", "callback")).await["forms"].as_array().unwrap().len(), 1);
    let again = office.erase().await;
    assert_eq!((again.status, counted(&again)), (200, erased(0, 0, 0, 0, 0)));
}

#[tokio::test]
async fn under_a_new_internal_secret_a_persons_older_forms_are_found_and_go() {
    const OLDER: &str = "the-internal-secret-before-this-one";
    let office = Office::with(&[("INTERNAL_SECRET_PREVIOUS", OLDER)]).await;
    let older = InternalSecret::parse(OLDER).unwrap();
    let phone = Phone::parse(canary::FORM_PHONE).unwrap();
    for number in 1..=4 {
        let mut form = office.form(number);
        if number <= 2 {
            form.phone = Some(PhoneDigest::new(&older, &phone));
        }
        office.hand_in(form).await;
    }
    for limit in [1, 2, 3, 10] {
        let mut found = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let mut body = json!({"phone": canary::FORM_PHONE, "limit": limit});
            if let Some(cursor) = &cursor {
                body["cursor"] = cursor.as_str().into();
            }
            let list = office.read(post("forms/search").json(body)).await;
            found.extend(list["forms"].as_array().unwrap().iter().map(|form| form["submission_id"].as_str().unwrap().to_owned()));
            cursor = list["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let expected: Vec<_> = [4, 3, 2, 1].map(|number| id(number).to_string()).into();
        assert_eq!(found, expected, "{limit} at once");
    }
    assert_eq!(office.erase().await.json()["forms"], 4);
    assert_eq!(office.stored().await, [0, 0, 0]);
}

#[tokio::test]
async fn erasure_log_names_actor_count_and_digest_but_no_person() {
    let office = Office::open().await;
    office.of_two_people().await;
    let answer = office.erase().await;
    let logs = office.story.environment.logs();
    let logged = |parts: &[&str]| logs.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    let digest = answer.json()["digest"].as_str().unwrap().to_owned();
    let parts =
        ["a person's data was deleted", "\"who\":\"operator\"", "\"forms\":3", "\"undelivered\":1", "\"photos\":2", &digest];
    assert!(logged(&parts), "{logs}");
    // Who has the number can prove that it was meant; the table says nothing about it.
    assert_eq!(digest, office.secret.digest(Purpose::Audit, &["996770102030"]));
    assert!(!logs.contains(office.person(canary::FORM_PHONE).as_str()), "it is not the digest of stored forms");
    let spelled = erasure(json!({"phone": "0770 10-20-30"})).rest();
    assert_eq!(office.story.back_office(spelled).await.json()["digest"], json!(digest), "however it is written");
}

#[tokio::test]
async fn an_erasure_is_to_be_repeated_a_minute_later_and_is_complete_then() {
    let office = Office::open().await;
    office.of_two_people().await;
    let said = |answer: &Answer| {
        let body = answer.json();
        (answer.status, body["complete"].as_bool().unwrap(), body["repeat_in_seconds"].as_i64())
    };
    assert_eq!(said(&office.erase().await), (200, false, Some(60)), "an index may not show everything yet");
    office.story.environment.advance(Duration::from_secs(20));
    // Written before, and shown by the index only now.
    office.hand_in(office.form(5)).await;
    let again = office.erase().await;
    assert_eq!((said(&again), &again.json()["forms"]), ((200, true, None), &json!(1)), "80 seconds after the first");
    assert_eq!(office.stored().await, [1, 1, 1]);
    assert_eq!(said(&office.erase().await), (200, false, Some(60)), "what comes later is another erasure");
    office.story.environment.advance(Duration::from_secs(25));
    assert_eq!(said(&office.erase().await), (200, false, Some(35)), "too early");
    office.story.environment.advance(Duration::from_hours(30));
    assert_eq!(said(&office.erase().await), (200, false, Some(60)), "far too late to belong together");
    office.story.environment.advance(Duration::from_mins(1));
    assert_eq!(said(&office.erase().await), (200, true, None));
    // Each phone for itself.
    let others = erasure(json!({"phone": OTHERS})).rest();
    assert_eq!(said(&office.story.back_office(others).await), (200, false, Some(60)));
    assert_eq!(office.story.environment.items("otp-tokens", "erasure#").await.len(), 1, "what is complete leaves nothing");
}

#[tokio::test]
async fn forms_of_nobody_are_counted_and_go_by_their_ids() {
    let office = Office::open().await;
    office.of_two_people().await;
    for number in 5..=7 {
        let mut form = office.with_photos(office.form(number), 1);
        form.phone = None;
        office.hand_in(form).await;
    }
    let links = [office.link(5, 1).await, office.link(6, 1).await];
    let answer = office.erase().await;
    assert_eq!((&answer.json()["forms"], &answer.json()["unmatched"]), (&json!(3), &json!(3)));
    assert_eq!(office.stored().await[0], 4, "nobody knows whose they are");
    let body = json!({"submission_ids": [id(5).as_str(), id(7).as_str(), id(9).as_str()]});
    let answer = office.story.back_office(erasure(body).rest()).await;
    let said = answer.json();
    let counts = ["forms", "photos", "codes", "orders", "unmatched"].map(|name| said[name].clone());
    assert_eq!((answer.status, counts), (200, [2, 2, 0, 0, 1].map(Value::from)), "{said}");
    assert_eq!((&said["complete"], said.get("digest")), (&json!(true), None), "{said}");
    assert_eq!([office.photo(&links[0]).await, office.photo(&links[1]).await], [404, 200]);
    let list = office.read(get("forms").query("unmatched", "true")).await;
    assert_eq!(list["forms"].as_array().unwrap().len(), 1);
    let logs = office.story.environment.logs();
    let logged = |parts: [&str; 3]| logs.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(logged(["a form was deleted", "\"who\":\"operator\"", id(7).as_str()]));
}

#[tokio::test]
async fn what_is_over_and_still_stored_goes_too() {
    let office = Office::open().await;
    office.hand_in(office.with_photos(office.form(1), 1)).await;
    let link = office.link(1, 1).await;
    office.story.environment.advance(Duration::from_hours(91 * 24));
    assert_eq!(counted(&office.erase().await), erased(1, 0, 1, 0, 0));
    assert_eq!((office.stored().await[0], office.photo(&link).await), (0, 404));
}

#[tokio::test]
async fn a_delivery_under_way_does_not_bring_a_form_back() {
    let office = Office::open().await;
    let mut form = office.form(1);
    form.state = State::Waiting;
    let form = office.hand_in(form).await;
    assert_eq!(counted(&office.erase().await), erased(1, 1, 0, 0, 0));
    let (delivered, _) = form.delivered(None, office.story.environment.clock().now()).unwrap();
    assert!(office.submissions.save(delivered).await.unwrap().is_none());
    assert_eq!(office.stored().await[0], 0);
}

#[tokio::test]
async fn more_than_a_page_goes_at_once() {
    let office = Office::open().await;
    for number in 1..=130 {
        office.submissions.save(office.form(number)).await.unwrap().unwrap();
    }
    assert_eq!(counted(&office.erase().await), erased(130, 0, 0, 0, 0));
    assert_eq!(office.stored().await[0], 0);
}

#[tokio::test]
async fn erasure_without_photo_storage_keeps_forms_with_photos() {
    // No server listens there.
    let office = Office::with(&[("S3_ENDPOINT", "http://127.0.0.1:9")]).await;
    office.of_two_people().await;
    let answer = office.erase().await;
    let expected = json!({
        "success": false, "code": "incomplete", "error": "not everything is deleted yet: ask again until it is",
        "forms": 2, "undelivered": 1, "photos": 0, "codes": 1, "send_logs": 0,
        "orders": 0, "orders_open": 0, "payment_pages": 0, "documents": 0, "complete": false
    });
    let mut said = answer.json();
    said.as_object_mut().unwrap().remove("digest");
    assert_eq!((answer.status, said), (503, expected));
    assert_eq!(office.stored().await, [2, 2, 2], "the form with the photos is there with its code, and so is the log");
    let back = office.story.environment.build(back_office::Deps::from_env, &[]);
    let event = erasure(json!({"phone": canary::FORM_PHONE})).rest();
    let answer = testkit::invoke(&back, |deps, request| Box::pin(back_office::handle(deps, request)), event).await;
    assert_eq!((answer.status, counted(&answer)), (200, erased(1, 0, 2, 1, 1)));
}

#[tokio::test]
async fn without_a_table_nothing_is_said_to_be_complete() {
    for table in ["FORMS_TABLE", "OTP_TABLE"] {
        let office = Office::with(&[(table, "gone")]).await;
        office.of_two_people().await;
        let answer = office.erase().await;
        assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("incomplete")), "{table}: {}", answer.body);
        assert_eq!(office.stored().await, [4, 3, 2], "{table}");
    }
}

#[tokio::test]
async fn an_erasure_that_breaks_off_anywhere_is_completed_by_the_next() {
    for points in 0.. {
        let office = Office::open().await;
        office.of_two_people().await;
        let link = office.link(1, 1).await;
        let done = drop_after(points, office.erase()).await;
        assert_eq!(office.erase().await.status, 200, "{points}");
        assert_eq!((office.stored().await, office.photo(&link).await), ([1, 1, 1], 404), "{points}");
        if done.is_some() {
            assert!(points > 5, "{points}");
            break;
        }
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_leaves_nothing_behind() {
    // Since when; a query, a read, two deletions for each of three forms; orders; the logs; and what is counted.
    for index in 0..15 {
        let office = Office::open().await;
        office.of_two_people().await;
        office.story.environment.lose_store_answer(index);
        let answer = office.erase().await;
        assert_eq!((answer.status, office.stored().await), (200, [1, 1, 1]), "answer {index} lost: {}", answer.body);
    }
}

#[tokio::test]
async fn an_erasure_that_is_not_understood_deletes_nothing() {
    let office = Office::open().await;
    office.of_two_people().await;
    for body in [
        json!({}),
        json!({"phone": null}),
        json!({"phone": ""}),
        json!({"phone": "+996"}),
        json!({"phone": [canary::FORM_PHONE]}),
        json!({"phone": canary::FORM_PHONE, "form": "callback"}),
        json!({"phone": canary::FORM_PHONE, "submission_ids": [id(1).as_str()]}),
        json!({"submission_ids": null}),
        json!({"submission_ids": []}),
        json!({"submission_ids": id(1).as_str()}),
        json!({"submission_ids": ["1"]}),
        json!({"submission_ids": vec![id(1).as_str().to_owned(); 101]}),
    ] {
        let answer = office.story.back_office(erasure(body.clone()).rest()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    }
    let event = erasure(json!({"phone": canary::FORM_PHONE})).query("dry_run", "true").rest();
    assert_eq!(office.story.back_office(event).await.status, 400);
    assert_eq!(office.stored().await, [4, 3, 2]);
}
