use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::messages::{ENGLISH, Messages, SPANISH};
use super::*;
use crate::domain::assurance::{Assurance, Lack};
use crate::domain::limit::LimitName;
use crate::domain::network::Network;
use crate::domain::purpose::{Needs, Number, Purpose};
use crate::domain::risk::Sign;
use crate::domain::subject::{Identity, Subject};
use crate::features::hold::{Preview, Standing, Summary, Typed};
use crate::features::risk::{KnownDevice, KnownNetwork};
use crate::features::session::{Ends, SessionSummary};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::{SeededEntropy, SystemEntropy};
use crate::foundation::id::SessionId;
use crate::platform::page::messages::read;

const HOSTILE: &str = r#"/a"><script>alert(1)</script>'&b={n}"#;
const HOSTILE_NAME: &str = r#"<img src=x onerror="alert(1)"> {action}"#;

#[test]
fn what_was_lacking_of_a_stronger_sign_in_is_said() {
    let told = |lack, fresh: Option<u64>| {
        let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: fresh.map(Duration::from_secs) };
        let unproven = Unproven { need, lack };
        let page = Page::AssuranceNotProven { unproven: &unproven, return_to: "/patients/7" };
        render(&frame(Language::English, Some("ehr"), None), &page)
    };
    let (unproven, old) = (told(Lack::Proof, Some(900)), told(Lack::Freshness, Some(900)));
    assert!(unproven.contains("but without") && !unproven.contains("too old"), "{unproven}");
    assert!(old.contains("too old") && old.contains("must not be older than 15 minutes"), "{old}");
    assert!(!old.contains("without a second step") && !old.contains("stronger method"), "{old}");
    // Whoever tries again is asked for the same as before, and not for less.
    for page in [unproven, old] {
        assert!(
            page.contains("class=mfa&#38;fresh=900") || page.contains("class=mfa&amp;fresh=900"),
            "{page}"
        );
    }
}

#[test]
fn both_languages_are_complete() {
    for file in [ENGLISH, SPANISH] {
        read::<Messages>(file).map(drop).unwrap();
    }
}

#[test]
fn a_reason_without_text_is_found_when_the_file_is_read() {
    let without = ENGLISH.replace("[reason.caller-left]", "[reason.no-such-reason]");
    assert!(read::<Messages>(&without).is_err());
    let file: toml::Table = ENGLISH.parse().unwrap();
    for (table, key) in
        [("reason", "caller-left"), ("action", "print"), ("limit", "exports_per_day"), ("on_exceed", "block")]
    {
        let mut file = file.clone();
        file[table].as_table_mut().unwrap().remove(key).unwrap();
        let problem = read::<Messages>(&file.to_string()).map(drop).unwrap_err().to_string();
        assert!(problem.contains(&format!("there is no text for `{key}`")), "{problem}");
    }
}

#[test]
fn the_languages_have_the_same_keys_and_the_same_places_to_fill() {
    let (english, spanish) = (texts(ENGLISH), texts(SPANISH));
    let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&english), keys(&spanish));
    for (key, text) in &english {
        assert_eq!(places(text), places(&spanish[key]), "{key}");
        assert!(!text.is_empty() && !spanish[key].is_empty(), "{key} is empty");
    }
}

#[test]
fn every_text_of_a_reason_differs_between_the_languages() {
    for reason in Reason::ALL {
        assert_ne!(title(*reason, Language::English), title(*reason, Language::Spanish), "{reason}");
    }
}

#[test]
fn no_text_says_access_denied_alone() {
    for (key, text) in texts(ENGLISH) {
        assert!(!text.to_lowercase().contains("access denied"), "{key}");
    }
}

#[test]
fn every_page_is_whole_in_both_languages() {
    each_page(Some("ehr"), Some("Maria Núñez"), "/patients?page=2", |name, frame, html| {
        let language = frame.language.code();
        assert!(html.starts_with("<!DOCTYPE html>"), "{name}");
        assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name}");
        assert!(html.contains(&frame.reference.to_string()), "{name} has no reference");
        for landmark in ["<header>", "<main ", "<footer>", "<title>", "<h1>"] {
            assert_eq!(html.matches(landmark).count(), 1, "{name}: {landmark}");
        }
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        let unfilled = html.lines().find(|line| line.contains(['{', '}']));
        assert_eq!(unfilled, None, "{name} has a place that was not filled");
    });
}

