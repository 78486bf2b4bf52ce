//! What a rule would have done over what was recorded: the same steps as the live ones, moment by moment.

use super::{
    evaluate::{State, Step, step},
    observe::{Node, Observed, Queue, count, readings},
    sentence,
};
use crate::model::{
    alert::{
        preview::{LISTED, Preview, WouldFire},
        rule::{Rule, RuleType},
    },
    queue::FAILED_CAP,
    time::Millis,
};
use crate::server::{
    error::DriverError,
    ledger::{
        frame::Frame,
        meter::{Meter, TIERS},
    },
    nodes,
    state::AppState,
};
use std::collections::BTreeMap;
use wildmatch::WildMatch;

/// Minutes of the original's counts.
const GAUGES_MIN: i64 = 60;
/// Alerts of one rule that are followed.
const SUBJECTS: usize = 500;

/// One moment, and how many seconds it stands for.
struct Moment {
    at: i64,
    seconds: i64,
    seen: Observed,
}

pub async fn preview(state: &AppState, rule: &Rule, now: Millis) -> Result<Preview, DriverError> {
    let minute = now.0.div_euclid(60_000);
    let counts = match (rule.kind, &rule.queue) {
        (RuleType::Backlog, _) => {
            let moments = backlog(state.ledger.lock().meter(), rule);
            return Ok(over(
                rule,
                moments,
                Some("Older than 75 minutes it is known every ten minutes, before that every minute or finer.".into()),
            ));
        }
        (RuleType::FailureSpike, _) => {
            let moments = spikes(state.ledger.lock().meter(), rule);
            return Ok(over(rule, moments, Some("Older than 75 minutes the window is ten minutes.".into())));
        }
        (RuleType::Failure, Some(_)) if count(Some(FAILED_CAP)).is_some_and(|most| rule.threshold > most) => {
            return Ok(nothing("Redis keeps the newest 1,000 failed jobs of a queue, so this rule can never fire."));
        }
        (RuleType::Failure, None) => "failed",
        (RuleType::WorkerLost, None) => "workers",
        (RuleType::Failure | RuleType::WorkerLost, Some(_)) => {
            return Ok(nothing(
                "Of single queues only waiting jobs and failed attempts are recorded over time, so nothing can be said of the past.",
            ));
        }
        (RuleType::OldestWaiting, _) => {
            return Ok(nothing("Ages of waiting jobs are not recorded over time, so nothing can be said of the past."));
        }
        (RuleType::NodeCpu | RuleType::NodeRam, _) => {
            let moments = nodes(&state.nodes.lock(), now);
            let note = "Of nodes the last 15 minutes are kept, every 30 seconds, and only while this console runs.";
            return Ok(over(rule, moments, Some(note.into())));
        }
        (RuleType::RedisDown, _) => return Ok(nothing("Times without Redis are not recorded, so nothing can be said of the past.")),
    };
    let first = minute - GAUGES_MIN;
    let values = state.driver.gauges(counts, first, GAUGES_MIN).await?;
    let moments = values.into_iter().enumerate().map(|(i, value)| {
        let (failed, workers) = if counts == "failed" { (value, None) } else { (None, value) };
        let seen = Observed { measured: value.is_some(), failed, workers, ..Observed::default() };
        // The count of a minute was taken at its end.
        Moment { at: (first + i64::try_from(i).unwrap_or(0) + 1) * 60, seconds: 60, seen }
    });
    Ok(over(rule, moments.collect(), Some("It is recorded every minute, for an hour.".into())))
}

fn nothing(note: &str) -> Preview {
    Preview { note: Some(note.into()), ..Preview::default() }
}

/// Frames from the coarse ones of long ago to the fine ones of lately, none twice: (tier, frame).
fn frames(meter: &Meter) -> Vec<(usize, &Frame)> {
    let end = meter.closed() + 1;
    let mut all = Vec::new();
    let mut from = i64::MIN;
    for tier in [3, 2, 1] {
        // Where the finer frames begin, on a boundary of this tier.
        let (step, _) = TIERS[tier];
        let until = if tier == 1 {
            end
        } else {
            let (finer, kept) = TIERS[tier - 1];
            (end - finer * kept).div_euclid(step) * step + step
        };
        all.extend(meter.frames_from(tier, from).take_while(|frame| frame.at + step <= until).map(|frame| (tier, frame)));
        from = until;
    }
    all
}

