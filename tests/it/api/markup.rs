//! What others wrote is text on every page, also where HTML ends at other signs than elsewhere.

use crate::support::{Payload, TestRedis};
use flux_console::model::ids::escaped;

const MARKUP: &str = "</title></script></textarea><b id=owned>";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ends_the_title_or_a_script_of_a_page() {
    let redis = TestRedis::start().await;
    let queue = format!("q {MARKUP}");
    let payload = Payload::new(MARKUP, &queue).class(MARKUP).attempts(3, 3).failed(MARKUP);
    redis.push_raw(&format!("queue:{queue}:failed"), [payload]).await;
    let console = redis.console().await;
    let errors = console.json("/api/v1/errors").await;
    let signature = errors["kinds"][0]["signature"].as_str().expect("a kind of error");
    let (name, text) = (escaped(&queue), escaped(MARKUP));
    for path in [
        "/".to_owned(),
        "/queues".into(),
        format!("/queues/{name}?state=failed"),
        format!("/queues/{name}?state={text}"),
        format!("/queues/{name}/jobs/{text}"),
        format!("/search?q={text}"),
        "/errors".into(),
        format!("/errors/{signature}"),
        format!("/errors/{text}"),
        format!("/schedules/{text}"),
        format!("/{text}"),
    ] {
        let page = console.get(&path).await.text().await.expect("a page");
        assert!(!page.contains("<b id=owned"), "{path}");
        assert_eq!(page.matches("</title>").count(), page.matches("<title>").count(), "{path}");
    }
    console.stop().await;
}