#[test]
fn the_end_of_a_sign_in_in_a_window_of_its_own_runs_the_script_that_it_is_given_and_no_other() {
    for language in [Language::English, Language::Spanish] {
        let frame = PageFrame {
            language,
            application: None,
            reference: RequestId::new(Timestamp::default(), &SystemEntropy),
            person: Some("<b>"),
            is_choice: false,
            written: None,
        };
        let html = render(&frame, &Page::SignedIn { script: "if (1 < 2) tell('x');" });
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(
            html.contains("<script>if (1 < 2) tell('x');</script>"),
            "byte for byte, as its digest is: {html}"
        );
        let words = words_beside(language);
        assert!(
            words
                .as_object()
                .unwrap()
                .values()
                .all(|word| word.as_str().is_some_and(|word| !word.is_empty()))
        );
        assert!(words["locks"].as_str().unwrap().contains("{minutes}"));
    }
}

#[test]
fn no_page_has_script_or_style_or_anything_from_elsewhere() {
    each_page(Some("ehr"), Some("Maria"), "/patients?page=2", |name, _, html| {
        let lower = html.to_lowercase();
        for forbidden in
            ["<script", "<style", " style=", " onclick", " onerror", "javascript:", "http:", "https:"]
        {
            assert!(!lower.contains(forbidden), "{name} has {forbidden}");
        }
        for target in attributes(html, &["href", "src", "action"]) {
            let ours = target == "#content" || (target.starts_with('/') && !target.starts_with("//"));
            assert!(ours, "{name} leads to {target}");
        }
    });
}

#[test]
fn a_hostile_name_or_address_stays_text() {
    each_page(Some(HOSTILE_NAME), Some(HOSTILE_NAME), HOSTILE, |name, _, html| {
        assert!(!html.contains("<script") && !html.contains("<img"), "{name}");
        assert!(!html.contains(HOSTILE), "{name}");
        for target in attributes(html, &["href", "action", "value"]) {
            assert!(!target.contains(['<', '>', '\'']), "{name}: {target}");
        }
    });
}

#[test]
fn an_address_elsewhere_is_never_returned_to() {
    let elsewhere = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        " /",
        "/a\u{202e}b",
    ];
    for address in elsewhere {
        assert_eq!(same_origin_path(address), None, "{address:?}");
        each_page(Some("ehr"), None, address, |name, _, html| {
            assert!(!html.contains("evil") && !html.contains("alert("), "{name}: {address:?}");
        });
    }
    assert_eq!(same_origin_path(&format!("/{}", "a".repeat(5000))), None);
    assert_eq!(same_origin_path("/patients?page=2&x=%2F%2F"), Some("/patients?page=2&x=%2F%2F"));
}

#[test]
fn a_denial_offers_each_way_on_with_where_it_leads() {
    let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: Some(Duration::from_secs(900)) };
    let ways_on = [
        WayOn::All(vec![WayOn::StepUp(need), WayOn::Justify]),
        WayOn::Justify,
        WayOn::SignIn,
        WayOn::Hours("06:00-20:00".to_owned()),
        WayOn::Location(vec!["ward-3".to_owned(), "ward-4".to_owned()]),
        WayOn::Role(vec!["quality".parse().unwrap()]),
        WayOn::Purpose(vec![Purpose::Payment]),
    ];
    let page = Page::Denied {
        reason: Reason::NoRuleMatched,
        action: Some(Action::Export),
        ways_on: &ways_on,
        return_to: "/reports?a=1&b=2",
    };
    let html = render(&frame(Language::English, Some("ehr"), Some("Maria")), &page);
    let links = attributes(&html, &["href"]);
    for link in [
        "/.leastway/step-up?class=mfa&fresh=900&return_to=%2Freports%3Fa%3D1%26b%3D2",
        "/.leastway/justify?application=ehr&return_to=%2Freports%3Fa%3D1%26b%3D2",
        "/.leastway/sign-in?return_to=%2Freports%3Fa%3D1%26b%3D2",
    ] {
        assert!(links.iter().any(|found| found == link), "{link} is not among {links:?}");
    }
    for words in [
        "You asked to export records in ehr.",
        "It then counts for 15 minutes. Then: Give a reason",
        "06:00-20:00",
        "ward-3 or ward-4",
        "Ask for the role that includes this: quality.",
        "Billing and claims",
        "If you are not Maria, sign out",
        "Nothing was changed",
    ] {
        assert!(html.contains(words), "{words}");
    }
    // A link that leads back here as long as somebody else has not done their part is none.
    let others = [WayOn::All(vec![
        WayOn::Role(vec!["nurse".parse().unwrap()]),
        WayOn::Purpose(vec![Purpose::Treatment]),
    ])];
    let page = Page::Denied {
        reason: Reason::NoRuleMatched,
        action: Some(Action::View),
        ways_on: &others,
        return_to: "/patients/7",
    };
    let html = render(&frame(Language::English, Some("ehr"), Some("Maria")), &page);
    assert!(html.contains("nurse") && !html.contains("/.leastway/purpose"), "{html}");
}

