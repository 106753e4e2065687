//! The pages for people, as a browser gets them. What they do in one is tried in `tests/e2e/browser`.

use expansion_e2e::{Source, World, as_of, portfolio};
use expansion_local::Options;

/// A name that would be something else than text if it were not taken as one.
const NAME: &str = "<script>alert(1)</script> & \"Sons\"";

fn text(body: &serde_json::Value) -> &str {
    body.as_str().expect("a page is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_names_as_text_and_bring_nothing_from_elsewhere() {
    let mut tables = portfolio();
    for customer in &mut tables.customers {
        customer.name = NAME.to_owned();
    }
    let world = World::over(&Source::of(&tables, None)).await;
    let early = world.manager().get("/").await;
    assert_eq!(early.headers["content-type"], "text/html; charset=utf-8");
    let early = early.ok();
    assert!(text(&early).contains("Nothing scored yet") && text(&early).contains("id=\"refresh\""), "{early}");
    world.refreshed(as_of(0)).await;
    let customer = world.all_rows().await[0]["customer_id"].as_str().expect("an id").to_owned();
    for path in
        ["/", "/?q=%3Cscript%3E&sort=priority", &format!("/customers/{customer}"), "/accuracy", "/data", "/docs"]
    {
        let page = world.manager().get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = &page.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = text(&page.body);
        assert!(!html.contains("<script>") && !html.contains("style="), "{path}");
        // A chart names its language by an address, which nobody asks for.
        assert_eq!(html.matches("=\"http").count(), html.matches(" xmlns=\"http").count(), "{path}");
        assert!(html.trim_end().ends_with("</html>"), "{path}");
    }
    let page = world.manager().get(&format!("/customers/{customer}")).await;
    assert!(text(&page.body).contains("&#60;script&#62;alert(1)"), "the name is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csm_gets_no_page_of_somebody_else_s_customer() {
    let world = World::after(&[0]).await;
    let rows = world.all_rows().await;
    let (mine, theirs) = (&rows[0], rows.iter().find(|row| row["csm_id"] != rows[0]["csm_id"]).expect("two CSMs"));
    let csm = world.csm(mine["csm_id"].as_str().expect("a CSM"));
    let page = async |row: &serde_json::Value| {
        csm.get(&format!("/customers/{}", row["customer_id"].as_str().expect("an id"))).await
    };
    assert_eq!((page(mine).await.status, page(theirs).await.status), (200, 404));
    let foreign = [("sec-fetch-site", "cross-site")];
    let forged = world.manager().post("/api/analytics/expansion-propensity/refresh", &foreign, "{}").await;
    let _ = forged.problem(403, "forbidden");
    let list = csm.get("/").await;
    assert!(!text(&list.body).contains("id=\"refresh\""), "only managers refresh");
    assert_eq!(csm.get(&format!("/?csm_id={}", theirs["csm_id"].as_str().expect("a CSM"))).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_browser_has_is_not_sent_again() {
    let world = World::start(Options::default()).await;
    let first = world.manager().get("/openapi.json").await;
    let tag = first.headers["etag"].clone();
    assert_eq!(first.ok()["openapi"], "3.1.0");
    let again = world.manager().get_with("/assets/app.css", &[]).await;
    assert_eq!(again.headers["content-type"], "text/css; charset=utf-8");
    let known = world.manager().get_with("/openapi.json", &[("if-none-match", &tag)]).await;
    assert_eq!(known.status, 304);
    assert_eq!(world.manager().get("/assets/other.js").await.status, 404);
}
