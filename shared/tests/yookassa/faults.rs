//! Answers that are none.

use super::*;

#[tokio::test]
async fn without_a_word_of_yookassas_the_outcome_of_a_change_is_unknown() {
    for fault in
        [Fault::Reset, Fault::Http500, Fault::Html, Fault::AnswerLost, Fault::Status(202), Fault::Status(500), Fault::Status(502)]
    {
        let shop = Shop::open().await;
        shop.fault("create", fault, 1);
        let error = shop.client.create_payment(&create("10.00", 1), deadline()).await.unwrap_err();
        assert!(error.may_be_done(), "{fault:?}: {error}");
        assert_eq!(shop.calls("create"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_being_processed_says_how_long_to_wait() {
    let shop = Shop::open().await;
    shop.fault("create", Fault::Status(202), 1);
    let error = shop.client.create_payment(&create("10.00", 1), deadline()).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { retry_after: Some(wait), .. } if wait == Duration::from_millis(1800)), "{error:?}");
}

#[tokio::test]
async fn a_refusal_and_too_many_calls_have_done_nothing() {
    let shop = Shop::open().await;
    for status in [400, 403, 404, 405, 410, 415] {
        shop.fault("create", Fault::Status(status), 1);
        let error = shop.client.create_payment(&create("10.00", 1), deadline()).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)) && !error.may_be_done(), "{status}: {error:?}");
    }
    shop.fault("create", Fault::Status(429), 1);
    let error = shop.client.create_payment(&create("10.00", 1), deadline()).await.unwrap_err();
    assert!(matches!(error, Error::Throttled) && !error.may_be_done(), "{error:?}");
}

#[tokio::test]
async fn a_question_is_asked_twice_and_no_more() {
    let shop = Shop::open().await;
    let payment = shop.pending("10.00").await;
    shop.fault("get", Fault::Reset, 1);
    assert_eq!(shop.client.payment(&payment.id, deadline()).await.unwrap(), payment);
    shop.fault("get", Fault::Http500, 3);
    shop.client.payment(&payment.id, deadline()).await.unwrap_err();
    assert_eq!(shop.calls("get"), 4);
}

#[tokio::test]
async fn nothing_is_sent_without_time_for_it() {
    let shop = Shop::open().await;
    let error = shop.client.create_payment(&create("10.00", 1), Deadline::within(Duration::ZERO)).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    assert_eq!(shop.calls("create"), 0);
}
