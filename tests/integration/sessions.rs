//! A session is of one host, and there is one or none.

use crate::house::{House, Neighbors};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_holds_on_its_own_host_and_two_are_none() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let other = house.cookie_of("registrar").await;
    let accept = ("accept", "application/json");
    let mut ehr = house.line("ehr.localhost", Protocol::Http1).await;
    let mut console = house.line("console.localhost", Protocol::Http1).await;

    assert_eq!(ehr.ask("/", &[accept, ("cookie", &cookie)]).await.status, 200);
    assert_eq!(console.ask("/", &[accept, ("cookie", &cookie)]).await.status, 401);
    for both in
        [format!("{cookie}; {other}"), format!("{cookie}; {cookie}"), format!("{other}; a=b; {cookie}")]
    {
        let came = ehr.ask("/", &[accept, ("cookie", &both)]).await;
        assert_ne!(came.status, 200, "{}", came.reason());
    }
    let apart = ehr.ask("/", &[accept, ("cookie", &cookie), ("cookie", &other)]).await;
    assert_ne!(apart.status, 200, "{}", apart.reason());
    let mut changed = cookie.clone();
    changed.pop();
    assert_eq!(ehr.ask("/", &[accept, ("cookie", &changed)]).await.status, 401);
    assert_eq!(
        ehr.ask("/", &[accept, ("cookie", &cookie)]).await.status,
        200,
        "the session itself is unharmed"
    );
    house.stop().await;
}
