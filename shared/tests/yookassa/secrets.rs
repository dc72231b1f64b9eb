//! The shop's secret key, also while it changes.

use super::*;

#[tokio::test]
async fn wrong_credentials_are_the_configurations_fault() {
    let shop = Shop::with(secret("test_wrong_key").into(), Options::default()).await;
    assert_eq!(cause(shop.client.me(deadline()).await), Some(Cause::Configuration));
    assert_eq!(cause(shop.client.create_payment(&create("10.00", 1), deadline()).await), Some(Cause::Configuration));
    assert_eq!(shop.standins.yookassa_payments().len(), 0);
}

#[tokio::test]
async fn the_other_secret_key_is_found_and_remembered() {
    let keys = Keys::new(secret("test_old_key"), Some(secret(KEY)));
    let shop = Shop::with(keys, Options::default()).await;
    let payment = shop.pending("10.00").await;
    assert_eq!(shop.calls("create"), 2, "the first of them refused");
    shop.client.payment(&payment.id, deadline()).await.unwrap();
    assert_eq!(shop.calls("get"), 1);
}