#[test]
fn too_much_says_how_many_and_how_many_are_allowed() {
    let too_much = |language, limit| {
        let exceeded = Exceeded { limit, allowed: 500, actual: 1_240 };
        let page = Page::TooMuch { exceeded, action: Action::Export, ways_on: &[], return_to: "/" };
        render(&frame(language, Some("ehr"), None), &page)
    };
    let english = too_much(Language::English, LimitName::RecordsPerExport);
    assert!(english.contains("That would be at least 1,240 records; your limit is 500 at a time."));
    assert!(english.contains("None of these records were handed out."));
    let spanish = too_much(Language::Spanish, LimitName::RecordsPerExport);
    assert!(spanish.contains("Serían al menos 1240 registros; su límite es 500 por vez."));
    let final_one = too_much(Language::English, LimitName::RecordsPerExportAtMost);
    assert!(final_one.contains("beyond 500 at a time neither a reason nor a stronger sign-in helps."));
    let final_one = too_much(Language::Spanish, LimitName::RecordsPerResponseAtMost);
    assert!(final_one.contains("por encima de 500 por vez no basta ni un motivo"));
    // A number of exports is known, not a lower bound.
    assert!(!too_much(Language::English, LimitName::ExportsPerDay).contains("at least"));
}

#[test]
fn a_refusal_by_a_rule_says_which_in_which_version_by_which_standard_and_who_answers_by_when() {
    let rules = ["registrar/2".into(), "<b>".into()];
    let written = Written {
        rules: &rules,
        version: "1c2d3e",
        reference: "45 CFR 164.514(d)",
        contact: Some("the <privacy> office"),
        answer_within: Some(Duration::from_secs(4 * 3_600)),
        risk: Some("RA-2026-04 <3.2>"),
    };
    let exceeded = Exceeded { limit: LimitName::RecordsPerExport, allowed: 500, actual: 1_240 };
    let denied = Page::Denied { reason: Reason::NoRuleMatched, action: None, ways_on: &[], return_to: "/" };
    for page in [
        Page::TooMuch { exceeded, action: Action::Export, ways_on: &[], return_to: "/" },
        Page::CountUnknown { action: Action::Export, why: WhyUnknown::Coding },
        denied,
    ] {
        let about = PageFrame { written: Some(written), ..frame(Language::English, Some("ehr"), None) };
        let html = render(&about, &page);
        for words in [
            "registrar/2 and &#60;b&#62;",
            "version 1c2d3e",
            "45 CFR 164.514(d)",
            "is written down in RA-2026-04 &#60;3.2&#62;",
        ] {
            assert!(html.contains(words), "{words}: {html}");
        }
        assert!(
            html.contains("ask the &#60;privacy&#62; office") && html.contains("within 4 hours"),
            "{html}"
        );
        let nobody = Written { rules: &[], contact: None, answer_within: None, risk: None, ..written };
        let html = render(&PageFrame { written: Some(nobody), ..about }, &page);
        assert!(html.contains("So say the rules") && !html.contains("You have an answer"), "{html}");
        assert!(!html.contains("is written down in"), "{html}");
    }
}

#[test]
fn a_step_up_for_what_a_reply_held_does_not_call_the_request_unsent() {
    let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: None };
    let exceeded = Exceeded { limit: LimitName::RecordsPerExport, allowed: 500, actual: 1_240 };
    let step_up = |exceeded| {
        let page =
            Page::StepUp { need: &need, risk: None, sent: true, exceeded, return_to: "/reports", held: None };
        render(&frame(Language::English, Some("ehr"), None), &page)
    };
    assert!(step_up(None).contains("Your request was not passed on to ehr."));
    let after_reply = step_up(Some(exceeded));
    assert!(!after_reply.contains("not passed on"));
    assert!(after_reply.contains("None of these records were handed out."));
}

#[test]
fn at_most_one_way_stands_out() {
    each_page(Some("ehr"), Some("Maria"), "/", |name, _, html| {
        let buttons = html.matches("class=\"button first\"").count();
        let links = html.matches("<a class=\"button").count();
        assert!(buttons <= 1 && (links == 0 || buttons == 1), "{name}: {buttons} of {links}");
    });
}

#[test]
fn one_is_singular() {
    let exceeded = Exceeded { limit: LimitName::RecordsPerResponse, allowed: 0, actual: 1 };
    assert!(Messages::of(Language::English).exceeded(&exceeded).contains("at least 1 record;"));
    assert!(Messages::of(Language::Spanish).exceeded(&exceeded).contains("al menos 1 registro;"));
}

