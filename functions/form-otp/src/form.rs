//! The request, parsed: a form with its name, its installation, its fields, and the code if one came with it.

use serde_json::{Map, Value};
use shared::forms::imshop::{Answer, Request};
use shared::forms::photos::{self, Picture};
use shared::forms::{config, texts};
use shared::platform::http::Failure;
use shared::platform::ids::{FormName, InstallId};
use shared::platform::phone::Phone;
use shared::platform::plain::{self, plain};
use shared::platform::secret::sha256_hex;

/// The field with the customer's code.
const CODE: &str = "otpCode";

/// A form as it was filled in.
pub(crate) struct Form {
    pub(crate) name: FormName,
    pub(crate) installation: Option<InstallId>,
    /// Its fields without the code, and with null where a photo was.
    pub(crate) data: Map<String, Value>,
    /// Its photos.
    pub(crate) pictures: Vec<Picture>,
    /// The code, as it was sent and not as it was pasted.
    pub(crate) code: Option<String>,
}

impl Form {
    pub(crate) fn read(request: Request) -> Result<Self, Failure> {
        let name = match (request.form_name, request.form_id) {
            (Some(name), Some(id)) if name != id => {
                return Err(Failure::bad_request("fields `formName` and `formId`: name two different forms"));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(Failure::bad_request("field `formName`: is missing (`formId` is accepted too)")),
        };
        if request.otp_code.is_some() {
            tracing::warn!(form = name.as_str(), "`otpCode` stands beside `data` instead of in it, where it does not count");
        }
        let mut data = request.data.ok_or_else(|| Failure::bad_request("field `data`: is missing"))?;
        let code = match data.remove(CODE) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if plain(&text).is_empty() => None,
            Some(Value::String(text)) => Some(plain::code(&text)),
            Some(Value::Number(code)) if code.is_u64() => Some(code.to_string()),
            Some(Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(Failure::bad_request("field `data.otpCode`: must be a string (a whole number is accepted too)"));
            }
        };
        let pictures = photos::take_out(&mut data).map_err(|bad| Failure::bad_request(bad.to_string()))?;
        Ok(Self { name, installation: request.install_id, data, pictures, code })
    }

    /// The phone in the first of the configured fields that is filled in; otherwise what the customer is told.
    pub(crate) fn phone(&self, config: &config::Form) -> Result<Phone, Answer> {
        let text = config.phone_fields.iter().find_map(|field| said(self.data.get(field)?));
        let text = text.ok_or_else(|| Answer::failed(texts::PHONE_MISSING))?;
        Phone::parse(&text).map_err(|_| Answer::failed(texts::PHONE_INVALID))
    }

    /// The first number that can be read in the configured fields: what a form is found by that no code is sent for.
    pub(crate) fn first_phone(&self, config: &config::Form) -> Option<Phone> {
        let in_field = |value: &Value| {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            values.iter().filter_map(said).find_map(|text| Phone::first_in(&text))
        };
        config.phone_fields.iter().filter_map(|field| self.data.get(field)).find_map(in_field)
    }

    /// The fields as JSON with their names in order, so that equal forms are equal texts.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(&self.data).unwrap_or_default()
    }

    /// What tells its photos from others.
    pub(crate) fn photos_digest(&self) -> String {
        let digests: Vec<_> = self.pictures.iter().map(|picture| sha256_hex(picture.base64())).collect();
        digests.join(" ")
    }
}

/// What is written in a field that holds one thing, if anything is.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !plain(text).is_empty()),
        // A whole number, however it is written; a fraction stays one, which is not taken for a phone.
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").unwrap_or(&text).replace('.', "_"))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(data: &Value) -> Form {
        let request = json!({"formName": "callback", "installId": "i", "data": data});
        Form::read(serde_json::from_value(request).unwrap()).unwrap()
    }

    #[test]
    fn equal_forms_are_equal_texts_whatever_the_order_and_the_code() {
        let one: Value = serde_json::from_str(r#"{"b":{"y":1,"x":2},"a":[1],"otpCode":"1234"}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":[1],"b":{"x":2,"y":1},"otpCode":5678}"#).unwrap();
        assert_eq!(form(&one).canonical(), r#"{"a":[1],"b":{"x":2,"y":1}}"#);
        assert_eq!(form(&other).canonical(), r#"{"a":[1],"b":{"x":2,"y":1}}"#);
    }

    #[test]
    fn the_phone_is_in_the_first_field_that_is_filled_in() {
        let config = config::Forms::parse(
            &include_str!("../../../infra/config/forms.toml").replace(r#"["phone"]"#, r#"["phone", "tel"]"#),
        )
        .unwrap();
        let config = config.find(&FormName::parse("callback").unwrap()).unwrap();
        let digits = |data: Value| form(&data).phone(config).map(|phone| phone.digits().to_owned()).ok();
        let wanted = Some("996770123456".to_owned());
        assert_eq!(digits(json!({"phone": "+996 770 12-34-56", "tel": "79998887766"})), wanted);
        assert_eq!(digits(json!({"phone": " ", "tel": "0770123456"})), wanted);
        assert_eq!(digits(json!({"phone": null, "tel": 996_770_123_456_u64})), wanted);
        assert_eq!(digits(json!({"phone": {"value": "1"}, "tel": "996770123456"})), wanted);
        assert_eq!(digits(json!({"phone": "soon", "tel": "996770123456"})), None, "what is filled in counts");
        assert_eq!(digits(json!({"mobile": "996770123456"})), None);
        let first = |data: Value| form(&data).first_phone(config).map(|phone| phone.digits().to_owned());
        assert_eq!(first(json!({"phone": "soon", "tel": "996770123456"})), wanted);
        assert_eq!(first(json!({"phone": "тел. 0770 12-34-56, 0555 65-43-21"})), wanted);
        assert_eq!(first(json!({"phone": ["", "0770123456"]})), wanted);
        assert_eq!(first(json!({"phone": 996_770_123_456.0})), wanted);
        assert_eq!(first(json!({"phone": 99_677_012_345.6})), None);
        assert_eq!(first(json!({"phone": -5, "tel": {"value": "0770123456"}})), None);
    }
}
