//! What customers handed in: lists, a person's, one, its photos.

use std::time::Duration;

use crate::Story;
use serde_json::{Value, json};
use shared::forms::store::submissions::{By, Submissions};
use shared::forms::submission::{Fields, PhoneDigest, Photo, State, Submission};
use shared::platform::clock::Random;
use shared::platform::env::Env;
use shared::platform::ids::{FormName, InstallId, SubmissionId};
use shared::platform::phone::Phone;
use shared::platform::secret::InternalSecret;
use standins::Options;
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, PHOTOS, VIEWER_KEY};
use testkit::{Answer, Event, canary};

use crate::{get, post};

/// A shop to which forms were handed in.
pub(crate) struct Office {
    pub(crate) story: Story,
    pub(crate) submissions: Submissions,
    pub(crate) secret: InternalSecret,
}

impl Office {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With some settings changed.
    pub(crate) async fn with(changes: &[(&str, &str)]) -> Self {
        let story = Story::start_with(Options::default(), changes).await;
        let mut env = Env::from_map(story.environment.env());
        let secret = env.internal_secret().unwrap();
        let submissions = Submissions::from_env(&mut env, story.environment.dynamodb().clone(), Random::System).unwrap();
        Self { story, submissions, secret }
    }

    /// A form of the customer's with this number, not stored yet.
    pub(crate) fn form(&self, number: u32) -> Submission {
        let now = self.story.environment.clock().now();
        let data = json!({"name": canary::NAME, "phone": canary::FORM_PHONE, "text": "Позвоните"});
        Submission {
            id: id(number),
            form: FormName::parse("callback").unwrap(),
            installation: Some(InstallId::parse("install-1").unwrap()),
            data: Some(Fields::parse(data.to_string()).unwrap()),
            photos: Vec::new(),
            phone: Some(self.person(canary::FORM_PHONE)),
            at: now,
            keep: true,
            keep_until: now.plus(Duration::from_hours(90 * 24)),
            state: State::Kept,
            since: now,
            message: None,
            done: None,
            version: 0,
        }
    }

    pub(crate) fn person(&self, phone: &str) -> PhoneDigest {
        PhoneDigest::new(&self.secret, &Phone::parse(phone).unwrap())
    }

    /// With so many photos, which are in S3.
    pub(crate) fn with_photos(&self, mut form: Submission, photos: usize) -> Submission {
        for index in 0..photos {
            let key = format!("photos/90d/{}/{index}.png", form.id);
            let bytes = format!("photo {index}");
            self.story.environment.storage().put(PHOTOS, &key, bytes.as_bytes()).unwrap();
            form.photos.push(Photo {
                pointer: format!("/photos/{index}"),
                media_type: "image/png".to_owned(),
                bytes: bytes.len() as u64,
                data_url: true,
                key,
            });
        }
        form
    }

    /// Stores it, and a minute passes.
    pub(crate) async fn hand_in(&self, form: Submission) -> Submission {
        let stored = self.submissions.save(form).await.unwrap().unwrap();
        self.story.environment.advance(Duration::from_mins(1));
        stored
    }

    pub(crate) async fn ask(&self, event: Event) -> Answer {
        Box::pin(self.story.back_office(event.key(VIEWER_KEY).rest())).await
    }

    pub(crate) async fn read(&self, event: Event) -> Value {
        let answer = self.ask(event).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Every entry of a list, page by page, with the number of pages.
    async fn walk(&self, page: impl Fn(Option<&str>) -> Event) -> (Vec<String>, usize) {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, None::<String>);
        loop {
            let list = self.read(page(cursor.as_deref())).await;
            seen.extend(ids(&list));
            pages += 1;
            match list["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return (seen, pages),
            }
        }
    }
}

pub(crate) fn id(number: u32) -> SubmissionId {
    SubmissionId::parse(&format!("{number:064x}")).unwrap()
}

fn ids(list: &Value) -> Vec<String> {
    list["forms"].as_array().unwrap().iter().map(|form| form["submission_id"].as_str().unwrap().to_owned()).collect()
}

fn of_form(name: &str) -> Event {
    get("forms").query("form", name)
}

fn in_state(state: &str) -> Event {
    get("forms").query("state", state)
}

