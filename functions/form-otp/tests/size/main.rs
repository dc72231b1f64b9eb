//! The deployed program, given its event by a runtime as Lambda has one, takes the largest form in little memory.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "what was measured, for the documents")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, Program, TestEnvironment, canary};

/// What the API gateway takes; Lambda itself 6 MB of it.
const BODY: usize = 10 * 1024 * 1024;
/// A quarter of what the function has.
const MEMORY_KIB: u64 = 128 * 1024;

/// A form for the shop and for the store, with photos up to the limit.
fn form() -> String {
    let mut jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00".to_vec();
    jpeg.extend((0..1_900_000).map(|place: u32| u8::try_from(place * 31 % 251).unwrap()));
    let photo = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
    let data = json!({"phone": canary::FORM_PHONE, "pictures": [photo, photo, photo, photo]});
    json!({"formName": "photos", "installId": "install-1", "data": data}).to_string()
}

/// A small text that becomes as much as possible in memory: objects with one field each.
fn worst(objects: usize) -> String {
    let list = format!("[{}{{\"\":0}}]", "{\"\":0},".repeat(objects - 1));
    format!("{{\"formName\":\"feedback\",\"installId\":\"i\",\"data\":{{\"list\":{list}}}}}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn body_of_many_values_is_handled_in_less_than_half_the_memory() {
    let environment = TestEnvironment::start_now().await;
    // As many as are taken: an object takes a bracket, a colon and a comma.
    for (objects, status) in [(16_600, 200), (16_700, 413), (357_000, 413), (1_400_000, 413)] {
        let mut settings = environment.env();
        settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
        let event = Event::post("/v1/forms").key(IMSHOP_KEY).text(&worst(objects)).rest();
        let mut program = Program::start(env!("CARGO_BIN_EXE_form-otp"), settings, vec![event]).await;
        let answer = program.answer().await;
        let peak = program.peak_kib();
        println!("{objects} objects: {peak} KiB at most");
        assert_eq!(answer["statusCode"], status, "{objects}: {answer}");
        assert!(peak < 2 * MEMORY_KIB, "{objects} objects: {peak} KiB");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_of_photos_fit_into_an_eighth_of_a_gigabyte() {
    let environment = TestEnvironment::start_now().await;
    let shipped = include_str!("../../../../infra/config/forms.toml");
    let photos = "[[form]]\nname = \"photos\"\nrequires_code = false\ndestinations = [\"shop\", \"store\"]\n";
    let config = testkit::written(env!("CARGO_TARGET_TMPDIR"), "photos.toml", &format!("{shipped}\n{photos}"));
    let mut settings = environment.env();
    settings.insert("FORMS_CONFIG".to_owned(), config);
    settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    let form = form();
    assert!((BODY - 500_000..=BODY).contains(&form.len()), "{}", form.len());
    let event = Event::post("/v1/forms").key(IMSHOP_KEY).text(&form).rest();
    let mut program = Program::start(env!("CARGO_BIN_EXE_form-otp"), settings, vec![event]).await;
    let answer = program.answer().await;
    let peak = program.peak_kib();
    println!("{} bytes: {peak} KiB at most", form.len());
    let answer: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(answer, json!({"success": true, "message": "Заявка принята, мы вам перезвоним"}));
    let sent: Value = serde_json::from_str(&form).unwrap();
    assert!(environment.standins().forms()[0]["form"]["data"] == sent["data"], "the shop has it as it came");
    assert!(peak < MEMORY_KIB, "{peak} KiB");
}
