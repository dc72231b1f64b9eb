//! A start with a setting missing names it.

use shared::platform::env::Env;
use testkit::TestEnvironment;

#[tokio::test]
async fn a_start_without_a_setting_names_it() {
    let environment = TestEnvironment::start().await;
    for missing in ["FORMS_TABLE", "FORM_PHOTOS_BUCKET", "FORMS_QUEUE_URL", "SHOP_FORMS_URL", "SHOP_FORMS_SECRET", "AWS_REGION"] {
        let mut env = environment.env();
        env.remove(missing);
        let error = form_delivery::Deps::from_env(Env::from_map(env), environment.platform()).unwrap_err().to_string();
        assert!(error.contains(missing), "{error}");
    }
}
