//! Two nodes behind any balancer: who has signed in at one is known at the other, and out means out at both.

mod house;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use house::{House, To};

use crate::demo::browser::Caller;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Revocation, Target};
use crate::features::session::SESSION_COOKIE;
use crate::foundation::clock::{Clock as _, SystemClock};

fn revocations(events: &[Event]) -> Vec<&Revocation> {
    events.iter().filter_map(|event| event.opening.revocation.as_deref()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_sign_in_may_come_to_another_node() {
    let house = House::open().await;
    // Each request has a connection of its own: the sign-in begins at one node and comes back to the other.
    for (begun, finished) in [(To::A, To::B), (To::B, To::A), (To::Both, To::Both)] {
        let mut browser = house.browser();
        house.lead(begun);
        let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
        house.lead(finished);
        let back = house.enter(&mut browser, &page, "nurse").await;
        assert_eq!(back.status, 200, "{begun:?} {finished:?}: {}", back.text());
        for to in [To::A, To::B] {
            house.lead(to);
            let reply = browser.open(&format!("{}/", house.ehr())).await.unwrap();
            assert_eq!(reply.url.host_str(), Some("ehr.localhost"), "{to:?}");
            assert_eq!(reply.status, 200, "{to:?}");
        }
    }
    house.until_both_know(3).await;
    for events in house.stop().await {
        assert!(events.iter().any(|event| event.opening.subject.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_at_one_node_is_out_at_the_other() {
    let house = House::open().await;
    let mut browser = house.signed_in("nurse").await;
    house.until_both_know(1).await;
    let cookie = browser.cookie("ehr.localhost", SESSION_COOKIE).unwrap().to_owned();
    house.lead(To::A);
    browser.submit(&format!("{}/.leastway/sign-out", house.ehr()), &[]).await.unwrap();
    let mut copy = house.browser();
    let stands = |node: usize| house.nodes[node].shared.sessions.list(10, SystemClock.now()).len();
    House::until(async || stands(0) == 0 && stands(1) == 0).await;
    for to in [To::A, To::B] {
        house.lead(to);
        let reply =
            copy.once_as(Caller::Program, &format!("{}/", house.ehr()), SESSION_COOKIE, &cookie).await;
        assert_eq!(reply.unwrap().status, 401, "{to:?}");
    }
    // The other node's own event is closed when all is cut.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let [at_a, at_b] = house.stop().await;
    let (asked, told) = (revocations(&at_a), revocations(&at_b));
    assert_eq!((asked.len(), told.len()), (1, 1));
    assert_eq!((asked[0].cause, told[0].cause), (Cause::SignOut, Cause::SignOut));
    assert_eq!((asked[0].relayed, &asked[0].target), (None, &told[0].target));
    let event = at_a.iter().find(|event| event.opening.kind == EventKind::Revocation).unwrap();
    assert_eq!(told[0].relayed, Some(event.opening.event));
    let closed = at_b.iter().find(|event| event.opening.kind == EventKind::Revocation).unwrap();
    assert_eq!(closed.closing.as_ref().unwrap().revoked.as_ref().unwrap().sessions, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_ends_from_any_node_what_was_made_at_another() {
    let house = House::open().await;
    house.lead(To::A);
    let _browser = house.signed_in("nurse").await;
    house.until_both_know(1).await;
    let b = &house.nodes[1].shared;
    let listed = b.sessions.list(10, SystemClock.now());
    let now = SystemClock.now();
    let revocation = Revocation {
        target: Target::Session(listed[0].id),
        cause: Cause::Administrator,
        why: Some("a lost badge".parse().unwrap()),
        request: None,
        asked: now,
        received: now,
        relayed: None,
    };
    assert_eq!(b.revoke(revocation, None).await.unwrap().sessions, 1);
    house.until_both_know(0).await;
    House::until(async || house.nodes[0].shared.revocations.relayed().count == 1).await;
    assert_eq!(house.nodes[1].shared.revocations.relayed().count, 0);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_up_at_one_node_leaves_the_old_cookie_worth_nothing_at_both() {
    let house = House::open().await;
    let mut browser = house.signed_in("nurse").await;
    house.until_both_know(1).await;
    let before = browser.cookie("ehr.localhost", SESSION_COOKIE).unwrap().to_owned();
    let id = house.nodes[0].shared.sessions.list(1, SystemClock.now())[0].id;
    // The same person signs in once more: the session goes on under another cookie.
    house.lead(To::B);
    let page = browser.open(&format!("{}/.leastway/sign-in?return_to=/", house.ehr())).await.unwrap();
    if form_is_there(&page) {
        house.enter(&mut browser, &page, "nurse").await;
    }
    let after = browser.cookie("ehr.localhost", SESSION_COOKIE).unwrap().to_owned();
    assert_ne!(before, after);
    for to in [To::B, To::A] {
        house.lead(to);
        let mut other = house.browser();
        let ask = async |browser: &mut crate::demo::browser::Browser, cookie: &str| {
            let page = format!("{}/", house.ehr());
            browser.once_as(Caller::Program, &page, SESSION_COOKIE, cookie).await.unwrap().status.as_u16()
        };
        // A copy of the old one is nothing as soon as the node has heard, and the new one is good at once.
        assert_eq!(ask(&mut other, &after).await, 200, "{to:?}");
        assert_eq!(ask(&mut other, &before).await, 401, "{to:?}");
    }
    for node in &house.nodes {
        let listed = node.shared.sessions.list(10, SystemClock.now());
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    }
    house.stop().await;
}

fn form_is_there(page: &crate::demo::browser::Reply) -> bool {
    crate::demo::browser::form_fields(&page.text(), "/sign-in").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_out_of_touch_decides_nothing_under_any_session_and_says_so() {
    let house = House::open().await;
    let mut browser = house.signed_in("nurse").await;
    house.until_both_know(1).await;
    house.stores[1].set_in_touch(false);
    if house.stores[1].is_in_touch() {
        // A server cannot be told to be away; the tests of the store kill one.
        house.stop().await;
        return;
    }
    house.lead(To::B);
    let page = browser.once(Caller::Person, &format!("{}/", house.ehr())).await.unwrap();
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    let problem = browser.once(Caller::Program, &format!("{}/patients", house.ehr())).await.unwrap();
    assert_eq!(problem.status, 503);
    assert!(problem.text().contains("store-unavailable"), "{}", problem.text());
    // Whoever is nobody is not led to a sign-in that could not be finished.
    let stranger = house.browser().once(Caller::Person, &format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(stranger.status, 503);
    for open in ["/static/clinic.css", crate::gateway::pages::STYLESHEET_PATH] {
        let reply = browser.once(Caller::Person, &format!("{}{open}", house.ehr())).await.unwrap();
        assert_eq!(reply.status, 200, "{open}");
    }
    // The other one goes on, and so does this one as soon as it is in touch.
    house.lead(To::A);
    assert_eq!(browser.open(&format!("{}/", house.ehr())).await.unwrap().status, 200);
    house.stores[1].set_in_touch(true);
    house.lead(To::B);
    assert_eq!(browser.open(&format!("{}/", house.ehr())).await.unwrap().status, 200);
    let [_, at_b] = house.stop().await;
    let refused = at_b.iter().filter(|event| event.opening.reasons == [Reason::StoreUnavailable]);
    assert!(refused.count() >= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_missed_something_reads_everything_anew() {
    let house = House::open().await;
    house.lead(To::A);
    let _browser = house.signed_in("nurse").await;
    house.until_both_know(1).await;
    // Gone from the store, and nobody has told of it.
    let sessions = house.nodes[0].shared.sessions.clone();
    let id = sessions.list(1, SystemClock.now())[0].id;
    let gone =
        crate::platform::store::Statement::new("DELETE FROM session WHERE id = $1").with(id.to_string());
    house.stores[0].write(vec![gone]).await.unwrap();
    assert_eq!(house.nodes[1].shared.sessions.list(10, SystemClock.now()).len(), 1);
    if !house.stores[0].tell_of_all() {
        // The tests of the store have a server forget what was told.
        house.stop().await;
        return;
    }
    let b = Arc::clone(&house.nodes[1].shared);
    House::until(async || b.sessions.list(10, SystemClock.now()).is_empty()).await;
    house.stop().await;
}
