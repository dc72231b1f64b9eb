//! The code is checked: how often, whose it is, and how long it counts.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::forms::texts;
use standins::{Fault, System};

use testkit::canary;

use super::{COOL_DOWN, Customer, EXPORT, SEND, failed, otp_failed, saved_by_shop};

#[tokio::test]
async fn five_wrong_codes_and_the_right_one_is_refused_unasked() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    for number in 0..7 {
        assert_eq!(customer.submit(&format!("WRONG{number}")).await, otp_failed());
    }
    assert_eq!(customer.checks(), 5);
    assert_eq!(customer.submit(&code).await, otp_failed());
    assert_eq!((customer.checks(), customer.saved()), (5, 0));
}

#[tokio::test]
async fn many_guesses_at_once_are_five_checks_at_most() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let guesses: Vec<String> = (0..20).map(|number| format!("WRONG{number}")).collect();
    join_all(guesses.iter().map(|guess| customer.submit(guess))).await;
    assert!(customer.checks() <= 5, "{}", customer.checks());
    while customer.checks() < 5 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    assert_eq!(customer.submit(&code).await, otp_failed());
    assert_eq!((customer.checks(), customer.saved()), (5, 0));
}

#[tokio::test]
async fn the_fifth_check_may_be_the_right_one_and_can_be_repeated() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    for _ in 0..4 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 3).unwrap();
    for _ in 0..3 {
        assert_eq!(customer.submit(&code).await, failed("Это время уже занято, выберите другое"));
    }
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (5, 1));
}

#[tokio::test]
async fn the_right_code_again_is_one_check_and_one_form() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    for _ in 0..10 {
        assert_eq!(customer.submit(&code).await, saved_by_shop());
    }
    assert_eq!((customer.checks(), customer.calls(System::Shop, "forms"), customer.saved()), (1, 1, 1));
}

#[tokio::test]
async fn twenty_equal_submits_are_one_check_and_one_form() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let answers = join_all((0..20).map(|_| customer.submit(&code))).await;
    assert!(answers.iter().all(|answer| *answer == saved_by_shop()), "{answers:#?}");
    assert_eq!((customer.checks(), customer.calls(System::Shop, "forms"), customer.saved()), (1, 1, 1));
}

#[tokio::test]
async fn a_wrong_code_after_the_right_one_is_wrong() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    customer.submit(&code).await;
    assert_eq!(customer.submit("WRONG").await, otp_failed(), "verified, not saved");
    assert_eq!(customer.checks(), 1, "the digest answers");
    assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(1), "and the guess is counted");
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!(customer.submit("WRONG").await, otp_failed(), "saved");
    assert_eq!(customer.challenge().await["sent"]["checks_used"], json!(2));
    assert_eq!(customer.submit(&code).await, saved_by_shop());
}

#[tokio::test]
async fn guesses_at_a_verified_code_run_out_too() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    customer.submit(&code).await;
    for _ in 0..5 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    assert_eq!(customer.submit(&code).await, otp_failed());
}

#[tokio::test]
async fn guesses_at_a_code_whose_form_is_saved_run_out_too() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    for _ in 0..5 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    assert_eq!(customer.submit(&code).await, otp_failed());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
}

#[tokio::test]
async fn a_code_lives_five_minutes_even_a_verified_one() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.advance(Duration::from_mins(5));
    assert_eq!(customer.submit(&code).await, otp_failed());
    assert_eq!(customer.checks(), 0, "not asked");

    let code = customer.get_code().await;
    customer.environment.advance(Duration::from_mins(4));
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    customer.environment.advance(Duration::from_mins(1));
    assert_eq!(customer.submit(&code).await, otp_failed());
}

#[tokio::test]
async fn a_code_counts_for_its_own_phone_form_and_installation_only() {
    let other = [("name = \"feedback\"\nrequires_code = false", "name = \"feedback\"\nrequires_code = true")];
    let customer = Customer::start_configured("own_phone", &other).await;
    let code = customer.get_code().await;
    for (path, value) in [("/data/phone", "+996 770 102 031"), ("/formName", "feedback"), ("/installId", "install-2")] {
        assert_eq!(customer.submit_form(customer.with(path, value), code.as_str()).await, otp_failed(), "{path}");
    }
    assert_eq!(customer.checks(), 0);
    assert_eq!(
        customer.submit_form(customer.with("/data/phone", "0770 102-030"), code.as_str()).await,
        saved_by_shop(),
        "the same phone"
    );
}

