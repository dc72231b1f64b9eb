//! The shop refuses a form whose customer was told that it is taken: the shop has to call them.

use serde_json::json;
use standins::{Fault, System};

use crate::{LOOKED_AFTER, Setup};

const LINE: &str = "the shop refused a form whose customer has read that it was accepted";

#[tokio::test]
async fn late_refusal_of_the_shop_raises_the_alarm() {
    let setup = Setup::start().await;
    setup.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    assert!(setup.hand_in("10:00").await);
    setup.shop_has(Fault::Refused);
    setup.environment.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((setup.states().await, setup.queued(), setup.tries()), (vec!["refused".to_owned()], 0, 2));
    let id = setup.id().await;
    let lines = setup.logged("ERROR", LINE);
    let ours = lines.iter().filter(|line| line["submission"] == json!(id)).count();
    assert_eq!(ours, 1, "{lines:?}");
}

#[tokio::test]
async fn refusal_shown_to_the_customer_raises_no_alarm() {
    let setup = Setup::start().await;
    setup.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert!(!setup.hand_in("10:00").await);
    setup.environment.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((setup.states().await, setup.queued(), setup.tries()), (vec!["refused".to_owned()], 0, 1));
    let id = setup.id().await;
    assert!(setup.logged("ERROR", LINE).iter().all(|line| line["submission"] != json!(id)));
}
