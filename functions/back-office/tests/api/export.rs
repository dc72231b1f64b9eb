//! Forms as a table for spreadsheets.

use serde_json::{Value, json};
use shared::forms::submission::{Fields, State};
use shared::platform::ids::FormName;
use testkit::{Answer, canary};

use crate::forms::{Office, id};
use crate::get;

impl Office {
    async fn export(&self) -> Answer {
        self.export_page("500", None).await
    }

    async fn export_page(&self, limit: &str, cursor: Option<&str>) -> Answer {
        let event = get("forms.csv").query("form", "callback").query("limit", limit);
        let answer = self.ask(match cursor {
            Some(cursor) => event.query("cursor", cursor),
            None => event,
        });
        let answer = answer.await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    async fn hand_in_fields(&self, number: u32, data: Value) {
        let mut form = self.form(number);
        form.data = Fields::parse(data.to_string()).ok();
        self.hand_in(form).await;
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The table's rows, the names first, as a reader of CSV has them.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    let text = answer.body.strip_prefix(BYTE_ORDER_MARK).unwrap();
    assert!(!text.starts_with(BYTE_ORDER_MARK), "one mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn a_table_has_a_column_for_every_field() {
    let office = Office::open().await;
    office
        .hand_in_fields(1, json!({"name": "Айгуль", "phone": canary::FORM_PHONE, "ways": ["call", {"at": 9}], "old": null}))
        .await;
    office
        .hand_in_fields(2, json!({"name": "a, \"b\"\r\nc", "age": 30, "agreed": true, "id": "field", "message": "of mine"}))
        .await;
    let mut gone = office.form(3);
    (gone.data, gone.state, gone.message) = (None, State::Delivered, Some("Спасибо, ждём".to_owned()));
    office.hand_in(gone).await;
    let mut other = office.form(4);
    other.form = FormName::parse("feedback").unwrap();
    office.hand_in(other).await;
    let answer = office.export().await;
    let rows = rows(&answer);
    assert_eq!(
        rows[0],
        [
            "id",
            "at",
            "state",
            "message",
            "age",
            "agreed",
            "data.id",
            "data.message",
            "name",
            "old",
            "phone",
            "ways",
            "done_by",
            "done_at"
        ]
    );
    let cells = |row: &[String]| {
        assert!(row[1].ends_with('Z'), "{row:?}");
        [&row[..1], &row[2..]].concat()
    };
    let phone = format!("'{}", canary::FORM_PHONE);
    let [one, two, three] = [1, 2, 3].map(|number| id(number).to_string());
    assert_eq!(cells(&rows[1]), [three.as_str(), "delivered", "Спасибо, ждём", "", "", "", "", "", "", "", "", "", ""]);
    assert_eq!(cells(&rows[2]), [&two, "kept", "", "30", "true", "field", "of mine", "a, \"b\"\r\nc", "", "", "", "", ""]);
    assert_eq!(cells(&rows[3]), [&one, "kept", "", "", "", "", "", "Айгуль", "", &phone, r#"["call",{"at":9}]"#, "", ""]);
    assert_eq!(rows.len(), 4, "no other form's");
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"forms.csv\"");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("x-next-cursor"));
    assert!(answer.body.split("\r\n").filter(|line| !line.is_empty()).all(|line| line.contains('"')), "every cell in quotes");
}

#[tokio::test]
async fn no_cell_and_no_name_of_a_column_is_a_formula() {
    let office = Office::open().await;
    for (number, formula) in (1..).zip(["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n=", " =", "\";=", ";="])
    {
        let text = format!("{formula}cmd|'/C calc'!A0");
        let mut form = office.form(number);
        form.data = Fields::parse(json!({ text.clone(): text, "in": [text], "number": -1 }).to_string()).ok();
        form.message = Some(text);
        office.hand_in(form).await;
    }
    let answer = office.export().await;
    let rows = rows(&answer);
    assert_eq!(rows.len(), 15);
    // Read with commas, and with the semicolons of countries that have decimal commas.
    let semicolons = answer.body.trim_start_matches(BYTE_ORDER_MARK).split(['\n', '\r', ';', '\t']).map(str::to_owned).collect();
    for cell in rows.into_iter().chain([semicolons]).flatten() {
        let begins = cell.trim_start_matches(|character: char| character == '"' || character.is_whitespace()).chars().next();
        assert!(begins.is_none_or(|first| !"=+-@＝＋－＠".contains(first)), "{cell:?}");
    }
}

#[tokio::test]
async fn a_long_table_goes_on_where_the_header_says() {
    let office = Office::open().await;
    for number in 1..=5 {
        office.hand_in(office.form(number)).await;
    }
    let first = office.export_page("3", None).await;
    let next = first.headers["x-next-cursor"].clone();
    let second = office.export_page("3", Some(&next)).await;
    assert_eq!((rows(&first).len(), rows(&second).len()), (4, 3));
    let mut ids: Vec<_> =
        [&first, &second].into_iter().flat_map(|page| rows(page).into_iter().skip(1)).map(|row| row[0].clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each of them, once");
    assert!(!second.headers.contains_key("x-next-cursor"));
}

#[tokio::test]
async fn an_export_names_its_form() {
    let office = Office::open().await;
    for (query, wanted) in [
        (vec![], "`form`"),
        (vec![("form", "")], "`form`"),
        (vec![("form", "callback"), ("state", "kept")], "only these query parameters: form, since, cursor, limit"),
        (vec![("form", "callback"), ("limit", "501")], "`limit`: must be a whole number from 1 to 500"),
        (vec![("form", "callback"), ("limit", "0")], "`limit`"),
        (vec![("form", "callback"), ("since", "yesterday")], "`since`"),
    ] {
        let event = query.iter().fold(get("forms.csv"), |event, (name, value)| event.query(name, value));
        let answer = office.ask(event).await;
        assert_eq!(answer.status, 400, "{query:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{query:?}: {}", answer.body);
    }
    let none = office.export().await;
    assert_eq!(
        rows(&none),
        [["id", "at", "state", "message", "done_by", "done_at"]],
        "a form that nobody handed in has only its names"
    );
}

#[tokio::test]
async fn names_that_differ_make_more_pages_and_none_too_large() {
    let office = Office::open().await;
    let names = |from: usize, to: usize| -> Value {
        (from..to).map(|number| (format!("field-{number}"), json!(1))).collect::<serde_json::Map<_, _>>().into()
    };
    office.hand_in_fields(1, names(0, 20_000)).await;
    for number in 2..=60 {
        let from = usize::try_from(number).unwrap() * 500;
        office.hand_in_fields(number, names(from, from + 500)).await;
    }
    let (mut found, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let answer = office.export_page("500", cursor.as_deref()).await;
        assert!(serde_json::to_string(&answer.body).unwrap().len() <= 5_100_000, "{}", answer.body.len());
        found.extend(rows(&answer).iter().skip(1).map(|row| row[0].clone()));
        pages += 1;
        match answer.headers.get("x-next-cursor") {
            Some(next) => cursor = Some(next.clone()),
            None => break,
        }
    }
    let all: Vec<_> = (1..=60).rev().map(|number| id(number).to_string()).collect();
    assert!(found == all && (2..20).contains(&pages), "{pages} pages, {found:?}");
}
