//! Several servers: whom requests go to, who is out, who waits.

use super::*;
use crate::features::upstream::check::begin_due;
use crate::features::upstream::settings::CheckSettings;

/// A server that says its name.
async fn named(name: &'static str) -> SocketAddr {
    server(move |_, _| async move { reply(name) }).await
}

async fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn pool_of(settings: UpstreamSettings) -> Rc<Pool> {
    Pool::new(Arc::new(balanced(settings)))
}

async fn said(pool: &Rc<Pool>) -> String {
    let (_, text) = ask(pool, request(Method::GET, "")).await.unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

fn is_in(pool: &Rc<Pool>) -> Vec<bool> {
    pool.upstream().report().servers.iter().map(|(_, standing)| standing.is_in).collect()
}

#[tokio::test]
async fn servers_that_are_idle_take_requests_in_turn() {
    let run = async {
        let pool = pool_of(settings_of(&[named("a").await, named("b").await, named("c").await]));
        let mut taken: Vec<String> = Vec::new();
        for _ in 0..6 {
            taken.push(said(&pool).await);
        }
        assert_eq!(taken, ["a", "b", "c", "a", "b", "c"]);
        let report = pool.upstream().report();
        let seen = report.servers.iter().map(|(_, standing)| (standing.requests, standing.in_flight));
        assert_eq!(seen.collect::<Vec<_>>(), [(2, 0); 3]);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_passed_over_and_soon_not_even_tried() {
    let run = async {
        let mut settings = settings_of(&[refusing().await, named("b").await]);
        settings.health.failures = 2;
        let pool = pool_of(settings);
        for _ in 0..10 {
            let answer = ask(&pool, request(Method::POST, "order=1")).await.unwrap();
            assert_eq!(answer.1, "b", "nothing was sent to the other, so a change may go on, too");
        }
        let (_, standing) = pool.upstream().report().servers[0];
        assert_eq!((standing.failed, standing.put_out, standing.is_in), (2, 1, false));
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn failures_in_a_row_put_a_server_out_and_where_all_are_out_all_are_tried() {
    let run = async {
        let is_ill = Rc::new(Cell::new(true));
        let (ill, asked) = (is_ill.clone(), Rc::new(Cell::new(0)));
        let counted = asked.clone();
        let sick = server(move |_, _| {
            counted.set(counted.get() + 1);
            let text = if ill.get() { "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n" } else { OK };
            async move { text.to_owned() }
        })
        .await;
        let mut settings = settings_of(&[sick]);
        settings.health.failures = 3;
        let alone = pool_of(settings.clone());
        for _ in 0..5 {
            let (status, _) = ask(&alone, request(Method::GET, "")).await.unwrap();
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "the application's own answer passes");
        }
        assert_eq!((is_in(&alone), asked.get()), (vec![false], 5), "out, and tried all the same");

        settings.servers.extend(settings_of(&[named("b").await]).servers);
        let pool = pool_of(settings);
        for _ in 0..20 {
            ask(&pool, request(Method::GET, "")).await.unwrap();
        }
        assert_eq!((is_in(&pool), asked.get()), (vec![false, true], 5 + 3));
        is_ill.set(false);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_put_out_too() {
    let run = async {
        let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = settings_of(&[hanging.local_addr().unwrap(), named("b").await]);
        settings.health.failures = 1;
        settings.reply_timeout = Duration::from_millis(100);
        let pool = pool_of(settings);
        let failed = ask(&pool, request(Method::GET, "")).await.unwrap_err();
        assert!(matches!(failed, UpstreamError::ReplyTimeout), "{failed:?}");
        for _ in 0..4 {
            assert_eq!(said(&pool).await, "b");
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn beyond_a_limit_requests_wait_and_beyond_those_that_wait_they_are_turned_away() {
    let run = async {
        let most = Rc::new(Cell::new((0, 0)));
        let seen = most.clone();
        let slow = server(move |_, _| {
            let seen = seen.clone();
            async move {
                let (now, peak) = seen.get();
                seen.set((now + 1, peak.max(now + 1)));
                tokio::time::sleep(Duration::from_millis(100)).await;
                seen.set((seen.get().0 - 1, seen.get().1));
                OK.to_owned()
            }
        })
        .await;
        let mut settings = settings_of(&[slow]);
        settings.balance.requests_max = Some(2);
        settings.balance.waiting_max = 3;
        let pool = pool_of(settings);
        let all = futures_util::future::join_all((0..8).map(|_| ask(&pool, request(Method::GET, "")))).await;
        let served = all.iter().filter(|answer| answer.is_ok()).count();
        let refused = all.iter().filter(|answer| matches!(answer, Err(UpstreamError::Overloaded))).count();
        assert_eq!((served, refused, most.get().1), (5, 3, 2));
        let report = pool.upstream().report();
        assert_eq!((report.overloaded, report.waiting, report.servers[0].1.in_flight), (3, 0, 0));
        assert_eq!(UpstreamError::Overloaded.reason().as_str(), "upstream-overloaded");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn who_waits_takes_the_first_seat_at_any_server_and_no_longer_than_it_may() {
    let run = async {
        let slow = |for_ms: u64| async move {
            server(move |_, _| async move {
                tokio::time::sleep(Duration::from_millis(for_ms)).await;
                reply(if for_ms < 1000 { "quick" } else { "slow" })
            })
            .await
        };
        let mut settings = settings_of(&[slow(5000).await, slow(50).await]);
        settings.reply_timeout = Duration::from_secs(10);
        settings.balance.requests_max = Some(1);
        settings.balance.wait_max = Duration::from_millis(300);
        let pool = pool_of(settings);
        let busy = pool.clone();
        let hanging = tokio::task::spawn_local(async move { ask(&busy, request(Method::GET, "")).await });
        tokio::task::yield_now().await;
        let three = [(); 3].map(|()| ask(&pool, request(Method::GET, "")));
        for answer in futures_util::future::join_all(three).await {
            assert_eq!(answer.unwrap().1, "quick");
        }
        // Both are taken, and neither has room in time.
        let mut settings = pool.settings().clone();
        settings.servers.truncate(1);
        let mut one = balanced(settings);
        one.inherit(pool.upstream());
        let failed = ask(&Pool::new(Arc::new(one)), request(Method::GET, "")).await.unwrap_err();
        assert!(matches!(failed, UpstreamError::Overloaded), "a reload keeps who is in: {failed:?}");
        hanging.abort();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn who_is_bound_to_a_server_stays_there() {
    let run = async {
        let mut settings = settings_of(&[named("a").await, named("b").await, named("c").await]);
        settings.balance.sticky = Sticky::OwnCookie;
        let pool = pool_of(settings);
        let cookie = pool.upstream().binds_to(1, None).unwrap().to_owned();
        let errand = |pool: &Rc<Pool>| Errand {
            server: pool.upstream().bound_to(Some(&cookie), &HeaderMap::new()),
            ..NOBODY
        };
        for _ in 0..5 {
            let answer = ask_as(&pool, request(Method::GET, ""), &errand(&pool)).await.unwrap();
            assert_eq!(answer.1, "b");
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_cookie_of_the_application_leads_back_to_the_server_that_set_it() {
    let run = async {
        let setting = |name: &'static str| async move {
            server(move |head, _| async move {
                let cookie = if head.contains("cookie: ") { "" } else { "set-cookie: SID=of-" };
                let cookie = if cookie.is_empty() { String::new() } else { format!("{cookie}{name}\r\n") };
                format!("HTTP/1.1 200 OK\r\n{cookie}content-length: 1\r\n\r\n{name}")
            })
            .await
        };
        let mut settings = settings_of(&[setting("a").await, setting("b").await]);
        settings.balance.sticky = Sticky::ApplicationCookie("SID".to_owned());
        let pool = pool_of(settings);
        for _ in 0..2 {
            ask(&pool, request(Method::GET, "")).await.unwrap();
        }
        for _ in 0..4 {
            for (cookie, name) in [("SID=of-b", "b"), ("SID=of-a", "a")] {
                let mut request = request(Method::GET, "");
                request.headers_mut().insert("cookie", cookie.parse().unwrap());
                let server = pool.upstream().bound_to(None, request.headers());
                let answer = ask_as(&pool, request, &Errand { server, ..NOBODY }).await.unwrap();
                assert_eq!(answer.1, name);
            }
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn checks_find_a_server_down_before_anybody_does_and_up_again() {
    let run = async {
        let (is_well, heads) = (Rc::new(Cell::new(false)), Rc::new(std::cell::RefCell::new(Vec::new())));
        let (well, seen) = (is_well.clone(), heads.clone());
        let checked = server(move |head, _| {
            let is_check = head.starts_with("GET /health?deep=1 ");
            if is_check {
                seen.borrow_mut().push(head);
            }
            let text =
                if is_check && !well.get() { "HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n" } else { OK };
            async move { text.to_owned() }
        })
        .await;
        let mut settings = settings_of(&[checked, named("b").await]);
        settings.health.check = Some(CheckSettings {
            path: http::uri::PathAndQuery::from_static("/health?deep=1"),
            host: Some(http::HeaderValue::from_static("ehr.internal")),
            status: StatusSet::new(vec!["2xx".parse().unwrap()]),
            interval: Duration::from_millis(20),
            timeout: Duration::from_millis(500),
            down_after: 2,
            up_after: 2,
        });
        let upstream = Arc::new(balanced(settings));
        let pool = Pool::new(upstream.clone());
        let wait_until = async |wanted: [bool; 2]| {
            for _ in 0..500 {
                begin_due(&upstream);
                tokio::time::sleep(Duration::from_millis(5)).await;
                if is_in(&pool) == wanted {
                    return;
                }
            }
            panic!("{:?} is not {wanted:?}", is_in(&pool));
        };
        wait_until([false, true]).await;
        for _ in 0..4 {
            assert_eq!(said(&pool).await, "b");
        }
        is_well.set(true);
        wait_until([true, true]).await;
        let heads = heads.borrow();
        let head = heads.first().unwrap().to_lowercase();
        assert!(head.contains("host: ehr.internal\r\n") && head.contains("connection: close\r\n"), "{head}");
        assert!(!head.contains("assertion") && !head.contains("authorization"), "{head}");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn each_server_sees_its_own_name_where_it_wants_to() {
    let run = async {
        let echo = || {
            server(|head, _| async move {
                reply(head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default())
            })
        };
        let addresses = [echo().await, echo().await];
        for preserve_host in [true, false] {
            let mut settings = settings_of(&addresses);
            settings.preserve_host = preserve_host;
            let pool = pool_of(settings);
            for address in addresses {
                let expected = if preserve_host { "ehr.example".to_owned() } else { address.to_string() };
                assert_eq!(said(&pool).await, expected);
            }
        }
    };
    LocalSet::new().run_until(run).await;
}