fn backlog(meter: &Meter, rule: &Rule) -> Vec<Moment> {
    let pattern = rule.queue.as_deref().map(WildMatch::new);
    let is = |name: &str| match (&pattern, &rule.queue) {
        (Some(wild), _) if rule.is_pattern() => wild.matches(name),
        (_, queue) => queue.as_deref() == Some(name),
    };
    let moment = |(tier, frame): (usize, &Frame)| {
        // Queues without a waiting job are not in the frame.
        let known = frame.all.waiting.is_some();
        let queues: BTreeMap<String, Queue> = frame
            .queues
            .iter()
            .filter(|(name, _)| is(name.as_str()))
            .map(|(name, tally)| (name.to_string(), Queue { waiting: Some(tally.waiting.unwrap_or(0)), ..Queue::default() }))
            .collect();
        let seconds = TIERS[tier].0;
        Moment {
            at: frame.at + seconds,
            seconds,
            seen: Observed { measured: known, waiting: frame.all.waiting, queues, ..Observed::default() },
        }
    };
    frames(meter).into_iter().map(moment).collect()
}

fn spikes(meter: &Meter, rule: &Rule) -> Vec<Moment> {
    let moment = |(tier, frame): (usize, &Frame)| {
        let seconds = TIERS[tier].0;
        let at = frame.at + seconds;
        let failures = meter.failures(at, rule.window_seconds.cast_signed());
        let measured = failures.of(None).is_some_and(|spike| spike.usual.is_some());
        Moment {
            at,
            seconds,
            seen: Observed { measured, failures: BTreeMap::from([(rule.window_seconds, failures)]), ..Observed::default() },
        }
    };
    frames(meter).into_iter().map(moment).collect()
}

fn nodes(nodes: &nodes::Inner, now: Millis) -> Vec<Moment> {
    let moment = |past: nodes::Past| {
        let all: Vec<Node> = past.nodes.into_iter().map(|(name, cpu, ram)| Node { name, cpu, ram }).collect();
        let seen = Observed { measured: !all.is_empty(), nodes: Some(all), ..Observed::default() };
        Moment { at: past.at.0 / 1_000, seconds: nodes::STEP_MS / 1_000, seen }
    };
    nodes.past(now).into_iter().map(moment).collect()
}

/// Goes through the moments as the engine would have.
fn over(rule: &Rule, moments: Vec<Moment>, note: Option<String>) -> Preview {
    let mut preview = Preview { note, ..Preview::default() };
    let mut states: BTreeMap<Option<String>, State> = BTreeMap::new();
    let mut open: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut firings: Vec<WouldFire> = Vec::new();
    let (mut unheard, mut last) = (false, None::<i64>);
    for Moment { at, seconds, seen } in moments {
        let now = Millis(at * 1_000);
        if !seen.measured {
            // Before the first measured moment nothing was recorded at all.
            if preview.from.is_some() {
                preview.unknown_seconds += seconds.cast_unsigned();
                (unheard, last) = (true, Some(at));
                preview.to = Some(now);
            }
            continue;
        }
        if let Some(before) = last {
            let missing = at - seconds - before;
            preview.unknown_seconds += missing.max(0).cast_unsigned();
            unheard |= missing > 60;
        }
        last = Some(at);
        preview.from.get_or_insert(Millis((at - seconds) * 1_000));
        preview.to = Some(now);
        let known: Vec<Option<String>> = states.keys().cloned().collect();
        for (subject, reading) in readings(rule, &seen, &known) {
            if states.len() >= SUBJECTS && !states.contains_key(&subject) {
                continue;
            }
            let next = match step(rule, states.get(&subject), reading, now, unheard) {
                Step::Stay => continue,
                Step::Change(next) => next,
                Step::Fire(next) => {
                    preview.times += 1;
                    open.insert(subject.clone(), firings.len());
                    let text = sentence::fired(rule, subject.as_deref(), reading).text;
                    firings.push(WouldFire { subject: subject.clone(), at: now, until: None, text });
                    Some(next)
                }
                Step::Resolve(next) => {
                    if let Some(firing) = open.remove(&subject).and_then(|i| firings.get_mut(i)) {
                        firing.until = Some(now);
                    }
                    next
                }
            };
            match next {
                Some(next) => drop(states.insert(subject, next)),
                None => drop(states.remove(&subject)),
            }
        }
        unheard = false;
    }
    firings.reverse();
    firings.truncate(LISTED);
    if preview.from.is_none() {
        return nothing("Nothing was recorded yet that this rule looks at, so nothing can be said of the past.");
    }
    Preview { firings, ..preview }
}

#[cfg(test)]
mod tests;
