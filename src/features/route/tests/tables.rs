//! Which settings cannot be, and where applications lie.

use super::*;

#[test]
fn routes_tie_when_a_request_can_match_both_and_neither_asks_for_more() {
    struct Case {
        name: &'static str,
        a: RouteSettings,
        b: RouteSettings,
        ties: bool,
    }
    let get = [Method::GET];
    let cases = [
        Case { name: "the same", a: route("a", &get, "/x"), b: route("b", &get, "/x"), ties: true },
        Case { name: "a trailing slash", a: route("a", &get, "/x"), b: route("b", &get, "/x/"), ties: true },
        Case {
            name: "names of captures",
            a: route("a", &get, "/{x}"),
            b: route("b", &get, "/{patient}"),
            ties: true,
        },
        Case {
            name: "GET is also HEAD",
            a: route("a", &get, "/x"),
            b: route("b", &[Method::HEAD, Method::POST], "/x"),
            ties: true,
        },
        Case {
            name: "other methods",
            a: route("a", &get, "/x"),
            b: route("b", &[Method::POST], "/x"),
            ties: false,
        },
        Case { name: "any method", a: route("a", &get, "/x"), b: route("b", &[], "/x"), ties: false },
        Case { name: "another path", a: route("a", &get, "/x"), b: route("b", &get, "/y"), ties: false },
        Case {
            name: "different keys",
            a: by_query("a", "/x", vec![present("dump")]),
            b: by_query("b", "/x", vec![present("select")]),
            ties: true,
        },
        Case {
            name: "what the other excludes",
            a: by_query("a", "/x", vec![present("dump")]),
            b: by_query("b", "/x", vec![present("select"), absent("dump")]),
            ties: false,
        },
        Case {
            name: "other values",
            a: by_query("a", "/x", vec![equals("f", "1")]),
            b: by_query("b", "/x", vec![equals("f", "2")]),
            ties: false,
        },
        Case {
            name: "a form and JSON",
            a: by_form("a", vec![present("f")]),
            b: by_json("b", vec![present("/f")]),
            ties: false,
        },
        Case {
            name: "JSON that is not there is also no body",
            a: by_form("a", vec![present("f")]),
            b: by_json("b", vec![absent("/f")]),
            ties: true,
        },
    ];
    for case in cases {
        let built = RouteTable::build(&[application("ehr", "/", vec![case.a, case.b])]);
        let tie = |problem: &RouteProblem| {
            matches!(problem, RouteProblem::Tie { route_a, route_b, .. }
                if route_a.as_str() == "a" && route_b.as_str() == "b")
        };
        assert_eq!(built.is_err_and(|problems| problems.iter().all(tie)), case.ties, "{}", case.name);
    }
}

#[test]
fn applications_of_one_host_are_told_apart_by_whole_segments() {
    let table = RouteTable::build(&[
        application("root", "/", vec![route("root", &[], "/**")]),
        application("admin", "/admin/", vec![route("admin", &[], "/admin/**")]),
    ])
    .unwrap();
    for (target, expected) in
        [("/", "root"), ("/admin", "admin"), ("/admin/x", "admin"), ("/administration", "root")]
    {
        assert_eq!(ask(&table, &Asked::get(target)), expected, "{target}");
    }
}

#[test]
fn a_route_outside_its_application_and_two_applications_in_one_place_are_problems() {
    let problems = RouteTable::build(&[
        application("one", "/ehr/", vec![route("lost", &[], "/patients"), route("fine", &[], "/ehr/x")]),
        application("two", "/ehr/", vec![]),
    ])
    .unwrap_err();
    assert!(matches!(&problems[0], RouteProblem::Outside { route, .. } if route.as_str() == "lost"));
    assert!(matches!(&problems[1], RouteProblem::SameAddress { .. }));
    assert_eq!(problems.len(), 2);
}

#[test]
fn quirks_of_a_host_are_those_of_all_its_applications() {
    let mut one = application("one", "/one/", vec![]);
    one.quirks = vec![Quirk::FoldsCase];
    let mut two = application("two", "/", vec![]);
    two.quirks = vec![Quirk::PathParameters];
    let table = RouteTable::build(&[one, two]).unwrap();
    let expected: Quirks = [Quirk::FoldsCase, Quirk::PathParameters].into_iter().collect();
    assert_eq!(table.quirks("ehr.example"), Some(expected));
    assert_eq!(table.quirks("other.example"), None);
}
