//! What each of the four does, and a program.

use std::io;

use http::StatusCode;
use serde_json::Value;

use super::visitor::{Visitor, unexpected};
use super::{Outcome, Tour, Trouble};
use crate::demo::browser::{Caller, Reply};
use crate::demo::people::Person;

/// The record number of the first patient.
pub(super) const A_PATIENT: &str = "100001";
const REPORT: &str = "/reports/patients";
const ALL_AS_CSV: [(&str, &str); 2] = [("ward", ""), ("export", "csv")];
const EAST_AS_CSV: [(&str, &str); 2] = [("ward", "East"), ("export", "csv")];
const EAST_AS_XLSX: [(&str, &str); 2] = [("ward", "East"), ("export", "xlsx")];
const ALL_ON_SCREEN: [(&str, &str); 2] = [("ward", ""), ("all", "1")];
const ALL_AS_ZIP: [(&str, &str); 2] = [("ward", ""), ("export", "zip")];

impl Tour<'_> {
    pub(super) async fn registrar(&mut self) -> io::Result<()> {
        let Some(mut rosa) = self.enter("registrar", "Rosa Delgado, registrar").await? else { return Ok(()) };
        let ehr = rosa.places.ehr.clone();

        let outcome = rosa.sees(&format!("{ehr}/search?q=garcia"), "found").await;
        self.tell("searches for a patient", outcome)?;
        let outcome = rosa.sees(&format!("{ehr}/patients/{A_PATIENT}"), "Record number").await;
        self.tell("opens the patient's page", outcome)?;
        let outcome = rosa.sees(&format!("{ehr}/patients?page=2"), "Page 2 of").await;
        self.tell("lists patients on screen", outcome)?;
        let outcome =
            rosa.is_refused_page(&format!("{ehr}/patients/{A_PATIENT}/chart"), "no-rule-matched").await;
        self.tell("tries to open a chart: not a registrar's business", outcome)?;

        let outcome = rosa.is_refused_file(&ALL_AS_CSV, "export-over-request-limit", &["500"]).await;
        self.tell("saves all 1,000 patients as CSV, 500 are allowed", outcome)?;
        let outcome = rosa.is_refused_file(&ALL_AS_ZIP, "export-over-request-limit", &["500"]).await;
        self.tell("saves them as ZIP: what is in it is counted", outcome)?;
        let outcome = rosa.is_refused_file(&ALL_ON_SCREEN, "records-over-response-limit", &["100"]).await;
        self.tell("asks for all of them on the page, which shows 100", outcome)?;
        let outcome = rosa.gets_report(&EAST_AS_CSV).await;
        self.tell("saves one ward as CSV", outcome)?;
        let outcome = rosa.gets_schedule_with_a_reason().await;
        self.tell("saves today's schedule, for which a reason is asked", outcome)?;

        let outcome = rosa.signs_out().await;
        self.tell("signs out, here and at the provider", outcome)
    }

    pub(super) async fn analyst(&mut self) -> io::Result<()> {
        let Some(mut amara) = self.enter("analyst", "Amara Lindqvist, quality analyst").await? else {
            return Ok(());
        };

        let outcome = amara.gets_report_after_step_up().await;
        self.tell("saves one ward as CSV, after a second factor", outcome)?;
        let outcome = amara.gets_report(&EAST_AS_XLSX).await;
        self.tell("saves it again, for Excel: the second factor is still fresh", outcome)?;
        let outcome = amara.sees_no_contacts().await;
        self.tell("searches by FHIR: patients come without telephone and address, and say so", outcome)?;
        let outcome = amara.gets("/api/patients.json?limit=400").await;
        self.tell("takes 400 records as JSON", outcome)?;
        let outcome = amara.is_refused_file(&ALL_AS_CSV, "export-over-request-limit", &["500"]).await;
        self.tell("saves all 1,000 as CSV: a second factor does not lift the limit", outcome)
    }

    pub(super) async fn nurse(&mut self) -> io::Result<()> {
        let Some(mut noah) = self.enter("nurse", "Noah Okafor, nurse").await? else { return Ok(()) };
        let ehr = noah.places.ehr.clone();

        let outcome = noah.sees(&format!("{ehr}/patients/{A_PATIENT}/chart"), "Diagnosis").await;
        self.tell("opens a chart", outcome)?;
        let outcome = noah.writes_a_note().await;
        self.tell("writes a note into it", outcome)?;
        let outcome = noah.gets("/fhir/Patient?_count=300").await;
        self.tell("reads 300 records where 200 are usual: advised, never blocked", outcome)?;
        let outcome = noah.is_refused_file(&EAST_AS_CSV, "no-rule-matched", &[]).await;
        self.tell("tries to save one ward as CSV: no rule lets nurses export", outcome)
    }

    pub(super) async fn program(&mut self) -> io::Result<()> {
        self.chapter("A program that is not signed in")?;
        let outcome = match self.visitor(&crate::demo::people::PEOPLE[0]) {
            Ok(mut somebody) => somebody.is_asked_to_sign_in_as_a_program().await,
            Err(error) => Err(error.into()),
        };
        self.tell("asks for patients as JSON", outcome)
    }

    pub(super) async fn administrator(&mut self) -> io::Result<()> {
        self.chapter("Ines Keller, administrator")?;
        let Some(mut ines) = self.sign_in("administrator", |places| &places.console).await? else {
            return Ok(());
        };
        let console = ines.places.console.clone();

        let outcome = ines.talks_to_the_live_log(Door::Closed).await;
        self.tell("opens the console's WebSocket without a second factor", outcome)?;
        let outcome = ines.steps_up_to(&format!("{console}/live"), "Live log").await;
        self.tell("opens the live log, with a second factor", outcome)?;
        let outcome = ines.talks_to_the_live_log(Door::Open).await;
        self.tell("talks over the WebSocket", outcome)?;
        let outcome = ines.gets_from_console("/configuration.json").await;
        self.tell("exports the configuration", outcome)?;
        let outcome = ines.deletes_a_queue().await;
        self.tell("deletes a queue", outcome)
    }

    async fn enter(&mut self, username: &str, title: &str) -> io::Result<Option<Visitor>> {
        self.chapter(title)?;
        self.sign_in(username, |places| &places.ehr).await
    }

    async fn sign_in(
        &mut self,
        username: &str,
        site: impl Fn(&super::Places) -> &String,
    ) -> io::Result<Option<Visitor>> {
        let url = format!("{}/", site(&self.places));
        let nobody = || Trouble::Unexpected(format!("nobody is called `{username}`"));
        let visitor = Person::named(username)
            .ok_or_else(nobody)
            .and_then(|person| self.visitor(person).map_err(Trouble::from));
        let entered = match visitor {
            Ok(mut visitor) => visitor.sign_in(&url).await.map(|page| (visitor, page)),
            Err(trouble) => Err(trouble),
        };
        let (visitor, outcome) = match entered {
            Ok((visitor, page)) => (Some(visitor), Ok(told(&page))),
            Err(trouble) => (None, Err(trouble)),
        };
        self.tell(&format!("opens {url} and signs in at the provider"), outcome)?;
        Ok(visitor)
    }
}