fn on(event: Event, cursor: Option<&str>) -> Event {
    match cursor {
        Some(cursor) => event.query("cursor", cursor),
        None => event,
    }
}

fn search(body: Value) -> Event {
    post("forms/search").json(body)
}

#[tokio::test]
async fn a_form_is_shown_as_it_is_stored() {
    let office = Office::open().await;
    let mut form = office.with_photos(office.form(1), 2);
    (form.state, form.message) = (State::Delivered, Some("Спасибо".to_owned()));
    let form = office.hand_in(form).await;
    let path = format!("forms/{}", form.id);
    for event in [get(&path).key(VIEWER_KEY).rest(), get(&path).key(VIEWER_KEY).v2()] {
        let answer = office.story.back_office(event).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        crate::assert_answer!("form", answer);
    }
    let listed = office.read(of_form("callback")).await;
    assert_eq!(listed["forms"][0], office.read(get(&path)).await["form"], "a list shows the same");
}

#[tokio::test]
async fn what_no_form_can_be_called_is_not_found() {
    let office = Office::open().await;
    let form = office.hand_in(office.with_photos(office.form(1), 1)).await;
    let upper = "A".repeat(64);
    let unknown = id(2);
    for path in [
        unknown.as_str(),
        "1",
        "..",
        "%2e%2e%2fforms",
        "..%2f..%2fphotos",
        "%00",
        &upper,
        &format!("{}%20", form.id),
        &format!("{}/photos/0", form.id),
        &format!("{}/photos/2", form.id),
        &format!("{}/photos/01", form.id),
        &format!("{}/photos/+1", form.id),
        &format!("{}/photos/-1", form.id),
        &format!("{}/photos/1%2f..%2f2", form.id),
        &format!("{}/photos/18446744073709551616", form.id),
        &format!("{}/photos/x", form.id),
        &format!("{unknown}/photos/1"),
        &format!("{}/photos", form.id),
    ] {
        let answer = office.ask(get(&format!("forms/{path}"))).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")), "{path}");
    }
}

#[tokio::test]
async fn a_photo_is_had_by_a_link_to_save_it_and_not_to_open_it() {
    let office = Office::open().await;
    let form = office.hand_in(office.with_photos(office.form(1), 2)).await;
    let link = office.read(get(&format!("forms/{}/photos/2", form.id))).await;
    assert_eq!((&link["expires_in"], &link["media_type"], &link["bytes"]), (&json!(300), &json!("image/png"), &json!(7)));
    let url = link["url"].as_str().unwrap();
    assert!(url.contains("X-Amz-Expires=300") && url.contains("X-Amz-Signature="), "{url}");
    let http = shared::platform::outbound::client().unwrap();
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("content-type"), header("content-disposition")), ("image/png".to_owned(), "attachment".to_owned()));
    assert_eq!(answer.text().await.unwrap(), "photo 1");
    let other = url.replace("/1.png", "/0.png");
    assert_eq!(http.get(other).send().await.unwrap().status(), 403, "a link is for one photo");
    assert!(!office.story.environment.logs().contains("X-Amz-Signature"));
}

#[tokio::test]
async fn forms_are_listed_by_form_and_by_state_newest_first_in_pages() {
    let office = Office::open().await;
    for number in 1..=5 {
        let mut form = office.form(number);
        form.state = if number == 3 { State::Refused } else { State::Waiting };
        office.hand_in(form).await;
    }
    let mut other = office.form(6);
    other.form = FormName::parse("feedback").unwrap();
    office.hand_in(other).await;
    let newest_first = |numbers: &[u32]| numbers.iter().map(|number| id(*number).to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&office.read(of_form("callback")).await), newest_first(&[5, 4, 3, 2, 1]));
    assert_eq!(ids(&office.read(in_state("refused")).await), newest_first(&[3]));
    assert!(ids(&office.read(in_state("delivered")).await).is_empty());
    assert!(ids(&office.read(of_form("unknown")).await).is_empty());
    let (seen, pages) = office.walk(|cursor| on(of_form("callback").query("limit", "2"), cursor)).await;
    assert_eq!((seen, pages), (newest_first(&[5, 4, 3, 2, 1]), 3));
    let (seen, _) = office.walk(|cursor| on(in_state("waiting").query("limit", "1"), cursor)).await;
    assert_eq!(seen, newest_first(&[5, 4, 2, 1]));
    let since = office.submissions.find(&id(4), office.story.environment.clock().now()).await.unwrap().unwrap().at.rfc3339();
    assert_eq!(ids(&office.read(of_form("callback").query("since", &since)).await), newest_first(&[5, 4]));
}

