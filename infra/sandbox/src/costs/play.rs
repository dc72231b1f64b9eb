//! What happens in a shop, played on the sandbox and counted: the life of an order, of a form, and an idle run of each schedule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Decision, Options};
use url::Url;

use super::callee::Callee;
use super::error::CostsError;
use super::life::Life;
use super::prices::{Item, Prices};
use super::usage::{Usage, bytes};
use emulators::stream::Work;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, SMS_REPORT_SECRET, VIEWER_KEY};
use testkit::{Event, TestEnvironment, clock, event_file};

/// The ways to pay, by their ids.
const MOKKA: &str = "mokka";
const SBP: &str = "yookassa/sbp";
/// When everything happens.
const DAY: &str = "2026-11-18T00:00:00Z";
/// A photo from a telephone, made smaller by the app.
const PHOTO_BYTES: usize = 300 * 1024;
const PHOTOS: usize = 3;
/// Reconcile's first look at a customer on Mokka's page is due, and the following ones sooner or later.
const STEP: Duration = Duration::from_mins(6);
/// More than the attempt is open, in these steps.
const STEPS: u32 = 300;
/// The code's time is over and its minute of grace.
const CODE_OVER: Duration = Duration::from_mins(7);
/// Longer than it takes to store something here.
const SOON: Duration = Duration::from_millis(300);
/// The functions that run by the clock, and their events.
pub(super) const SCHEDULED: [&str; 3] = ["reconcile", "sms-watch", "price-feed"];

/// The ways to pay.
const PAYMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../costs/payments.toml");
/// Later than a cash register takes a receipt, and its payment is looked at once more for it.
const RECEIPT_OVER: Duration = Duration::from_mins(65);

/// What everything uses.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Each life, once.
    pub lives: BTreeMap<Life, Usage>,
    /// A run of each function that the clock calls, with nothing to do.
    pub idle: BTreeMap<String, Usage>,
}

/// The settings of an environment in which cards, too, can be paid with.
pub(super) fn settings(environment: &TestEnvironment) -> BTreeMap<String, String> {
    let mut settings = environment.env();
    settings.insert("PAYMENTS_CONFIG".to_owned(), PAYMENTS.to_owned());
    settings
}

/// The shop's cash register makes the receipts that come with payments.
fn options() -> Options {
    Options { yookassa_register: Some("avanpost".to_owned()), ..Options::default() }
}

/// Plays everything.
pub(super) async fn count(prices: &Prices) -> Result<Counted, CostsError> {
    // The same day each time, and the beginning of a day: limits count by hours and days, and dates are longer in some months.
    let environment = TestEnvironment::start_at(clock::at(DAY), options()).await;
    let here = async |environment: &TestEnvironment| {
        Ok(Callee::Here(crate::functions::build(&settings(environment), &environment.platform())?))
    };
    let mut metered = MeteredFunctions::start(prices, environment, here).await?;
    let mut counted = Counted::default();
    for function in SCHEDULED {
        // The first run of price-feed loads the prices; what an ordinary one does is seen from the second on.
        metered.run(function).await?;
        metered.usage = Usage::default();
        metered.run(function).await?;
        counted.idle.insert(function.to_owned(), std::mem::take(&mut metered.usage));
    }
    metered.idle.clone_from(&counted.idle);
    for life in Life::ALL {
        counted.lives.insert(life, metered.live(life).await?);
    }
    Ok(counted)
}

/// The functions in an environment that counts.
pub(super) struct MeteredFunctions<'a> {
    prices: &'a Prices,
    environment: TestEnvironment,
    functions: Callee,
    stream_poller: emulators::stream::StreamPoller,
    forms: emulators::queue::Poller,
    batches: Arc<AtomicU32>,
    idle: BTreeMap<String, Usage>,
    usage: Usage,
    paid: String,
    order: String,
    /// How many orders and forms there were.
    number: u32,
}

/// A function that is called with batches, and how often it was.
fn counting(work: Work, batches: &Arc<AtomicU32>) -> Work {
    let batches = Arc::clone(batches);
    Arc::new(move |event| {
        batches.fetch_add(1, Ordering::SeqCst);
        work(event)
    })
}

impl<'a> MeteredFunctions<'a> {
    /// In that environment, with functions that `build` makes.
    pub(super) async fn start(
        prices: &'a Prices,
        environment: TestEnvironment,
        build: impl AsyncFnOnce(&TestEnvironment) -> Result<Callee, CostsError>,
    ) -> Result<Self, CostsError> {
        let functions = build(&environment).await?;
        let batches = Arc::<AtomicU32>::default();
        let stream_poller = environment.stream(counting(functions.worker("payment-events"), &batches));
        let forms = environment.poller(counting(functions.worker("form-delivery"), &batches));
        environment.meter();
        let (idle, usage) = (BTreeMap::new(), Usage::default());
        Ok(Self {
            prices,
            environment,
            functions,
            stream_poller,
            forms,
            batches,
            idle,
            usage,
            paid: String::new(),
            order: String::new(),
            number: 0,
        })
    }