/// Whether a WebSocket should open.
#[derive(Clone, Copy)]
enum Door {
    Open,
    Closed,
}

impl Visitor {
    async fn sees(&mut self, url: &str, words: &str) -> Outcome {
        let page = self.browser.open(url).await?;
        shows(&page, words)
    }

    async fn steps_up_to(&mut self, url: &str, words: &str) -> Outcome {
        let page = self.step_up(url).await?;
        shows(&page, words)
    }

    async fn is_refused_page(&mut self, url: &str, reason: &str) -> Outcome {
        let page = self.browser.open(url).await?;
        refused(&page, reason, &[])
    }

    /// Posts the report's form and meets a page instead of a file.
    async fn is_refused_file(&mut self, form: &[(&str, &str)], reason: &str, numbers: &[&str]) -> Outcome {
        let url = format!("{}{REPORT}", self.places.ehr);
        let page = self.browser.submit(&url, form).await?;
        // A record number in what came would be a leak, whatever the status says.
        if page.text().contains(A_PATIENT) {
            return Err(unexpected("a page without a single record", &page));
        }
        refused(&page, reason, numbers)
    }

    async fn gets_report(&mut self, form: &[(&str, &str)]) -> Outcome {
        let came = self.browser.submit(&format!("{}{REPORT}", self.places.ehr), form).await?;
        let bare = self.browser.submit(&format!("{}{REPORT}", self.places.bare_ehr), form).await?;
        same(&came, &bare)
    }

    async fn gets_report_after_step_up(&mut self) -> Outcome {
        let path = format!("{REPORT}?ward=East&export=csv");
        let came = self.step_up(&format!("{}{path}", self.places.ehr)).await?;
        let bare = self.browser.open(&format!("{}{path}", self.places.bare_ehr)).await?;
        same(&came, &bare)
    }

    async fn gets_schedule_with_a_reason(&mut self) -> Outcome {
        let path = "/schedule?format=csv";
        let came = self.justify(&format!("{}{path}", self.places.ehr), "Reminders for tomorrow").await?;
        let bare = self.browser.open(&format!("{}{path}", self.places.bare_ehr)).await?;
        same(&came, &bare)
    }

    async fn gets(&mut self, path: &str) -> Outcome {
        let came = self.browser.open(&format!("{}{path}", self.places.ehr)).await?;
        let bare = self.browser.open(&format!("{}{path}", self.places.bare_ehr)).await?;
        same(&came, &bare)
    }

