//! What has nothing to do with a payment: customers' limits, the form on which they get one, and instalments. Of what is said
//! about a customer nothing is stored, and of whom it was asked only a digest is logged.

use lambda_http::{Body, Response};
use serde::{Deserialize, Serialize};
use shared::payments::gateway::Gateway as _;
use shared::payments::gateway::mokka::MokkaGateway;
use shared::payments::mokka::Error;
use shared::payments::mokka::types::{self, Channel, LimitStatus, RegistrationOrder, RegistrationRequest};
use shared::payments::store::Registration;
use shared::platform::dynamodb::Written;
use shared::platform::env::parse_url;
use shared::platform::http::{self, Failure, Status};
use shared::platform::ids::RegistrationId;
use shared::platform::money::{Currency, Money};
use shared::platform::phone::Phone;
use shared::platform::secret::Purpose;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::request::{self, Amount, Email, Https, MokkaPhone, Text, wrong};
use crate::{Asked, response};

impl Asked<'_> {
    fn mokka(&self) -> &MokkaGateway {
        self.deps.settler.gateways.mokka()
    }

    fn currency(&self) -> Currency {
        self.mokka().currency()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitRequest {
    phone: MokkaPhone,
}

#[derive(Serialize)]
struct LimitAnswer {
    success: bool,
    /// Whether Mokka knows the customer.
    phone_known: bool,
    status: String,
    /// What Mokka says; absent if it does not know the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    currency: &'static str,
    /// Where any customer gets one, if the shop has such an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_form_url: Option<String>,
}

pub(crate) async fn limit(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let request: LimitRequest = request::body(asked.inbound)?;
    let limit = match asked.mokka().client().limit(&request.phone.0, asked.inbound.deadline()).await {
        Ok(limit) => limit,
        Err(error) => return response::provider_failed(&error),
    };
    if let Ok(phone) = Phone::parse(&request.phone.0) {
        asked.shown(&asked.digest(&phone), 1);
    }
    let status = match &limit.status {
        LimitStatus::Active => "active",
        LimitStatus::Inactive => "inactive",
        LimitStatus::New => "new",
        LimitStatus::Other(status) => status,
    };
    let answer = LimitAnswer {
        success: true,
        phone_known: limit.status != LimitStatus::New,
        status: status.to_owned(),
        limit: limit.limit_amount.0.filter(|_| limit.status != LimitStatus::New).map(|amount| amount.to_string()),
        currency: asked.currency().code(),
        limit_form_url: asked.deps.partner_uid.as_ref().map(|uid| asked.mokka().client().limit_form(uid).into()),
    };
    http::json(Status::Ok, &answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterRequest {
    redirect_url: Https,
    phone: Option<MokkaPhone>,
    email: Option<Email>,
    person: Option<Person>,
    additional_data: Option<AdditionalData>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    first_name: Option<Text<100>>,
    surname: Option<Text<100>>,
    patronymic: Option<Text<100>>,
    /// `1990-12-31`.
    birth_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdditionalData {
    previous_url: Option<Text<2000>>,
    channel: Option<Opened>,
    returning_customer: Option<bool>,
    bank_card: Option<bool>,
    last_orders: Option<u32>,
    same_address: Option<bool>,
}

/// Where the form is opened.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Opened {
    Mobile,
    App,
    Desktop,
}

impl From<Opened> for Channel {
    fn from(opened: Opened) -> Self {
        match opened {
            Opened::Mobile => Self::Mobile,
            Opened::App => Self::App,
            Opened::Desktop => Self::Desktop,
        }
    }
}

impl From<AdditionalData> for types::AdditionalData {
    fn from(data: AdditionalData) -> Self {
        Self {
            previous_url: data.previous_url.map(|text| text.0),
            channel: data.channel.map(Channel::from),
            returning_customer: data.returning_customer,
            bank_card: data.bank_card,
            last_orders: data.last_orders,
            same_address: data.same_address,
        }
    }
}

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl Person {
    fn read(self, today: Date) -> Result<types::Person, Failure> {
        let birth_date = self.birth_date.map(|text| {
            let date = Date::parse(&text, DAY).ok().filter(|date| text.len() == 10 && *date < today);
            date.ok_or_else(|| wrong("person.birth_date", "must be a day in the past, like 1990-12-31"))
        });
        Ok(types::Person {
            first_name: self.first_name.map(|text| text.0),
            surname: self.surname.map(|text| text.0),
            patronymic: self.patronymic.map(|text| text.0),
            birth_date: birth_date.transpose()?,
        })
    }
}

#[derive(Serialize)]
struct RegisterAnswer<'a> {
    success: bool,
    registration_id: &'a str,
    form_url: &'a str,
}

/// Asks for the form. What is asked is stored first, so that the callback is known however early it comes.
pub(crate) async fn register(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let request: RegisterRequest = request::body(asked.inbound)?;
    let deps = asked.deps;
    let now = deps.settler.clock.now();
    let person = request.person.map(|person| person.read(now.utc().date())).transpose()?;
    let base = deps.public_base_url.as_ref().or(asked.inbound.api_gateway_url());
    let base = base.ok_or_else(|| Failure::internal("PUBLIC_BASE_URL is not set and the event names no domain"))?;
    let id = RegistrationId::parse(&deps.random.hex32().map_err(Failure::internal)?).map_err(Failure::internal)?;
    let token = deps.internal.digest(Purpose::RegistrationToken, &[id.as_str()]);
    match deps.settler.orders.save_registration(&Registration::new(id.clone(), &token, now)).await.map_err(Failure::internal)? {
        Written::Yes => {}
        Written::Conflict => return Err(Failure::internal("a new registration's id is taken")),
    }
    let registration = RegistrationRequest {
        callback_url: format!("{}/v1/mokka/registration/{id}/{token}", base.as_str().trim_end_matches('/')),
        redirect_url: request.redirect_url.0,
        primary_phone: request.phone.map(|phone| phone.0),
        primary_email: request.email.map(|email| email.0),
        current_order: RegistrationOrder { order_id: id.as_str().to_owned() },
        person,
        additional_data: request.additional_data.map(types::AdditionalData::from),
    };
    let form_url = match asked.mokka().client().registration(&registration, asked.inbound.deadline()).await {
        Ok(registered) => registered.iframe_url,
        Err(error) => return response::provider_failed(&error),
    };
    if parse_url(&form_url).is_err() {
        return response::provider_failed(&Error::Unavailable("its iframe_url is not an https URL".to_owned()));
    }
    tracing::info!(registration_id = %id, "registration opened");
    http::json(Status::Ok, &RegisterAnswer { success: true, registration_id: id.as_str(), form_url: &form_url })
}

#[derive(Serialize)]
struct RegistrationAnswer<'a> {
    success: bool,
    registration_id: &'a str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
}

pub(crate) async fn registration(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let id = RegistrationId::parse(id).map_err(|_| Failure::not_found())?;
    let registration = asked.deps.settler.orders.registration(&id).await.map_err(Failure::internal)?;
    let registration = registration.ok_or_else(Failure::not_found)?;
    asked.shown(id.as_str(), 1);
    let decided = registration.decided;
    let limit = decided.and_then(|decided| decided.limit);
    let answer = RegistrationAnswer {
        success: true,
        registration_id: id.as_str(),
        created_at: registration.created_at.rfc3339(),
        decision: decided.map(|decided| if decided.approved { "approved" } else { "declined" }),
        limit: limit.map(Money::decimal),
        currency: limit.map(|limit| limit.currency().code()),
        decided_at: decided.map(|decided| decided.at.rfc3339()),
    };
    http::json(Status::Ok, &answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulesRequest {
    amount: Amount,
}

#[derive(Serialize)]
struct SchedulesAnswer {
    success: bool,
    schedules: Vec<Schedule>,
}

#[derive(Serialize)]
struct Schedule {
    term: u32,
    total: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_payment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_overpayment: Option<String>,
    payments: Vec<Due>,
}

#[derive(Serialize)]
struct Due {
    /// `2026-12-31`.
    date: String,
    amount: String,
}

impl Due {
    fn of(due: &types::ScheduledPayment) -> Self {
        Self { date: due.date.to_string(), amount: due.amount.to_string() }
    }
}

pub(crate) async fn schedules(asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
    let request: SchedulesRequest = request::body(asked.inbound)?;
    if request.amount.is_zero() {
        return Err(wrong("amount", "must be above zero"));
    }
    let amount = request.amount.in_currency(asked.currency());
    let tariffs = match asked.mokka().client().schedule(amount, asked.inbound.deadline()).await {
        Ok(tariffs) => tariffs,
        Err(error) => return response::provider_failed(&error),
    };
    let schedules = tariffs.into_iter().map(|tariff| Schedule {
        term: tariff.term,
        total: tariff.total.to_string(),
        monthly_payment: tariff.monthly_payment.0.map(|amount| amount.to_string()),
        monthly_overpayment: tariff.monthly_overpayment.0.map(|amount| amount.to_string()),
        payments: tariff.payment_dates.iter().map(Due::of).collect(),
    });
    http::json(Status::Ok, &SchedulesAnswer { success: true, schedules: schedules.collect() })
}