#[test]
fn an_entry_that_may_have_arrived_is_never_called_unsent() {
    let sent = |reason| {
        render(
            &frame(Language::English, Some("ehr"), None),
            &Page::Unavailable { reason, retry: None, downtime: None },
        )
    };
    for reason in [Reason::UpstreamTimeout, Reason::UpstreamAborted, Reason::InternalError] {
        let html = sent(reason);
        assert!(html.contains("It is not certain whether ehr has carried out"), "{reason}");
        assert!(!html.contains("not passed on"), "{reason}");
        assert!(!html.contains("Try again</a>"), "{reason} offers to send twice");
    }
    for reason in [Reason::AuditUnavailable, Reason::StoreUnavailable, Reason::Overloaded] {
        assert!(sent(reason).contains("Your request was not passed on to ehr."), "{reason}");
    }
    let page =
        Page::Unavailable { reason: Reason::UpstreamTimeout, retry: Some("/patients"), downtime: None };
    let html = render(&frame(Language::English, Some("ehr"), None), &page);
    assert!(html.contains("href=\"/patients\""));
}

#[test]
fn while_an_application_is_down_the_house_says_first_how_care_goes_on() {
    let downtime = Downtime {
        instructions: Some("Use the <red> folder.".to_owned()),
        read_only: Some("https://records.clinic.example/?a&b".to_owned()),
    };
    let page = |downtime| Page::Unavailable {
        reason: Reason::UpstreamUnreachable,
        retry: Some("/patients"),
        downtime,
    };
    let html = render(&frame(Language::English, Some("ehr"), None), &page(Some(&downtime)));
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is not there"));
    assert!(at("Use the &#60;red&#62; folder.") < at("href=\"https://records.clinic.example/?a&#38;b\""));
    assert!(at("Look it up") < at("href=\"/patients\""));
    let bare = render(&frame(Language::English, Some("ehr"), None), &page(None));
    assert!(!bare.contains("folder") && !bare.contains("Look it up"));
}

#[test]
fn what_was_entered_with_a_reason_is_kept_and_its_problem_named() {
    let page = |problem| {
        Page::Justify(JustifyView {
            return_to: "/reports",
            entered: Entered {
                code: Some(JustificationCode::Other),
                text: "audit <2026>",
                ..Entered::default()
            },
            problem,
            ..JustifyView::default()
        })
    };
    let frame = frame(Language::English, Some("ehr"), None);
    let html = render(&frame, &page(Some(JustifyProblem::TextTooLong)));
    assert!(html.contains("value=\"other\" required checked"));
    assert!(html.contains("audit &#60;2026&#62;</textarea>"));
    assert!(html.contains("role=\"alert\""));
    assert!(html.contains("aria-invalid=\"true\""));
    assert!(html.contains("name=\"return_to\" value=\"/reports\""));
    assert!(html.contains("name=\"application\" value=\"ehr\""));
    assert_eq!(html.matches("type=\"radio\"").count(), JustificationCode::ALL.len());
    assert!(!render(&frame, &page(None)).contains("role=\"alert\""));
    assert!(!html.contains("name=\"number\"") && !html.contains("name=\"recipient\""));
}

#[test]
fn a_number_and_a_recipient_are_asked_for_where_the_purpose_needs_them() {
    let page = |purpose, action, problem| {
        let entered = Entered { number: "A-<7>", recipient: "\"County\"", ..Entered::default() };
        Page::Justify(JustifyView { action, purpose, entered, problem, ..JustifyView::default() })
    };
    let html = |purpose, action, problem| {
        render(&frame(Language::English, Some("ehr"), None), &page(purpose, action, problem))
    };
    let legal = html(Some(Purpose::Legal), Some(Action::Export), Some(JustifyProblem::NumberUnreadable));
    assert!(legal.contains("order, subpoena") && legal.contains("value=\"A-&#60;7&#62;\""), "{legal}");
    assert!(legal.contains("name=\"recipient\" type=\"text\" value=\"&#34;County&#34;\""), "{legal}");
    assert!(legal.contains("name=\"action\" value=\"export\""), "{legal}");
    assert!(legal.contains("45 CFR 164.502(b)(2)(v)"), "the law that asks for it is named: {legal}");
    assert_eq!(legal.matches("aria-invalid").count(), 1, "the field that is wrong is told: {legal}");
    let looking = html(Some(Purpose::Legal), Some(Action::View), None);
    assert!(looking.contains("name=\"number\"") && !looking.contains("name=\"recipient\""), "{looking}");
    let unknown = html(Some(Purpose::PublicHealth), None, None);
    assert!(unknown.contains("name=\"recipient\"") && !unknown.contains("name=\"number\""), "{unknown}");
    let care = html(Some(Purpose::Treatment), Some(Action::Disclose), None);
    assert!(!care.contains("name=\"number\"") && !care.contains("CFR"), "{care}");
}

