//! `leastway detections`: what was found in the stream of events, or would be.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context as _;
use jiff::tz::TimeZone;

use super::policy::recorded::Recorded;
use super::{Exit, MainFile, administered};
use crate::config::load;
use crate::domain::detection::{Detection, ReviewState};
use crate::features::detect::{Item, Seen, Step, Watcher};
use crate::foundation::id::DetectionId;
use crate::foundation::text::plain;

/// Shows what was found in the stream of events, the latest first; or what would be
///
/// With `--replay` the rules of the main file are tried on the journal, without a running gateway: nothing is written, and nobody
/// is asked anything. What is usual for somebody is learned from the same events, so begin some weeks before the days that matter.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    main: MainFile,
    /// Only items whose review has come so far: open, seen or closed
    #[arg(long, value_name = "STATE", conflicts_with = "replay")]
    state: Option<ReviewState>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// As one line of JSON for each
    #[arg(long)]
    json: bool,
    /// Try the rules on what was journaled
    #[arg(long)]
    replay: bool,
    /// With `--replay`: which events
    #[command(flatten)]
    recorded: Recorded,
}

pub(super) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if arguments.replay {
        return replay(arguments, out, problems);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = administered(&arguments.main)?;
    let items = runtime.block_on(asked.detections(arguments.state, arguments.limit.into()))?;
    for item in &items {
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(item)?)?;
        } else {
            writeln!(out, "{}", line(&item.detection, Some(item)))?;
        }
    }
    Ok(Exit::Ok)
}

fn replay(arguments: &Arguments, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    let file = &arguments.main.file;
    let settings = match load(file) {
        Ok(loaded) => loaded.settings,
        Err(found) => {
            write!(problems, "{found}")?;
            return Ok(Exit::No);
        }
    };
    if settings.detections.is_empty() {
        writeln!(problems, "leastway: no `[detect.NAME]` is declared, so nothing is looked for")?;
        return Ok(Exit::No);
    }
    let zone = TimeZone::get(&settings.time_zone).context("`time_zone` is not known here")?;
    let mut watcher = Watcher::new(settings.detections.into(), zone, [], []);
    let mut found: BTreeMap<DetectionId, Detection> = BTreeMap::new();
    let mut events = 0_u64;
    let stopped = arguments.recorded.each(file, |event| {
        events += 1;
        let Some(Seen::Work(work)) = Seen::of(&event.opening, event.closing.as_ref()) else { return };
        for step in watcher.see(&work, &|_, _, _| false) {
            match step {
                Step::Found(detection) | Step::Grown(detection) => {
                    found.insert(detection.id, detection);
                }
                Step::Quiet(_) => {}
            }
        }
    })?;
    for detection in found.values().rev().take(arguments.limit.into()) {
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(detection)?)?;
        } else {
            writeln!(out, "{}", line(detection, None))?;
        }
    }
    if !arguments.json {
        sum_up(events, found.values(), out)?;
    }
    stopped?;
    Ok(Exit::Ok)
}

fn line(found: &Detection, item: Option<&Item>) -> String {
    let Detection { id, rule, severity, person, name, until, why, .. } = found;
    let state = item.map_or_else(String::new, |item| match item.finding {
        Some(finding) => format!("  {}: {finding}", item.state),
        None => format!("  {}", item.state),
    });
    let (name, sub, why) = (plain(name), plain(&person.sub), plain(why));
    format!("{id}  {until}  {severity:6}  {rule}{state}  {name} ({sub}): {why}")
}

fn sum_up<'f>(
    events: u64,
    found: impl Iterator<Item = &'f Detection>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut by_rule: BTreeMap<&str, u64> = BTreeMap::new();
    for detection in found {
        *by_rule.entry(detection.rule.as_str()).or_default() += 1;
    }
    writeln!(out, "{events} events, {} detections", by_rule.values().sum::<u64>())?;
    for (rule, number) in by_rule {
        writeln!(out, "  {rule}: {number}")?;
    }
    Ok(())
}