#[tokio::test]
async fn code_is_trimmed_and_length_checked_before_smspro_is_asked() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    for wrong in ["12", "12345678901", "да", "👍👍"] {
        assert_eq!(customer.submit(wrong).await, otp_failed(), "{wrong}");
    }
    assert_eq!(customer.checks(), 0);
    assert_eq!(customer.submit_form(customer.form.clone(), 123_456).await, otp_failed(), "a number is taken by its digits");
    assert_eq!(customer.environment.standins().calls_to(System::Smspro, "verify")[0].body["code"], json!("123456"));
    assert_eq!(customer.submit(&format!(" {code}\n")).await, saved_by_shop());
}

/// What becomes of a code on its way into the field.
type Paste = fn(&str) -> String;

#[tokio::test]
async fn a_code_is_the_code_however_it_is_pasted() {
    let pastes: [(&str, Paste); 12] = [
        ("a space", |code| format!("{} {}", &code[..3], &code[3..])),
        ("a no-break space", |code| format!("{}\u{a0}{}", &code[..3], &code[3..])),
        ("a thin space", |code| format!("{}\u{2009}{}", &code[..3], &code[3..])),
        ("a hyphen", |code| format!("{}-{}", &code[..3], &code[3..])),
        ("a dash", |code| format!("{}\u{2013}{}", &code[..3], &code[3..])),
        ("a soft hyphen", |code| format!("{}\u{ad}{}", &code[..3], &code[3..])),
        ("spaces between all", |code| code.split("").collect::<Vec<_>>().join(" ")),
        ("marks of direction", |code| format!("\u{2068}\u{200e}{code}\u{2069}")),
        ("a byte order mark", |code| format!("\u{feff}{code}\u{200b}")),
        ("full width", |code| code.bytes().map(|byte| char::from_u32(0xfee0 + u32::from(byte)).unwrap()).collect()),
        ("the sentence around it", |code| format!("\u{ab}{code}\u{bb}.")),
        ("a line break behind it", |code| format!("{code}\r\n")),
    ];
    for (name, paste) in pastes {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        for _ in 0..7 {
            assert_eq!(customer.submit(&paste(&code)).await, saved_by_shop(), "{name}");
        }
        assert_eq!((customer.checks(), customer.saved(), customer.wrong_codes().await.iter().sum()), (1, 1, 0), "{name}");
    }
}

#[tokio::test]
async fn one_phone_however_it_is_written_has_one_code_and_one_limit() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let digits = canary::FORM_PHONE.chars().filter(char::is_ascii_digit).collect::<String>();
    for phone in [
        format!("tel:+{digits};ext=1"),
        format!("00{digits}"),
        format!("\u{202a}+{digits}\u{202c}"),
        format!("+996 (0) {}", &digits[3..]),
    ] {
        let answer = customer.ok(SEND, customer.with("/data/phone", phone.as_str())).await;
        assert!(super::says(&answer, "через 60 с"), "the cool-down is this phone's: {phone} {answer}");
    }
    assert_eq!(customer.sends(), 1);
    let form = customer.with("/data/phone", format!("\u{2068}+{digits}\u{2069}"));
    assert_eq!(customer.submit_form(form, code).await, saved_by_shop());
}

#[tokio::test]
async fn no_code_was_ever_sent() {
    let customer = Customer::start().await;
    assert_eq!(customer.submit("123456").await, otp_failed());
    assert_eq!(customer.submit_form(customer.with("/data/phone", json!(null)), "123456").await, failed(texts::PHONE_MISSING));
    assert_eq!(customer.ok(EXPORT, customer.form.clone()).await, failed(texts::CODE_MISSING));
    assert_eq!(customer.submit(" ").await, failed(texts::CODE_MISSING), "an empty code is none");
    assert_eq!(customer.environment.standins().calls(None).len(), 0, "and no SMS is sent on the export route");
}

#[tokio::test]
async fn code_replaced_during_save_still_saves_the_form_once() {
    let customer = Customer::start().await;
    let first = customer.get_code().await;
    customer.environment.advance(COOL_DOWN);
    let (exported, sent) = tokio::join!(customer.submit(&first), customer.ok(SEND, customer.form.clone()));
    assert!(exported == saved_by_shop() || exported == otp_failed(), "{exported}");
    assert_eq!(sent, json!({"success": true}));
    let saved = usize::from(exported == saved_by_shop());
    assert_eq!(customer.saved(), saved);
    assert_eq!(customer.submit(&customer.code()).await, saved_by_shop(), "the new code is in force");
    assert_eq!(customer.saved(), saved + 1);
}
