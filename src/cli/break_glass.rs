//! `leastway break-glass`: emergency access, and what reviewers say of it.

use std::io::Write;

use super::{Exit, MainFile, administered};
use crate::app::administer::BreakSaid;
use crate::domain::break_glass::{BreakFinding, BreakReview};
use crate::domain::revocation::Why;
use crate::features::break_glass::{Break, Standing};
use crate::foundation::id::RequestId;
use crate::foundation::text::plain;

/// Lists emergency access, and reviews it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    _main: MainFile,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Lists emergency access, the latest first; what is overdue is marked
    List(List),
    /// Says how far the review of one has come, and what was found
    Review(Review),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    main: MainFile,
    /// Only those whose review has come so far: open, triaged or closed
    #[arg(long, value_name = "STATE")]
    state: Option<BreakReview>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// As one line of JSON for each
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Review {
    #[command(flatten)]
    main: MainFile,
    /// Which: the identifier in the list
    id: RequestId,
    /// How far it has come: triaged or closed
    #[arg(long, value_name = "STATE")]
    state: BreakReview,
    /// Who looks at it: nobody reviews their own
    #[arg(long, value_name = "NAME")]
    reviewer: String,
    /// What was found: justified, not-justified or inconclusive
    #[arg(long, value_name = "FINDING")]
    finding: Option<BreakFinding>,
    /// In their words: 1 to 200 characters, and nothing of a patient
    #[arg(long, value_name = "TEXT")]
    note: Option<Why>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.verb {
        Verb::List(list) => {
            let asked = administered(&list.main)?;
            let found = runtime.block_on(asked.breaks(list.state, list.limit.into()))?;
            for it in &found.breaks {
                if list.json {
                    writeln!(out, "{}", serde_json::to_string(it)?)?;
                } else {
                    writeln!(out, "{}", line(it, found.overdue.contains(&it.id)))?;
                }
            }
        }
        Verb::Review(review) => {
            let said = BreakSaid {
                state: review.state,
                finding: review.finding,
                reviewer: review.reviewer.clone(),
                note: review.note.clone(),
            };
            let it = runtime.block_on(administered(&review.main)?.review_break(review.id, &said))?;
            writeln!(out, "{}", line(&it, false))?;
        }
    }
    Ok(Exit::Ok)
}

fn line(it: &Break, is_overdue: bool) -> String {
    let until = match it.standing {
        Standing::Active => format!("open until {}", it.until),
        Standing::Over { at, end } => format!("over since {at} ({end})"),
    };
    let review = match (it.joins, it.review.finding) {
        (Some(root), _) => format!("joins {root}"),
        (None, Some(finding)) => format!("{}: {finding}", it.review.state),
        (None, None) => it.review.state.to_string(),
    };
    let overdue = if is_overdue { "  overdue" } else { "" };
    let owed = if it.is_owed() { "  text owed" } else { "" };
    let (name, sub, patient) = (plain(&it.name), plain(&it.person.sub), it.patient.digest().short());
    let (id, began, application, reason) = (it.id, it.began, &it.application, it.reason);
    format!(
        "{id}  {began}  {application}  patient {patient}  {reason}  {until}  {review}{overdue}{owed}  {name} ({sub})"
    )
}