#[test]
fn what_part_2_says_of_records_is_read_before_one_goes_on_and_while_one_corrects() {
    for (language, words) in [(Language::English, "programme"), (Language::Spanish, "programa")] {
        let html = |has_notice| {
            let view = JustifyView { has_notice, ..JustifyView::default() };
            render(&frame(language, Some("ehr"), None), &Page::Justify(view))
        };
        let noticed = html(true);
        assert!(noticed.contains("42 CFR part 2 prohibits unauthorized use or disclosure of these records"));
        assert!(noticed.contains(words) && noticed.contains("name=\"notice\" value=\"1\""), "{noticed}");
        assert!(!html(false).contains("part 2") && !html(false).contains("notice"));
    }
}

#[test]
fn the_usual_purpose_comes_first_and_words_of_operators_stand_for_ours() {
    let view = PurposeView {
        choices: vec![(Purpose::Payment, Some("Bills & <claims>")), (Purpose::Treatment, None)],
        usual: Some(Purpose::Treatment),
        is_change: false,
        return_to: "/patients?q=1",
        held: Some(Duration::from_secs(900)),
        problem: true,
    };
    let html = render(&frame(Language::English, None, Some("Maria")), &Page::Purpose(view));
    let treatment = html.find("value=\"treatment\">I am treating patients").unwrap();
    let payment = html.find("value=\"payment\">Bills &#38; &#60;claims&#62;").unwrap();
    assert!(treatment < payment, "{html}");
    assert_eq!(html.matches("button first").count(), 1, "{html}");
    assert!(
        html.contains("name=\"return_to\" value=\"/patients?q=1\"") && html.contains("role=\"alert\""),
        "{html}"
    );
    assert!(html.contains("15 minutes"), "what was posted is kept: {html}");
}

#[test]
fn a_reason_is_read_as_the_form_sends_it() {
    use JustificationCode::{BillingQuery, Other};
    let letters = |number| "é".repeat(number);
    let cases = [
        ("a code alone", "billing-query", String::new(), Ok((BillingQuery, String::new()))),
        ("no code", "", String::new(), Err(JustifyProblem::CodeMissing)),
        ("a code not on offer", "curiosity", "x".into(), Err(JustifyProblem::CodeMissing)),
        ("other without text", "other", " \r\n ".into(), Err(JustifyProblem::TextMissing)),
        ("other with what is not seen", "other", "\0 \u{7}".into(), Err(JustifyProblem::TextMissing)),
        ("other with text", "other", " x\0\r\ny ".into(), Ok((Other, "x\ny".into()))),
        ("the longest text", "other", letters(500), Ok((Other, letters(500)))),
        ("one more", "billing-query", letters(501), Err(JustifyProblem::TextTooLong)),
    ];
    for (name, code, text, expected) in cases {
        let entered = Entered { text: &text, number: "R-1", recipient: "County", ..Entered::default() };
        let given = read_justification(code, &entered, Needs::NONE);
        let expected = expected.map(|(code, text)| Given { code, text, number: None, recipient: None });
        assert_eq!(given, expected, "{name}");
    }
}

#[test]
fn a_number_and_a_recipient_are_read_as_offices_write_them() {
    let read = |number: &str, recipient: &str| {
        let needs = Needs { number: Some(Number::Document), recipient: true };
        let entered = Entered { number, recipient, ..Entered::default() };
        let given = read_justification("audit-or-legal", &entered, needs)?;
        Ok((given.number.unwrap(), given.recipient.unwrap()))
    };
    let cases = [
        (
            "as written",
            " 24-CV/1120 #3 ",
            "County  court\r\n1 Main St",
            Ok(("24-CV/1120 #3", "County court 1 Main St")),
        ),
        ("the longest", &"7".repeat(64), "x", Ok((&*"7".repeat(64), "x"))),
        ("no number", " ", "x", Err(JustifyProblem::NumberMissing)),
        ("one more", &"7".repeat(65), "x", Err(JustifyProblem::NumberUnreadable)),
        ("a name is none", "Maria Lopez", "x", Err(JustifyProblem::NumberUnreadable)),
        ("nor is what ends a line", "7\n8", "x", Err(JustifyProblem::NumberUnreadable)),
        ("nor markup", "<7>", "x", Err(JustifyProblem::NumberUnreadable)),
        ("nobody", "7", " \0 ", Err(JustifyProblem::RecipientMissing)),
        ("too much", "7", &"é".repeat(201), Err(JustifyProblem::RecipientTooLong)),
    ];
    for (name, number, recipient, expected) in cases {
        let expected = expected.map(|(number, recipient)| (number.to_owned(), recipient.to_owned()));
        assert_eq!(read(number, recipient), expected, "{name}");
    }
}

#[test]
fn the_persons_own_page_shows_times_in_words_and_local() {
    each_page(Some("ehr"), Some("Maria"), "/", |name, frame, html| {
        if name == "me" && frame.language == Language::English {
            for words in ["20:15, in 15 minutes", "19:48, 12 minutes ago", "Running the clinic", "registrar"]
            {
                assert!(html.contains(words), "{words}");
            }
            assert!(html.contains("<form method=\"post\" action=\"/.leastway/sign-out\">"));
        }
    });
}

