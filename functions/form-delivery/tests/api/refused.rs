//! The shop refuses a form whose customer was told that it is taken: somebody has to call them.

use serde_json::json;
use standins::{Fault, System};

use crate::{House, LOOKED_AFTER};

const LINE: &str = "the shop refuses a form that the customer was told is taken";

#[tokio::test]
async fn a_refusal_that_comes_too_late_for_the_customer_calls_a_person() {
    let house = House::start().await;
    house.world.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    assert!(house.hand_in("10:00").await);
    house.shop_has(Fault::Refused);
    house.world.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((house.states().await, house.queued(), house.tries()), (vec!["refused".to_owned()], 0, 2));
    let id = house.id().await;
    let lines = house.logged("ERROR", LINE);
    let ours = lines.iter().filter(|line| line["submission"] == json!(id)).count();
    assert_eq!(ours, 1, "{lines:?}");
}

#[tokio::test]
async fn a_refusal_that_the_customer_has_read_calls_nobody() {
    let house = House::start().await;
    house.world.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert!(!house.hand_in("10:00").await);
    house.world.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((house.states().await, house.queued(), house.tries()), (vec!["refused".to_owned()], 0, 1));
    let id = house.id().await;
    assert!(house.logged("ERROR", LINE).iter().all(|line| line["submission"] != json!(id)));
}
