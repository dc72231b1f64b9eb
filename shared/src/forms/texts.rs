//! What a customer reads about a form and its code, in Russian. What changes is filled in by the functions below.

/// No phone number among the form's fields.
pub const PHONE_MISSING: &str = "Укажите номер телефона.";
/// The phone's field holds something else.
pub const PHONE_INVALID: &str = "Проверьте номер телефона: он должен быть в международном формате, например +996 770 123 456.";
/// SMS are not sent to this country.
pub const PHONE_COUNTRY: &str = "На номера этой страны коды не отправляются. Укажите другой номер.";
/// The numbering plan says that it takes no SMS.
pub const PHONE_NOT_MOBILE: &str = "На этот номер SMS не приходят. Укажите номер мобильного телефона.";
/// Codes are not sent to numbers of this range.
pub const PHONE_DENIED: &str = "На этот номер коды не отправляются. Укажите другой номер мобильного телефона.";
/// The form is not configured.
pub const FORM_UNKNOWN: &str = "Эта форма не подключена. Обратитесь в магазин.";
/// The form needs a code and none came.
pub const CODE_MISSING: &str = "Введите код из SMS.";
/// The form needs no code.
pub const CODE_NOT_NEEDED: &str = "Для этой формы код не нужен.";
/// The SMS service could not be reached or refused for our reasons.
pub const SMS_UNAVAILABLE: &str = "Не удалось отправить код. Попробуйте ещё раз через минуту.";
/// The SMS service could not check the code.
pub const CHECK_UNAVAILABLE: &str = "Не удалось проверить код. Попробуйте ещё раз через минуту.";
/// The form could not be saved; the code stays valid.
pub const FORM_NOT_SAVED: &str = "Не удалось отправить форму. Попробуйте ещё раз: код вводить заново не нужно.";
/// The same form is being saved by another request.
pub const FORM_IN_PROGRESS: &str = "Форма уже отправляется. Попробуйте ещё раз через несколько секунд.";
/// The form is stored, and the shop has not answered yet.
pub const FORM_ACCEPTED: &str = "Спасибо! Заявка принята.";
/// The form is larger than what can be stored.
pub const FORM_TOO_LARGE: &str = "Форма слишком большая. Сократите текст, вместо файлов приложите фотографии.";

/// Another form is taken after `minutes`.
#[must_use]
pub fn wait_minutes_for_next_form(minutes: u64) -> String {
    format!("Слишком много заявок. Новую можно отправить через {minutes} мин.")
}

/// Another form is taken after `hours`.
#[must_use]
pub fn wait_hours_for_next_form(hours: u64) -> String {
    format!("Слишком много заявок. Новую можно отправить через {hours} ч.")
}

/// The shop takes forms again after `hours`.
#[must_use]
pub fn shop_takes_forms_again(hours: u64) -> String {
    format!("Магазин временно не принимает заявки. Попробуйте через {hours} ч или обратитесь в магазин.")
}

/// A new code can be asked for after `seconds`.
#[must_use]
pub fn wait_for_next_code(seconds: u64) -> String {
    format!("Новый код можно запросить через {seconds} с.")
}

/// A new code can be asked for after `minutes`.
#[must_use]
pub fn wait_minutes_for_next_code(minutes: u64) -> String {
    format!("Слишком много запросов кода. Новый код можно запросить через {minutes} мин.")
}

/// A new code can be asked for after `hours`.
#[must_use]
pub fn wait_hours_for_next_code(hours: u64) -> String {
    format!("Слишком много запросов кода. Новый код можно запросить через {hours} ч.")
}

/// Too many wrong codes were entered; a new one can be asked for after `hours`.
#[must_use]
pub fn wait_hours_after_wrong_codes(hours: u64) -> String {
    format!("Слишком много неверных кодов. Новый код можно запросить через {hours} ч.")
}

/// The shop has sent as many codes today as it may; it goes on after `hours`.
#[must_use]
pub fn shop_sends_again(hours: u64) -> String {
    format!("Магазин временно не отправляет коды. Попробуйте через {hours} ч или обратитесь в магазин.")
}
