//! Whose request it is: Basic authentication with the shop's id and its secret key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;
use crate::options::Options;
use crate::request::Request;

pub(super) fn check(options: &Options, request: &Request) -> Result<(), Refusal> {
    let Some(sent) = request.header("authorization") else {
        return Err(Refusal::credentials("Authorization header is missing"));
    };
    let basic = sent.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let pair = basic.and_then(|(_, pair)| STANDARD.decode(pair.trim()).ok()).and_then(|pair| String::from_utf8(pair).ok());
    let Some((shop, key)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else {
        return Err(Refusal::credentials("Basic authentication with shopId and the secret key is expected"));
    };
    if shop == options.yookassa_shop_id && key == options.yookassa_key {
        return Ok(());
    }
    Err(Refusal::credentials(
        "Error in shopId or secret key. Check their validity. You can reissue the key in the Merchant Profile",
    ))
}