    /// Plays a life, with what it leaves in the tables; what it used.
    pub(super) async fn live(&mut self, life: Life) -> Result<Usage, CostsError> {
        let before = [self.environment.stored("order-holds").await, self.environment.stored("forms").await];
        self.usage = Usage::default();
        match life {
            Life::List => {
                self.number += 1;
                self.list().await?;
            }
            Life::ListAgain => self.list().await?,
            Life::Paid => self.paid().await?,
            Life::CaptureAgain => self.capture(MOKKA).await?,
            Life::LostCallback => self.lost_callback().await?,
            Life::Abandoned => self.abandoned().await?,
            Life::BackOfficeLook => self.look().await?,
            Life::Refund => self.refund().await?,
            Life::PaidBySbp => self.paid_by_sbp().await?,
            Life::RefundOfSbp => self.refund_of_sbp().await?,
            Life::Form => self.form(0).await?,
            Life::FormWithPhotos => self.form(PHOTOS).await?,
        }
        let mut usage = std::mem::take(&mut self.usage);
        let after = [self.environment.stored("order-holds").await, self.environment.stored("forms").await];
        let months = [self.prices.assumptions.months_of_orders, self.prices.assumptions.months_of_forms];
        for ((before, after), months) in before.into_iter().zip(after).zip(months) {
            let (items, entries) = (after.items.saturating_sub(before.items), after.entries.saturating_sub(before.entries));
            usage.add_bytes(Item::TableGbMonths, bytes(items + entries) * months);
            usage.add_bytes(Item::BackupGbMonths, bytes(items) * months);
        }
        let photos = usage.of(Item::ObjectPuts) * bytes(PHOTO_BYTES) * self.prices.assumptions.months_of_forms;
        usage.add_bytes(Item::ObjectGbMonths, photos);
        Ok(usage)
    }

    /// Adds what a function has used since something was last added.
    fn note(&mut self, function: &str, calls: u32) {
        let used = self.environment.used();
        let usage = Usage::of_calls(function, f64::from(calls), &used, &self.prices.assumptions);
        self.usage.add_times(&usage, 1.0);
    }