#[test]
fn the_content_security_policy_takes_an_origin_and_nothing_else() {
    let provider = content_security_policy(Some("https://id.clinic.example:8443"));
    assert!(provider.contains("form-action 'self' https://id.clinic.example:8443;"), "{provider}");
    for hostile in ["https://a.example; script-src *", "*", "https://a.example 'unsafe-inline'", "data:"] {
        let policy = content_security_policy(Some(hostile));
        assert!(policy.contains("form-action 'self';"), "{policy}");
    }
}

#[test]
fn the_looks_load_nothing_from_elsewhere() {
    for forbidden in ["@import", "url(", "http"] {
        assert!(!STYLESHEET.contains(forbidden), "{forbidden}");
    }
}

/// Writes every page to a directory to be looked at: `LEASTWAY_PAGES=/tmp/pages cargo test --lib
/// pages_to_look_at -- --ignored`.
#[test]
#[ignore = "writes files to be looked at"]
fn pages_to_look_at() {
    let directory = std::env::var("LEASTWAY_PAGES").unwrap();
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(format!("{directory}/page.css"), STYLESHEET).unwrap();
    each_page(Some("ehr"), Some("Maria Núñez"), "/patients?page=2", |name, frame, html| {
        let html = html.replace(STYLESHEET_PATH, "page.css");
        std::fs::write(format!("{directory}/{name}.{}.html", frame.language.code()), html).unwrap();
    });
}

fn frame<'a>(language: Language, application: Option<&'a str>, person: Option<&'a str>) -> PageFrame<'a> {
    let now = Timestamp::from_seconds(1_772_400_000);
    PageFrame {
        language,
        application,
        reference: RequestId::new(now, &SystemEntropy),
        person,
        is_choice: true,
        written: None,
    }
}

