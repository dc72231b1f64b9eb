//! `cart_items` of Checkout and Change: names and prices are mandatory; prices are numbers here, not strings.

use serde_json::Value;

use super::code;
use super::fields::Fields;
use super::refusal::MokkaRefusal;

/// Optional in Checkout (Mokka, "Checkout").
pub(super) fn check_checkout(fields: &Fields<'_>) -> Result<(), MokkaRefusal> {
    let allowed = ["sku", "name", "price", "sale_price", "quantity", "unit", "brand", "category"];
    for item in fields.objects("cart_items", &allowed)? {
        check_item(&item)?;
        if item.is_exact() {
            item.positive("quantity", code::CANNOT_PROCESS)?;
        } else if item.get("quantity").is_some() {
            check_quantity(&item)?;
        }
        item.texts(&["unit", "category"])?;
    }
    Ok(())
}

/// Mandatory in Change, with a quantity each, that need not be whole and fewer fields beside it (Mokka, "Change").
pub(super) fn check_change(fields: &Fields<'_>) -> Result<(), MokkaRefusal> {
    let items = fields.objects("cart_items", &["sku", "name", "price", "sale_price", "quantity", "brand"])?;
    if items.is_empty() {
        return Err(MokkaRefusal::new(code::CART, "cart_items"));
    }
    for item in items {
        check_item(&item)?;
        check_quantity(&item)?;
    }
    Ok(())
}

/// Shops sell by weight, too.
fn check_quantity(item: &Fields<'_>) -> Result<(), MokkaRefusal> {
    if item.get("quantity").and_then(Value::as_f64).is_some_and(|quantity| quantity > 0.0) {
        return Ok(());
    }
    Err(MokkaRefusal::new(code::CANNOT_PROCESS, format!("{} must be a positive number", item.path("quantity"))))
}

fn check_item(item: &Fields<'_>) -> Result<(), MokkaRefusal> {
    let missing = |name| MokkaRefusal::new(code::CANNOT_PROCESS, format!("{} is missing", item.path(name)));
    item.text("name")?.ok_or_else(|| missing("name"))?;
    item.price("price")?.ok_or_else(|| missing("price"))?;
    item.price("sale_price")?;
    item.texts(&["sku", "brand"])
}