#[tokio::test]
async fn a_form_that_has_moved_on_is_on_one_list_only() {
    let office = Office::open().await;
    let mut form = office.form(1);
    form.state = State::Waiting;
    let form = office.hand_in(form).await;
    let (delivered, _) = form.delivered(None, office.story.environment.clock().now()).unwrap();
    office.submissions.save(delivered).await.unwrap().unwrap();
    assert!(ids(&office.read(in_state("waiting")).await).is_empty());
    assert_eq!(ids(&office.read(in_state("delivered")).await).len(), 1);
}

#[tokio::test]
async fn a_list_goes_on_only_from_a_place_that_it_has() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    let first = office.read(of_form("callback").query("limit", "1")).await;
    let cursor = first["cursor"].as_str().unwrap();
    let forged = |text: &str| hex::encode(text);
    let key = format!("pk\tSform#{}", id(3));
    for event in [
        of_form("feedback").query("cursor", cursor),
        in_state("kept").query("cursor", cursor),
        get("payments").query("state", "held").query("cursor", cursor),
        get("forms.csv").query("form", "feedback").query("cursor", cursor),
        search(json!({"phone": canary::FORM_PHONE, "cursor": cursor})),
        of_form("callback").query("since", "9999-12-31").query("cursor", cursor),
        of_form("callback").query("cursor", &forged(&format!("form_name\tScallback\ncreated_at\tSx\n{key}"))),
        of_form("callback").query("cursor", &forged("form_name\tScallback\ncreated_at\tN1\npk\tN1")),
        of_form("callback").query("cursor", &forged("form_name\tScallback\ncreated_at\tN1\nx\tN1\npk\tSa")),
        of_form("callback").query("cursor", "zz"),
        of_form("callback").query("cursor", ""),
        search(json!({"phone": canary::FORM_PHONE, "cursor": "zz"})),
    ] {
        let answer = office.ask(event.clone()).await;
        assert_eq!(answer.status, 400, "{event:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("`cursor`"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_list_that_is_not_clearly_asked_for_is_refused() {
    let office = Office::open().await;
    let long = "x".repeat(201);
    for (query, wanted) in [
        (vec![], "`form`, `state` or `unmatched=true`"),
        (vec![("form", "callback"), ("state", "kept")], "`form`, `state` or `unmatched=true`"),
        (vec![("unmatched", "true"), ("state", "kept")], "`form`, `state` or `unmatched=true`"),
        (vec![("unmatched", "yes")], "`unmatched`: must be true"),
        (vec![("form", "")], "`form`"),
        (vec![("form", long.as_str())], "`form`"),
        (vec![("form", "a\nb")], "`form`"),
        (vec![("state", "WAITING")], "must be one of kept, waiting, delivered, refused"),
        (vec![("state", "waiting"), ("limit", "101")], "`limit`"),
        (vec![("state", "waiting"), ("since", "yesterday")], "`since`"),
        (vec![("phone", canary::FORM_PHONE)], "only these query parameters: form, state, unmatched, done, since, cursor, limit"),
        (vec![("form", "a"), ("form", "b")], "must be there once"),
    ] {
        let event = query.iter().fold(get("forms"), |event, (name, value)| event.query(name, value));
        let answer = office.ask(event).await;
        assert_eq!(answer.status, 400, "{query:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{query:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn forms_without_a_phone_that_can_be_read_are_a_list_of_their_own() {
    let office = Office::open().await;
    office.hand_in(office.form(1)).await;
    for number in 2..=6 {
        let mut form = office.form(number);
        form.phone = None;
        if number == 4 {
            form.keep_until = form.at.plus(Duration::from_hours(1));
        }
        office.hand_in(form).await;
    }
    office.story.environment.advance(Duration::from_hours(2));
    let expected: Vec<_> = [6, 5, 3, 2].map(|number| id(number).to_string()).into();
    for limit in ["1", "3", "100"] {
        let page = |cursor: Option<&str>| {
            let event = get("forms").query("unmatched", "true").query("limit", limit);
            cursor.into_iter().fold(event, |event, cursor| event.query("cursor", cursor))
        };
        assert_eq!(office.walk(page).await.0, expected, "{limit}: but for what is over");
    }
    let found = office.submissions.find(&id(2), office.story.environment.clock().now()).await.unwrap().unwrap();
    assert!(found.phone.is_none(), "what stands in the phone's place is none");
}

#[tokio::test]
async fn who_looked_at_how_much_of_what_is_in_the_log() {
    let office = Office::open().await;
    office.hand_in(office.with_photos(office.form(1), 2)).await;
    office.hand_in(office.form(2)).await;
    let mut nobodys = office.form(3);
    nobodys.phone = None;
    office.hand_in(nobodys).await;
    let order = office.story.order().await;
    office.story.create(&order).await;
    let digest = office.secret.digest(shared::platform::secret::Purpose::Audit, &["996770102030"]);
    let (form, photo) = (id(1).to_string(), format!("{}/photos/2", id(1)));
    let seen = [
        (get("forms").query("form", "callback"), "forms", "callback", 3),
        (get("forms").query("form", "callback").query("limit", "2"), "forms", "callback", 2),
        (get("forms").query("state", "kept"), "forms", "kept", 3),
        (get("forms").query("unmatched", "true"), "forms", "unmatched", 1),
        (post("forms/search").json(json!({"phone": canary::FORM_PHONE})), "form search", digest.as_str(), 2),
        (get("forms.csv").query("form", "callback").query("limit", "1"), "form export", "callback", 1),
        (get(&format!("forms/{form}")), "form", form.as_str(), 1),
        (get(&format!("forms/{photo}")), "form photo", photo.as_str(), 1),
        (get(&format!("orders/{}", order.id)), "order", order.id.as_str(), 2),
        (get("payments").query("state", "pending"), "payments", "pending", 1),
        (get(&format!("payments/{}", order.payment(1))), "payment", &order.payment(1), 1),
    ];
    for (event, action, of, entries) in seen {
        let lines = || -> Vec<Value> {
            let logs = office.story.environment.logs();
            let lines = logs.lines().filter(|line| line.contains("\"shown\""));
            let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.filter(|line| line["action"] == action && line["of"] == of && line["entries"] == entries).collect()
        };
        let before = lines().len();
        assert_eq!(office.ask(event).await.status, 200, "{action}");
        let after = lines();
        // The log is that of every test in the process.
        assert!(after.len() > before, "{action} of {of}: {}", office.story.environment.logs());
        assert!(after.iter().all(|line| line["who"] == "viewer"), "{after:?}");
    }
}

#[tokio::test]
async fn a_persons_forms_are_found_by_the_phone_however_it_is_written() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    let mut other = office.form(4);
    other.phone = Some(office.person("+996 770 000 000"));
    office.hand_in(other).await;
    let mut nobodys = office.form(5);
    nobodys.phone = None;
    office.hand_in(nobodys).await;
    let expected: Vec<_> = [3, 2, 1].map(|number| id(number).to_string()).into();
    for phone in [canary::FORM_PHONE, "996770102030", "0770 10-20-30", "770102030"] {
        assert_eq!(ids(&office.read(search(json!({"phone": phone}))).await), expected, "{phone}");
    }
    let page = |cursor: Option<&str>| {
        let mut body = json!({"phone": canary::FORM_PHONE, "limit": 2});
        if let Some(cursor) = cursor {
            body["cursor"] = cursor.into();
        }
        search(body)
    };
    assert_eq!(office.walk(page).await, (expected, 2));
    let stored = office.story.environment.items("forms", "form#").await;
    for item in stored {
        assert!(!item["phone"].to_string().contains("770102030"), "{item}");
    }
}

#[tokio::test]
async fn a_search_that_is_not_understood_is_refused() {
    let office = Office::open().await;
    for (body, wanted) in [
        (json!({}), "`phone`"),
        (json!({"phone": null}), "`phone`"),
        (json!({"phone": "12"}), "`phone`"),
        (json!({"phone": 996_770_102_030_u64}), "`phone`"),
        (json!({"phone": canary::FORM_PHONE, "limit": 0}), "`limit`"),
        (json!({"phone": canary::FORM_PHONE, "limit": 101}), "`limit`"),
        (json!({"phone": canary::FORM_PHONE, "limit": null}), "`limit`"),
        (json!({"phone": canary::FORM_PHONE, "form": "callback"}), "unknown field `form`"),
    ] {
        let answer = office.ask(search(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{body}: {}", answer.body);
    }
    assert_eq!(office.ask(search(json!({"phone": canary::FORM_PHONE})).query("since", "2026-01-01")).await.status, 400);
}

#[tokio::test]
async fn a_form_whose_time_is_over_is_nowhere_though_it_is_still_stored() {
    let office = Office::open().await;
    let form = office.hand_in(office.with_photos(office.form(1), 1)).await;
    office.story.environment.advance(Duration::from_hours(90 * 24));
    assert!(office.story.environment.item("forms", &format!("form#{}", form.id)).await.is_some());
    for event in [of_form("callback"), in_state("kept"), search(json!({"phone": canary::FORM_PHONE}))] {
        assert!(ids(&office.read(event).await).is_empty());
    }
    assert!(!office.ask(get("forms.csv").query("form", "callback")).await.body.contains(form.id.as_str()));
    assert_eq!(office.ask(get(&format!("forms/{}", form.id))).await.status, 404);
    assert_eq!(office.ask(get(&format!("forms/{}/photos/1", form.id))).await.status, 404);
}

#[tokio::test]
async fn a_page_that_was_cut_short_goes_on_behind_its_last_form() {
    let office = Office::open().await;
    let mut forms = Vec::new();
    for number in 1..=3 {
        forms.push(office.hand_in(office.form(number)).await);
    }
    let name = FormName::parse("callback").unwrap();
    for (by, list) in [(By::Form(&name), of_form("callback")), (By::State(State::Kept), in_state("kept"))] {
        let cursor = Submissions::after(by, &forms[1]).to_text();
        assert_eq!(ids(&office.read(list.query("cursor", &cursor)).await), [id(1).to_string()], "{by:?}");
    }
    let person = office.person(canary::FORM_PHONE);
    let cursor = Submissions::after(By::Phone(&person), &forms[2]).to_text();
    let found = office.read(search(json!({"phone": canary::FORM_PHONE, "cursor": cursor}))).await;
    assert_eq!(ids(&found), [id(2).to_string(), id(1).to_string()]);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_hides_no_other_and_is_named() {
    for attribute in ["form_name", "install_id", "keep", "expires_at", "state", "since"] {
        let office = Office::open().await;
        for number in 1..=3 {
            office.hand_in(office.form(number)).await;
        }
        let (bad, key) = (id(2).to_string(), format!("form#{}", id(2)));
        let lists = [get("forms").query("form", "callback"), get("forms").query("state", "kept")];
        let search = post("forms/search").json(json!({"phone": canary::FORM_PHONE}));
        office.story.environment.edit("forms", &key, |item| spoil(item, attribute)).await;
        for event in lists.into_iter().chain([search]) {
            let list = office.read(event).await;
            let found: Vec<_> = list["forms"].as_array().unwrap().iter().map(|form| form["submission_id"].clone()).collect();
            // What has lost the key of an index is in its list no more.
            let is_there = list.get("unreadable").is_some();
            assert_eq!(found, [json!(id(3).to_string()), json!(id(1).to_string())], "{attribute}: {list}");
            assert!(!is_there || list["unreadable"] == json!([bad]), "{attribute}: {list}");
            assert!(is_there || ["form_name", "state"].contains(&attribute), "{attribute}: {list}");
        }
        assert!(office.story.environment.logs().contains(&bad) || ["form_name", "state"].contains(&attribute));
        assert_eq!(office.ask(get("forms.csv").query("form", "callback")).await.status, 200, "{attribute}");
    }
}

/// An attribute in a type of its own, which is no key of an index.
fn spoil<V>(item: &mut std::collections::HashMap<String, V>, attribute: &str) {
    item.remove(attribute);
}

#[tokio::test]
async fn a_page_ends_by_its_bytes_and_goes_on_behind_them() {
    let office = Office::open().await;
    for number in 1..=45 {
        let mut form = office.form(number);
        form.data = Fields::parse(json!({"text": "Ы".repeat(150_000)}).to_string()).ok();
        office.hand_in(form).await;
    }
    let (mut found, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let mut event = get("forms").query("form", "callback").query("limit", "100");
        if let Some(cursor) = &cursor {
            event = event.query("cursor", cursor);
        }
        let answer = office.ask(event).await;
        assert!(answer.body.len() <= 5_000_000, "{}", answer.body.len());
        let list = answer.json();
        found.extend(list["forms"].as_array().unwrap().iter().map(|form| form["submission_id"].as_str().unwrap().to_owned()));
        pages += 1;
        match list["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let all: Vec<_> = (1..=45).rev().map(|number| id(number).to_string()).collect();
    assert!(found == all && pages >= 3, "{pages} pages, {found:?}");
}

impl Office {
    async fn mark(&self, number: u32, who: &str, done: bool) -> Answer {
        let event = post(&format!("forms/{}/done", id(number))).key(who).json(json!({"done": done}));
        Box::pin(self.story.back_office(event.rest())).await
    }
}

#[tokio::test]
async fn a_form_is_done_by_who_said_so_first_and_lists_tell_it_from_the_others() {
    let office = Office::open().await;
    for number in 1..=3 {
        office.hand_in(office.form(number)).await;
    }
    let marked = office.mark(2, OPERATOR_KEY, true).await;
    let form = marked.json()["form"].clone();
    assert_eq!((marked.status, &form["done_by"]), (200, &json!("operator")), "{}", marked.body);
    office.story.environment.advance(Duration::from_hours(1));
    assert_eq!(office.mark(2, CASHIER_KEY, true).await.json()["form"], form, "said twice it stays as it was said first");
    for (done, expected) in [("true", vec![2]), ("false", vec![3, 1])] {
        for list in [of_form("callback"), in_state("kept")] {
            let list = office.read(list.query("done", done)).await;
            assert_eq!(ids(&list), expected.iter().map(|number| id(*number).to_string()).collect::<Vec<_>>(), "{done}");
        }
    }
    let table = office.ask(get("forms.csv").query("form", "callback")).await;
    assert!(table.body.contains("\"operator\""), "{}", table.body);
    assert_eq!(office.mark(2, OPERATOR_KEY, false).await.json()["form"].get("done_by"), None);
    assert!(ids(&office.read(of_form("callback").query("done", "true")).await).is_empty());
    assert_eq!(office.mark(9, OPERATOR_KEY, true).await.status, 404);
    assert_eq!(office.ask(of_form("callback").query("done", "yes")).await.status, 400);
    assert!(office.story.environment.logs().contains("a form was marked"));
}

#[tokio::test]
async fn a_form_that_is_delivered_while_it_is_marked_is_both() {
    let office = Office::open().await;
    for number in 1..=5 {
        let mut waiting = office.form(number);
        waiting.state = State::Waiting;
        let form = office.hand_in(waiting).await;
        let (delivered, _) = form.delivered(None, office.story.environment.clock().now()).unwrap();
        let marks = async {
            for done in [true, false, true] {
                assert_eq!(office.mark(number, OPERATOR_KEY, done).await.status, 200);
            }
        };
        // Who delivers reads again when its write was overtaken.
        let delivery = async {
            let mut next = delivered;
            while office.submissions.save(next.clone()).await.unwrap().is_none() {
                let stored = office.submissions.find(&id(number), next.at).await.unwrap().unwrap();
                (next, _) = stored.delivered(None, next.since).unwrap();
            }
        };
        tokio::join!(marks, delivery);
        let form = office.read(get(&format!("forms/{}", id(number)))).await["form"].clone();
        assert_eq!((&form["state"], &form["done_by"]), (&json!("delivered"), &json!("operator")), "{form}");
    }
}