/// Renders every page in every language and shows it to `look`.
fn each_page(
    application: Option<&str>,
    person: Option<&str>,
    return_to: &str,
    look: impl Fn(&str, &PageFrame<'_>, &str),
) {
    let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: Some(Duration::from_secs(900)) };
    let badge = AssuranceNeed { class: "badge".parse().unwrap(), fresh: None };
    let unproven = Unproven { need: badge, lack: Lack::Proof };
    let old = Unproven { need: need.clone(), lack: Lack::Freshness };
    let ways_on = [WayOn::StepUp(need.clone()), WayOn::Justify, WayOn::Location(vec!["<b>ward".to_owned()])];
    let exceeded = Exceeded { limit: LimitName::RecordsPerExport, allowed: 500, actual: 1_240 };
    let identity = identity(person.unwrap_or("Maria"));
    let now = Timestamp::from_seconds(1_772_395_200);
    let zone = TimeZone::UTC;
    let me = MeView {
        identity: &identity,
        may_choose: true,
        has_breaks: true,
        since: now.minus(Duration::from_secs(3_600)),
        ends: Ends {
            lock: Some(now.plus(Duration::from_secs(300))),
            idle: now.plus(Duration::from_secs(900)),
            absolute: now.plus(Duration::from_secs(39_600)),
        },
        sessions: sessions(person.unwrap_or("Maria"), now),
        this: session_id(1),
        places: places_known(now),
        now,
        zone: &zone,
    };
    let entry_id = HoldId::new(now, &SystemEntropy);
    let entries = held_entries(entry_id, person.unwrap_or("Maria"), now);
    let held = HeldView { entries: &[], return_to, now, zone: &zone };
    let mut pages = vec![
        (
            "denied".to_owned(),
            Page::Denied {
                reason: Reason::NoRuleMatched,
                action: Some(Action::Export),
                ways_on: &ways_on,
                return_to,
            },
        ),
        ("count-unknown".into(), Page::CountUnknown { action: Action::Export, why: WhyUnknown::Coding }),
        ("redaction-impossible".into(), Page::Unredactable { action: Action::View }),
        ("reply-too-long".into(), Page::TooLong { action: Action::Export }),
        (
            "justify".into(),
            Page::Justify(JustifyView {
                exceeded: Some(exceeded),
                action: Some(Action::Export),
                purpose: Some(Purpose::Legal),
                return_to,
                entered: Entered {
                    code: None,
                    text: "<b>& so on",
                    number: "<b>& so on",
                    recipient: "<b>& so on",
                },
                problem: Some(JustifyProblem::CodeMissing),
                held: None,
                has_notice: true,
            }),
        ),
        (
            "purpose".into(),
            Page::Purpose(PurposeView {
                choices: vec![(Purpose::Treatment, None), (Purpose::Research, Some("<b>& so on"))],
                usual: Some(Purpose::Research),
                is_change: true,
                return_to,
                held: None,
                problem: false,
            }),
        ),
        (
            "step-up".into(),
            Page::StepUp {
                need: &need,
                risk: None,
                sent: true,
                exceeded: Some(exceeded),
                return_to,
                held: None,
            },
        ),
        (
            "step-up-risk".into(),
            Page::StepUp {
                need: &need,
                risk: Some(Sign::NewDevice),
                sent: false,
                exceeded: None,
                return_to,
                held: None,
            },
        ),
        ("sign-in".into(), Page::SignIn { return_to, expired: false, held: None }),
        ("locked".into(), Page::Locked { return_to, sent: false, held: None }),
        ("locked-sent".into(), Page::Locked { return_to, sent: true, held: None }),
        (
            "locked-held".into(),
            Page::Locked { return_to, sent: true, held: Some((entry_id, Duration::from_secs(900))) },
        ),
        ("sign-in-expired".into(), Page::SignIn { return_to, expired: true, held: None }),
        (
            "sign-in-held".into(),
            Page::SignIn { return_to, expired: true, held: Some((entry_id, Duration::from_secs(900))) },
        ),
        (
            "step-up-held".into(),
            Page::StepUp {
                need: &need,
                risk: None,
                sent: true,
                exceeded: None,
                return_to,
                held: Some(Duration::from_secs(900)),
            },
        ),
        ("held".into(), Page::Held(HeldView { entries: &entries[..2], ..held })),
        ("held-shown".into(), Page::Held(HeldView { entries: &entries[2..], ..held })),
        ("held-none".into(), Page::Held(held)),
        ("not-taken".into(), Page::NotTaken { status: StatusCode::FORBIDDEN, return_to }),
        ("not-ready".into(), Page::NotReady { return_to }),
        ("assurance-not-proven".into(), Page::AssuranceNotProven { unproven: &unproven, return_to }),
        ("assurance-too-old".into(), Page::AssuranceNotProven { unproven: &old, return_to }),
        ("barred".into(), Page::Barred { reason: Reason::AccountDisabled }),
        ("signed-out".into(), Page::SignedOut { at_provider: false, sign_in: return_to }),
        ("signed-out-everywhere".into(), Page::SignedOut { at_provider: true, sign_in: return_to }),
        ("me".into(), Page::Me(me)),
        ("choose".into(), Page::Choose(choice(return_to, None))),
        ("choose-unreadable".into(), Page::Choose(choice(return_to, Some(ChooseProblem::Unreadable)))),
        (
            "choose-nobodys".into(),
            Page::Choose(ChooseView {
                held: Some(entry_id),
                anew: true,
                ..choice(return_to, Some(ChooseProblem::NobodysDomain))
            }),
        ),
    ];
    for limit in LimitName::ALL {
        let exceeded = Exceeded { limit: *limit, ..exceeded };
        pages.push((
            format!("too-much-{limit}"),
            Page::TooMuch { exceeded, action: Action::Export, ways_on: &ways_on, return_to },
        ));
    }
    for reason in Reason::ALL {
        let reason = *reason;
        pages.extend([
            (format!("denied-{reason}"), Page::Denied { reason, action: None, ways_on: &[], return_to }),
            (format!("sign-in-problem-{reason}"), Page::SignInProblem { reason, return_to }),
            (
                format!("unavailable-{reason}"),
                Page::Unavailable { reason, retry: Some(return_to), downtime: None },
            ),
            (format!("unavailable-sent-{reason}"), Page::Unavailable { reason, retry: None, downtime: None }),
            (format!("not-understood-{reason}"), Page::NotUnderstood { reason }),
            (format!("ended-unkept-{reason}"), Page::EndedUnkept { reason }),
        ]);
    }
    for language in Language::ALL {
        for (name, page) in &pages {
            let frame = frame(*language, application, person);
            look(name, &frame, &render(&frame, page));
        }
    }
}

fn choice(return_to: &str, problem: Option<ChooseProblem>) -> ChooseView<'_> {
    ChooseView {
        doors: vec![("clinic", "Clinic staff"), ("partner", "<b>Partner & sons")],
        by_address: problem.is_some(),
        return_to,
        held: None,
        anew: false,
        entered: "\"><b>maria",
        problem,
    }
}