    /// What she gets is what the application sends, without what her role does not need.
    async fn sees_no_contacts(&mut self) -> Outcome {
        let path = "/fhir/Patient?_count=20";
        let came = self.browser.open(&format!("{}{path}", self.places.ehr)).await?;
        let bare = self.browser.open(&format!("{}{path}", self.places.bare_ehr)).await?;
        let parts = |reply: &Reply| {
            let text = reply.text();
            ["\"telecom\"", "\"address\"", "\"birthDate\"", "SUBSETTED"]
                .map(|part| text.matches(part).count())
        };
        let withheld = came.header("x-leastway-withheld").to_owned();
        if (parts(&bare), parts(&came), &*withheld) != ([20, 20, 20, 0], [0, 0, 20, 20], "contact") {
            return Err(unexpected("20 patients without telecom and address, labelled SUBSETTED", &came));
        }
        Ok(format!("{} 20 patients, withheld: {withheld}", came.status))
    }

    async fn gets_from_console(&mut self, path: &str) -> Outcome {
        let came = self.browser.open(&format!("{}{path}", self.places.console)).await?;
        let bare = self.browser.open(&format!("{}{path}", self.places.bare_console)).await?;
        same(&came, &bare)
    }

    async fn writes_a_note(&mut self) -> Outcome {
        let url = format!("{}/patients/{A_PATIENT}/notes", self.places.ehr);
        let chart = self.browser.submit(&url, &[("text", "Slept well, no pain.")]).await?;
        shows(&chart, "Slept well, no pain.")
    }

    async fn is_asked_to_sign_in_as_a_program(&mut self) -> Outcome {
        let url = format!("{}/api/patients.json", self.places.ehr);
        let reply = self.browser.once(Caller::Program, &url).await?;
        let kind = reply.header("content-type").to_owned();
        let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let is_problem = kind.starts_with("application/problem+json") && problem.is_object();
        if reply.status != StatusCode::UNAUTHORIZED
            || !is_problem
            || reply.header("www-authenticate").is_empty()
        {
            return Err(unexpected("401 with a problem and WWW-Authenticate", &reply));
        }
        Ok(format!("{} {kind}\n{problem}", reply.status))
    }

    async fn talks_to_the_live_log(&mut self, door: Door) -> Outcome {
        let url = format!("{}/live/socket", self.places.console);
        match (self.browser.converse(&url, "is anybody there?", "echo: ").await?, door) {
            (Ok(echo), Door::Open) => Ok(format!("101 {echo}")),
            (Err(reply), Door::Closed) if reply.status.is_client_error() => Ok(told(&reply)),
            (Ok(_), Door::Closed) => {
                Err(Trouble::Unexpected("expected a closed door; the WebSocket opened".to_owned()))
            }
            (Err(reply), Door::Open) => Err(unexpected("an open WebSocket", &reply)),
            (Err(reply), Door::Closed) => Err(unexpected("401 or 403", &reply)),
        }
    }

    async fn deletes_a_queue(&mut self) -> Outcome {
        let url = format!("{}/queues/laboratory/delete", self.places.console);
        let page = self.browser.submit(&url, &[]).await?;
        shows(&page, "laboratory<td class=\"number\">0")
    }

    /// Signs out; the next page asks for a password again.
    async fn signs_out(&mut self) -> Outcome {
        let ehr = self.places.ehr.clone();
        self.browser.submit(&format!("{ehr}/.leastway/sign-out"), &[]).await?;
        let page = self.browser.open(&format!("{ehr}/")).await?;
        let at_provider = page.url.origin().ascii_serialization() == self.places.provider;
        if at_provider && page.text().contains("Password") {
            Ok(format!("{} and is asked for the password again", told(&page)))
        } else {
            Err(unexpected("the provider's sign-in page", &page))
        }
    }
}

fn shows(page: &Reply, words: &str) -> Outcome {
    if page.status == StatusCode::OK && page.text().contains(words) {
        Ok(told(page))
    } else {
        Err(unexpected(&format!("200 and `{words}`"), page))
    }
}

fn refused(page: &Reply, reason: &str, numbers: &[&str]) -> Outcome {
    let says = |number: &&str| page.text().contains(*number);
    let right = page.status == StatusCode::FORBIDDEN && page.header("x-leastway-reason") == reason;
    if right && numbers.iter().all(says) {
        Ok(told(page))
    } else {
        Err(unexpected(&format!("403 {reason} with a page that says {numbers:?}"), page))
    }
}

/// Whether a file came whole and unchanged.
fn same(came: &Reply, bare: &Reply) -> Outcome {
    if came.status != StatusCode::OK {
        return Err(unexpected("the file", came));
    }
    if came.body != bare.body {
        let (came, bare) = (came.body.len(), bare.body.len());
        return Err(Trouble::Unexpected(format!(
            "{came} bytes came, the application sent {bare}, or they differ"
        )));
    }
    Ok(format!("{} {} bytes, the same that the application sent", came.status, came.body.len()))
}

fn told(reply: &Reply) -> String {
    let reason = reply.header("x-leastway-reason");
    if reason.is_empty() {
        format!("{} from {}", reply.status, reply.url)
    } else {
        format!("{} {reason} from {}", reply.status, reply.url)
    }
}
