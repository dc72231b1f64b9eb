//! What the settings say of the gateways beside Mokka: their sections of `payments.toml`, and their keys.

use crate::payments::methods::{GatewaySection, GatewaySections, secret_name};
use crate::payments::payment::GatewayName;
use crate::platform::env::Env;
use crate::platform::secret::Keys;

/// The longest name of an installation: providers keep it with each payment (YooKassa: at most 512 characters), and the template's, an
/// account of 12 digits, a hyphen and a stack of at most 128 characters, has 141.
const MAX_INSTALLATION: usize = 200;

/// A gateway as it is to be built.
#[derive(Clone, Debug)]
pub struct Configured {
    pub name: GatewayName,
    /// Its section, with the address that is in force.
    pub section: GatewaySection,
    pub keys: Keys,
    /// What tells this installation's payments from those of others that share the account at the provider.
    pub installation: String,
}

/// Reads the gateways of the file `PAYMENTS_CONFIG` (default `/opt/payments.toml`), and of each `GATEWAY_{NAME}_SECRET`, during a rotation
/// `GATEWAY_{NAME}_SECRET_NEXT`, and on a machine where its provider is another one `GATEWAY_{NAME}_BASE_URL`. With a gateway
/// `INSTALLATION` is needed.
pub(crate) fn configured(env: &mut Env) -> Option<Vec<Configured>> {
    let sections = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", GatewaySections::parse)?;
    if sections.by_name().is_empty() {
        return Some(Vec::new());
    }
    let installation = env.parsed("INSTALLATION", installation);
    // Each is read before any is missed, so that one start shows all that is wrong.
    let gateways: Vec<_> = sections.into_iter().map(|(name, section)| read(env, name, section, installation.as_ref())).collect();
    gateways.into_iter().collect()
}

fn read(env: &mut Env, name: GatewayName, section: GatewaySection, installation: Option<&String>) -> Option<Configured> {
    let secret = secret_name(&name);
    let keys = env.keys(&secret);
    let address = format!("{}_BASE_URL", secret.strip_suffix("_SECRET").unwrap_or(&secret));
    let base_url = env.optional_url(&address).unwrap_or(section.base_url);
    Some(Configured { name, section: GatewaySection { base_url, ..section }, keys: keys?, installation: installation?.clone() })
}

fn installation(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let right = plain && (1..=MAX_INSTALLATION).contains(&text.len());
    if right {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {MAX_INSTALLATION} Latin letters, digits, hyphens, underscores or dots"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TWO: &str = "[gateways.yookassa]\nkind = \"yookassa\"\nshopId = \"506751\"\n\
        [gateways.shop-2]\nkind = \"yookassa\"\nshopId = \"506752\"\nfinish = \"on_shipment\"\n";

    /// What is read of a file and some settings, and what is said against them.
    fn read(file: &str, settings: &[(&str, &str)]) -> Result<Vec<Configured>, String> {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(file.as_bytes()).unwrap();
        let path = written.path().to_string_lossy().into_owned();
        let settings = settings.iter().copied().chain([("PAYMENTS_CONFIG", path.as_str())]);
        let mut env = Env::from_map(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        let configured = configured(&mut env);
        env.finish(configured).map_err(|error| error.to_string().replace(&path, "FILE"))
    }

    #[test]
    fn each_gateway_has_its_section_its_keys_and_the_installation() {
        let settings = [
            ("INSTALLATION", "123456789012-imshop-webhooks-prod"),
            ("GATEWAY_YOOKASSA_SECRET", "first"),
            ("GATEWAY_YOOKASSA_SECRET_NEXT", "following"),
            ("GATEWAY_SHOP_2_SECRET", "second"),
            ("GATEWAY_SHOP_2_BASE_URL", "http://127.0.0.1:9001/yookassa/v3"),
        ];
        let read = read(TWO, &settings).unwrap();
        let [second, first] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((first.name.as_str(), second.name.as_str()), ("yookassa", "shop-2"));
        assert_eq!((first.section.shop_id.as_str(), second.section.shop_id.as_str()), ("506751", "506752"));
        assert_eq!(first.section.base_url.as_str(), "https://api.yookassa.ru/v3");
        assert_eq!(second.section.base_url.as_str(), "http://127.0.0.1:9001/yookassa/v3");
        assert_eq!((first.keys.current().expose(), second.keys.current().expose()), ("first", "second"));
        assert_eq!(first.keys.next().map(crate::platform::secret::Secret::expose), Some("following"));
        assert!(second.keys.next().is_none());
        assert_eq!((first.installation.as_str(), &second.installation), (settings[0].1, &first.installation));
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let said = read(TWO, &[]).unwrap_err();
        for name in ["INSTALLATION", "GATEWAY_YOOKASSA_SECRET", "GATEWAY_SHOP_2_SECRET"] {
            assert!(said.contains(&format!("{name}: must be set and not empty")), "{said}");
        }
        let said = read(&TWO.replace("506752", "-"), &[]).unwrap_err();
        assert!(said.contains("PAYMENTS_CONFIG: FILE:6:10: field `gateways.shop-2.shopId`: must be the shop's number"), "{said}");
    }

    #[test]
    fn installation_of_the_longest_stack_fits() {
        // AWS: an account of 12 digits, a stack of at most 128 letters, digits and hyphens.
        let longest = format!("123456789012-{}", "s".repeat(128));
        let keys = [("GATEWAY_YOOKASSA_SECRET", "first"), ("GATEWAY_SHOP_2_SECRET", "second")];
        let with = |name: &str| read(TWO, &[&keys[..], &[("INSTALLATION", name)]].concat());
        assert_eq!(with(&longest).unwrap()[0].installation, longest);
        assert!(with(&"s".repeat(200)).is_ok());
        let said = with(&"s".repeat(201)).unwrap_err();
        assert!(said.contains("INSTALLATION: must be 1 to 200 Latin letters"), "{said}");
    }

    #[test]
    fn without_a_gateway_nothing_is_needed() {
        assert!(read("[[method]]\nid = \"cash\"\n", &[]).unwrap().is_empty());
    }
}
