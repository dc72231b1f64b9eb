//! The functions' settings in the sandbox: the demo credentials, which are documented and worth nothing.

use std::collections::BTreeMap;

pub const IMSHOP_KEY: &str = "imshop-demo-key";
/// The shop's key, both ways.
pub const SHOP_KEY: &str = "shop-demo-key";
/// What orders for the shop are signed with.
pub const SHOP_ORDERS_SECRET: &str = "whsec_b3JkZXJzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=";
/// What events for the shop are signed with.
pub const SHOP_EVENTS_SECRET: &str = "whsec_ZXZlbnRzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=";
/// What forms for the shop are signed with.
pub const SHOP_FORMS_SECRET: &str = "whsec_Zm9ybXMtZGVtby1zaWduaW5nLWtleS1vZi10aGUtc2FuZGJveA==";
/// The bucket with the photos of forms.
pub const PHOTOS: &str = "form-photos";
/// The back office's key that may look.
pub const VIEWER_KEY: &str = "back-office-demo-viewer-key";
/// The back office's key that may act on payments.
pub const OPERATOR_KEY: &str = "back-office-demo-operator-key";
/// The back office's key that may give money back.
pub const CASHIER_KEY: &str = "back-office-demo-cashier-key";
/// Gives back no more than 500 in a day alone.
pub const TRAINEE_KEY: &str = "back-office-demo-trainee-key";
/// The last part of the address to which SMSPRO pushes delivery reports.
pub const SMS_REPORT_SECRET: &str = "smspro-demo-report-secret";
/// Both parts of the AWS credentials.
pub const AWS_KEY: &str = "sandbox";
/// The folder with the files that operations edit.
pub const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");

/// The sandbox's ways to pay: the shipped ones, and cards by the simulated YooKassa. Tests give it to `PAYMENTS_CONFIG`.
pub const WITH_CARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/payments.toml");
/// The secret key of the shop at the simulated YooKassa.
pub const YOOKASSA_KEY: &str = "test_demo_key";

/// The queue of forms on their way to the shop.
pub const FORMS_QUEUE: &str = "FormsQueue";
/// The queue of accepted orders that the store did not take.
pub const ORDERS_QUEUE: &str = "OrdersQueue";

/// Where IMSHOP's stand-in is told what became of a payment. A secret: who knows the address may tell it anything.
pub(crate) const IMSHOP_PAYMENT_STATUS: &str = "/imshop/payment_status";
/// The same for orders.
pub(crate) const IMSHOP_ORDER_STATUS: &str = "/imshop/order_status";

/// Where the parts of the sandbox listen.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The API gateway's base address: what the functions are called from outside.
    pub api_gateway: String,
    /// DynamoDB.
    pub dynamodb: String,
    pub s3: String,
    pub sqs: String,
    /// The stand-ins.
    pub providers: String,
}