#[test]
fn a_choice_keeps_what_the_sign_in_is_for_and_what_was_entered() {
    let id = HoldId::new(Timestamp::from_seconds(1_772_395_200), &SystemEntropy);
    let view = ChooseView {
        held: Some(id),
        anew: true,
        ..choice("/patients?page=2", Some(ChooseProblem::NobodysDomain))
    };
    let html = render(&frame(Language::English, None, None), &Page::Choose(view));
    for (name, value) in [("return_to", "/patients?page=2"), ("hold", &id.to_string()), ("anew", "1")] {
        let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        assert_eq!(html.matches(&field).count(), 2, "in both forms: {name}\n{html}");
    }
    assert!(
        html.contains("value=\"&#34;&#62;&#60;b&#62;maria\"") && html.contains("role=\"alert\""),
        "{html}"
    );
    assert!(html.contains("name=\"provider\" value=\"partner\""), "{html}");
    assert!(!html.contains("method=\"get\"") && !html.contains("autofocus"), "{html}");

    let html = render(&frame(Language::English, None, None), &Page::Choose(choice("//evil.example", None)));
    assert!(!html.contains("type=\"email\"") && !html.contains("evil.example"), "{html}");
}

fn session_id(seed: u64) -> SessionId {
    SessionId::new(Timestamp::default(), &SeededEntropy::new(seed))
}

/// Two of their sessions, of which the second is locked.
fn places_known(now: Timestamp) -> PlacesView {
    let since = now.minus(Duration::from_secs(9 * 24 * 3_600));
    let device = |name: &[u8]| KnownDevice { browser: Digest::of(name), since, last: now };
    PlacesView {
        devices: vec![device(b"another"), device(b"this")],
        networks: vec![KnownNetwork { network: Network::of([10, 9, 8, 7].into()), since, last: now }],
        here: Some(Digest::of(b"this")),
    }
}

fn sessions(name: &str, now: Timestamp) -> Vec<SessionSummary> {
    let session = |seed, host: &str, locked, device: Option<&str>| SessionSummary {
        bound_to: Vec::new(),
        client: None,
        id: session_id(seed),
        host: host.into(),
        provider: "clinic".parse().unwrap(),
        sub: "u1".into(),
        name: name.into(),
        groups: Vec::new(),
        purpose: Purpose::Operations,
        assurance: Vec::new(),
        created: now.minus(Duration::from_secs(3_600)),
        last_seen: now.minus(Duration::from_secs(1_200)),
        idle_end: now,
        absolute_end: now,
        locked,
        device: device.map(|class| class.parse().unwrap()),
    };
    vec![session(1, "ehr.clinic.example", false, None), session(2, "<b>.example", true, Some("ward"))]
}

/// Entries at each of their standings; what was typed is `text`.
fn held_entries(id: HoldId, text: &str, now: Timestamp) -> Vec<HeldEntry> {
    let typed = Typed {
        target: "/patients/7/notes".to_owned(),
        content_type: "application/x-www-form-urlencoded".to_owned(),
        origin: None,
        referer: None,
        body: url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("text", text), (text, "1"), ("password", text)])
            .finish()
            .into(),
    };
    let entry = |standing, action: Option<&str>, shown| HeldEntry {
        summary: Summary {
            id,
            application: "ehr".parse().unwrap(),
            route: None,
            created: now.minus(Duration::from_secs(60)),
            expires: now.plus(Duration::from_secs(840)),
            standing,
        },
        preview: Preview::of(&typed),
        action: action.map(str::to_owned),
        shown,
    };
    vec![
        entry(Standing::Uncertain, None, false),
        entry(Standing::Waiting, Some("/patients/7/notes?a=1&leastway-held=x"), false),
        entry(Standing::Waiting, None, true),
    ]
}

fn identity(name: &str) -> Identity {
    let proven = Timestamp::from_seconds(1_772_394_480);
    Identity {
        subject: Arc::new(Subject {
            issuer: "https://id.clinic.example".into(),
            sub: "u1".into(),
            name: name.into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        }),
        provider: "clinic".parse().unwrap(),
        roles: vec!["registrar".parse().unwrap(), "quality".parse().unwrap()],
        purpose: Purpose::Operations,
        assurance: Assurance {
            proven: [("mfa".parse().unwrap(), proven)].into(),
            auth_time: proven,
            ..Assurance::default()
        },
        justification: None,
        version: 1,
    }
}

/// The texts of a message file by their dotted keys.
fn texts(file: &str) -> BTreeMap<String, String> {
    fn walk(prefix: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
        if let Some(table) = value.as_table() {
            table.iter().for_each(|(key, value)| walk(&format!("{prefix}.{key}"), value, found));
        } else {
            found.insert(prefix.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    let mut found = BTreeMap::new();
    walk("", &toml::Value::Table(file.parse().unwrap()), &mut found);
    found
}

/// The names of the places to fill in a text.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// The values of these attributes, as a browser reads them.
fn attributes(html: &str, names: &[&str]) -> Vec<String> {
    let values = |name: &&str| {
        let start = format!(" {name}=\"");
        let values = html.split(&start).skip(1).filter_map(|rest| rest.split_once('"'));
        values.map(|(value, _)| value.replace("&#38;", "&").replace("&amp;", "&")).collect::<Vec<_>>()
    };
    names.iter().flat_map(values).collect()
}