    /// Calls a function over HTTP; its answer's body.
    async fn call(&mut self, function: &str, event: Event) -> Result<Value, CostsError> {
        let answer = self.functions.invoke(function, event.rest()).await;
        let answer = answer.map_err(|error| CostsError::story(function, error))?;
        let body = answer["body"].as_str().unwrap_or_default();
        if !matches!(answer["statusCode"].as_u64(), Some(200 | 303)) {
            return Err(CostsError::story(function, body));
        }
        self.note(function, 1);
        let assumptions = &self.prices.assumptions;
        self.usage.add(Item::ApiRequests, 1.0);
        self.usage.add_bytes(Item::LogGb, assumptions.access_log_bytes);
        self.usage.add_bytes(Item::TransferGb, assumptions.answer_overhead_bytes + bytes(body.len()));
        Ok(serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    /// The clock calls a function.
    pub(super) async fn run(&mut self, function: &str) -> Result<(), CostsError> {
        let run = self.functions.work(function, event_file(function)).await;
        run.map_err(|error| CostsError::story(function, error))?;
        self.note(function, 1);
        Ok(())
    }

    /// The same, of which only counts what is more than an idle run.
    async fn run_with_work(&mut self, function: &str) -> Result<(), CostsError> {
        self.run(function).await?;
        if let Some(idle) = self.idle.get(function) {
            self.usage.add_times(idle, -1.0);
        }
        Ok(())
    }

    /// The stream brings to payment-events what has changed. Lambda reads the stream for nothing.
    async fn poll_stream(&mut self) -> Result<(), CostsError> {
        self.stream_poller.drain().await.map_err(|error| CostsError::story("payment-events", error))?;
        let batches = self.batches.swap(0, Ordering::SeqCst);
        self.note("payment-events", batches);
        Ok(())
    }

    /// The queue gives form-delivery what is due; Lambda receives and deletes each batch.
    async fn deliver(&mut self) -> Result<(), CostsError> {
        self.forms.drain().await.map_err(|error| CostsError::story("form-delivery", error))?;
        let batches = self.batches.swap(0, Ordering::SeqCst);
        self.note("form-delivery", batches);
        self.usage.add(Item::QueueRequests, 2.0 * f64::from(batches));
        Ok(())
    }

    async fn imshop(&mut self, function: &str, path: &str, body: Value) -> Result<Value, CostsError> {
        self.call(function, Event::post(path).key(IMSHOP_KEY).json(body)).await
    }

    async fn list(&mut self) -> Result<(), CostsError> {
        let cart = json!({
            "country": "KG", "city": "Бишкек", "utcOffset": "+06:00", "delivery": "courier/1",
            "items": [
                {"configurationId": "kettle-1", "name": "Чайник электрический 1,7 л", "quantity": 1, "price": 4990 + self.number},
                {"configurationId": "cup-7", "name": "Пиала «Ош», 6 штук", "quantity": 6, "price": 350},
                {"configurationId": "tray-2", "name": "Поднос", "quantity": 1, "price": 1200}
            ]
        });
        self.imshop("payments", "/v1/payments", cart).await?;
        // What Mokka said is stored after the answer.
        tokio::time::sleep(SOON).await;
        self.note("payments", 0);
        Ok(())
    }

    /// An order up to Mokka's page, or up to the link to the bank's app.
    async fn created(&mut self, method: &str) -> Result<(), CostsError> {
        self.number += 1;
        let uuid = format!("0b6f7a52-9d7e-4c1b-8f0a-{:012}", self.number);
        let order = json!({
            "installId": "a3c1d7e0-5b7e-4a52-9c38-3f9d2b6c7e11",
            "orders": [{
                "uuid": uuid, "name": "Айгуль Асанова", "phone": "+7 (888) 000-11-22", "email": "aigul@shop.example",
                "city": "Бишкек", "address": "улица Киевская, 95, квартира 12", "delivery": "courier/1", "deliveryPrice": 250,
                "payment": method,
                "items": [
                    {"id": "i-1", "configurationId": "kettle-1", "privateId": "p-1", "name": "Чайник электрический 1,7 л", "quantity": 1},
                    {"id": "i-2", "configurationId": "cup-7", "privateId": "p-7", "name": "Пиала «Ош», 6 штук", "quantity": 6},
                    {"id": "i-3", "configurationId": "tray-2", "privateId": "p-2", "name": "Поднос", "quantity": 1}
                ]
            }]
        });
        let placed = self.imshop("orders", "/v1/orders", order).await?;
        placed["orders"][0]["id"].as_str().unwrap_or_default().clone_into(&mut self.order);
        let create = json!({
            "command": "create", "paymentMethodId": method, "orderUuid": uuid, "orderId": self.order,
            "returnUrl": "imshop://payment/failed"
        });
        let created = self.imshop("acquiring", "/v1/acquiring", create).await?;
        created["paymentId"].as_str().unwrap_or_default().clone_into(&mut self.paid);
        if self.paid.is_empty() { Err(CostsError::story("create", created)) } else { Ok(()) }
    }

    /// The customer decides on Mokka's page.
    async fn approved(&mut self) -> Result<(), CostsError> {
        let decided = self.environment.standins().decide(&self.paid, Decision::Approved, false, 1).await;
        decided.map(drop).map_err(|error| CostsError::story("decide", error))
    }

    async fn paid(&mut self) -> Result<(), CostsError> {
        self.created(MOKKA).await?;
        self.approved().await?;
        let order =
            self.environment.standins().mokka_order(&self.paid).ok_or_else(|| CostsError::story("callback", "no order"))?;
        let address = Url::parse(&order.callback_url).map_err(|error| CostsError::story("callback", error))?;
        let callback = json!({"order_id": self.paid, "decision": "approved", "amount": order.amount, "term": 3});
        self.call("mokka-callback", Event::post(address.path()).json(callback)).await?;
        self.poll_stream().await?;
        let page = Url::parse(&order.redirect_url).map_err(|error| CostsError::story("return", error))?;
        for address in [page.path().to_owned(), format!("{}/success", page.path())] {
            self.call("mokka-callback", Event::new("GET", &address)).await?;
        }
        self.capture(MOKKA).await?;
        self.is("captured").await
    }

    async fn paid_by_sbp(&mut self) -> Result<(), CostsError> {
        self.created(SBP).await?;
        let theirs = self.environment.standins().yookassa_payments_of(&self.paid).pop().unwrap_or_default();
        let paid = CardOutcome { notify: true, ..CardOutcome::new(CardDecision::Paid) };
        let id = theirs["id"].as_str().unwrap_or_default();
        self.environment.standins().decide_yookassa(id, &paid).await.map_err(|error| CostsError::story("decide", error))?;
        self.notified().await?;
        self.poll_stream().await?;
        self.capture(SBP).await?;
        self.receipt_taken().await?;
        self.is("captured").await
    }

    /// YooKassa posts what it has to say.
    async fn notified(&mut self) -> Result<(), CostsError> {
        for notice in self.environment.standins().take_yookassa_notices() {
            let post = Event::post("/v1/cards/yookassa").text(&notice.body);
            self.call("card-callback", post).await?;
            self.environment.standins().yookassa_notice_posted(notice, 200);
        }
        Ok(())
    }

    /// The cash register has taken the receipt, which reconcile sees. Programs go by the machine's clock, which does not wait for it.
    async fn receipt_taken(&mut self) -> Result<(), CostsError> {
        if matches!(self.functions, Callee::Here(_)) {
            self.environment.advance(RECEIPT_OVER);
            self.run_with_work("reconcile").await?;
        }
        Ok(())
    }

    async fn refund_of_sbp(&mut self) -> Result<(), CostsError> {
        self.refund().await?;
        self.notified().await?;
        self.receipt_taken().await
    }

    async fn capture(&mut self, method: &str) -> Result<(), CostsError> {
        let capture = json!({"command": "capture", "paymentMethodId": method, "paymentId": self.paid});
        self.imshop("acquiring", "/v1/acquiring", capture).await.map(drop)
    }

    /// The payment has come to this, or the count is of another story.
    async fn is(&self, state: &'static str) -> Result<(), CostsError> {
        let payment = self.environment.item("order-holds", &format!("payment#{}", self.paid)).await.unwrap_or_default();
        if payment["state"] == state { Ok(()) } else { Err(CostsError::story(state, &payment["state"])) }
    }

    async fn lost_callback(&mut self) -> Result<(), CostsError> {
        self.created(MOKKA).await?;
        self.approved().await?;
        // The order itself counts with the paid ones.
        self.usage = Usage::default();
        self.environment.advance(STEP);
        self.run_with_work("reconcile").await?;
        self.poll_stream().await?;
        self.is("captured").await
    }

    async fn abandoned(&mut self) -> Result<(), CostsError> {
        self.created(MOKKA).await?;
        for _ in 0..STEPS {
            self.environment.advance(STEP);
            self.run_with_work("reconcile").await?;
        }
        self.poll_stream().await?;
        self.is("expired").await
    }

    async fn look(&mut self) -> Result<(), CostsError> {
        let path = format!("/v1/back-office/orders/{}", self.order);
        self.call("back-office", Event::new("GET", &path).key(VIEWER_KEY)).await.map(drop)
    }

    async fn refund(&mut self) -> Result<(), CostsError> {
        let path = format!("/v1/back-office/payments/{}/refunds", self.paid);
        let wish = Event::post(&path).key(CASHIER_KEY).header("Idempotency-Key", "return-1").json(json!({}));
        self.call("back-office", wish).await?;
        self.poll_stream().await?;
        self.is("refunded").await
    }

    async fn form(&mut self, photos: usize) -> Result<(), CostsError> {
        self.number += 1;
        // Each of another range and another installation, so that no limit is in the way.
        let phone = format!("77{:03}0001", self.number);
        let install = format!("a3c1d7e0-5b7e-4a52-9c38-{:012}", self.number);
        let mut jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00".to_vec();
        jpeg.resize(PHOTO_BYTES, 0x5a);
        let photo = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
        let pictures = vec![photo; photos];
        let form = |code: &str| {
            let comment = "Перезвоните, пожалуйста, после шести вечера";
            json!({
                "formName": "callback", "installId": install,
                "data": {"name": "Айгуль", "phone": format!("+996{phone}"), "comment": comment, "pictures": pictures, "otpCode": code}
            })
        };
        self.imshop("form-otp", "/v1/forms/otp", form("")).await?;
        let sent = self.environment.standins().inbox(Some(&format!("996{phone}"))).pop();
        let code = sent.ok_or_else(|| CostsError::story("form", "no SMS"))?.code;
        self.imshop("form-otp", "/v1/forms", form("000")).await?;
        let taken = self.imshop("form-otp", "/v1/forms", form(&code)).await?;
        if taken["success"] != true {
            return Err(CostsError::story("form", taken));
        }
        self.environment.advance(Duration::from_mins(2));
        self.deliver().await?;
        for push in self.environment.standins().take_sms_reports() {
            let report = Event::post(&format!("/v1/sms/reports/{SMS_REPORT_SECRET}")).text(&push.body);
            self.call("sms-reports", report).await?;
            self.environment.standins().sms_report_pushed(push, 200);
        }
        // Programs go by the machine's clock: the further the stand-ins' is ahead, the less the two agree on codes.
        if matches!(self.functions, Callee::Here(_)) {
            self.environment.advance(CODE_OVER);
        }
        self.run_with_work("sms-watch").await
    }
}