/// Every variable that the functions read, but for those that have no meaning here: the second keys of a rotation, and the
/// store of its own for limits, which the stand-ins do not have.
#[must_use]
pub fn environment(addresses: &Addresses) -> BTreeMap<String, String> {
    let Addresses { api_gateway, dynamodb, s3, sqs, providers } = addresses;
    let settings = [
        ("LOG_LEVEL", "info".to_owned()),
        ("WEAK_KEYS", "allowed".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", AWS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", AWS_KEY.to_owned()),
        ("DYNAMODB_ENDPOINT", dynamodb.clone()),
        ("ORDERS_TABLE", "order-holds".to_owned()),
        ("OTP_TABLE", "otp-tokens".to_owned()),
        ("FORMS_TABLE", "forms".to_owned()),
        ("QUOTES_TABLE", "quotes".to_owned()),
        ("S3_ENDPOINT", s3.clone()),
        ("SQS_ENDPOINT", sqs.clone()),
        ("ORDERS_QUEUE_URL", emulators::queue::url(sqs, ORDERS_QUEUE)),
        ("FORMS_QUEUE_URL", emulators::queue::url(sqs, FORMS_QUEUE)),
        ("IMSHOP_KEY", IMSHOP_KEY.to_owned()),
        ("IMSHOP_PAYMENT_STATUS_URL", format!("{providers}{IMSHOP_PAYMENT_STATUS}")),
        ("IMSHOP_ORDER_STATUS_URL", format!("{providers}{IMSHOP_ORDER_STATUS}")),
        ("IMSHOP_CODE_PAID", "paid".to_owned()),
        ("IMSHOP_CODE_FAILED", "payment_failed".to_owned()),
        ("IMSHOP_CODE_PARTIALLY_REFUNDED", "partially_refunded".to_owned()),
        ("IMSHOP_CODE_REFUNDED", "refunded".to_owned()),
        ("ATTENTION_AFTER_MINUTES", "60".to_owned()),
        ("RECONCILE_AT_ONCE", "32".to_owned()),
        ("AUDIT_AFTER_DAYS", "1,7,30".to_owned()),
        (
            "BACK_OFFICE_KEYS",
            format!(
                "viewer:read:{VIEWER_KEY},operator:operate:{OPERATOR_KEY},cashier:refund:{CASHIER_KEY},trainee:refund:500:{TRAINEE_KEY}"
            ),
        ),
        ("INTERNAL_SECRET", "internal-demo-secret-of-the-sandbox".to_owned()),
        ("PUBLIC_BASE_URL", api_gateway.clone()),
        ("PAYMENTS_CONFIG", format!("{CONFIG}/payments.toml")),
        ("FORMS_CONFIG", format!("{CONFIG}/forms.toml")),
        ("SHOP_NAME", "Магазин песочницы".to_owned()),
        ("SHOP_ORDERS_URL", format!("{providers}/shop/orders")),
        ("SHOP_PRICE_INCLUDES_DELIVERY", "true".to_owned()),
        ("SHOP_ORDERS_SECRET", SHOP_ORDERS_SECRET.to_owned()),
        ("SHOP_FORMS_URL", format!("{providers}/shop/forms")),
        ("SHOP_FORMS_SECRET", SHOP_FORMS_SECRET.to_owned()),
        ("SHOP_EVENTS_URL", format!("{providers}/shop/events")),
        ("SHOP_EVENTS_SECRET", SHOP_EVENTS_SECRET.to_owned()),
        ("FORM_PHOTOS_BUCKET", PHOTOS.to_owned()),
        ("SHOP_KEY", SHOP_KEY.to_owned()),
        ("SHOP_PUSH_KEY", SHOP_KEY.to_owned()),
        ("DEFAULT_CURRENCY", "RUB".to_owned()),
        ("ORDER_PERSON_DAYS", "90".to_owned()),
        ("PRICE_FEED_URL", format!("{providers}/shop/feed.yml")),
        ("PRICE_FEED_MAX_BAD_PERCENT", "10".to_owned()),
        ("PRICES_MAX_AGE_HOURS", "48".to_owned()),
        ("MOKKA_BASE_URL", format!("{providers}/mokka")),
        ("MOKKA_STORE_ID", "72".to_owned()),
        ("MOKKA_SECRET", "mokka-demo-secret".to_owned()),
        ("MOKKA_SIGNATURE_ORDER", "auto".to_owned()),
        ("MOKKA_FINISH", "on_hold".to_owned()),
        ("MOKKA_CURRENCY", "RUB".to_owned()),
        ("MOKKA_FORM_HOURS", "24".to_owned()),
        ("MOKKA_HOLD_HOURS", "336".to_owned()),
        ("INSTALLATION", "sandbox".to_owned()),
        ("GATEWAY_YOOKASSA_BASE_URL", format!("{providers}/yookassa/v3")),
        ("GATEWAY_YOOKASSA_SECRET", YOOKASSA_KEY.to_owned()),
        ("SMSPRO_BASE_URL", format!("{providers}/smspro")),
        ("SMSPRO_KEY", "smspro-demo-key".to_owned()),
        ("SMSPRO_REPORT_SECRET", SMS_REPORT_SECRET.to_owned()),
        ("SMSPRO_LOGIN", "smspro-demo-login".to_owned()),
        ("SMSPRO_PASSWORD", "smspro-demo-password".to_owned()),
    ];
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
