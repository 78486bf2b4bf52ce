//! What an alert says, for people.

use super::evaluate::{Reading, Said};
use crate::model::{
    alert::rule::{Rule, RuleType},
    shown::in_text,
    time::{Millis, span},
};

/// `12,000`; fractions with one digit.
fn figure(n: f64) -> String {
    let text = if n.fract() == 0.0 || n.abs() >= 1_000.0 { format!("{n:.0}") } else { format!("{n:.1}") };
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if rest.is_empty() { out } else { format!("{out}.{rest}") }
}

fn of(n: f64, one: &str, many: &str) -> String {
    format!("{} {}", figure(n), if (n - 1.0).abs() < f64::EPSILON { one } else { many })
}

#[expect(clippy::cast_possible_truncation, reason = "ages and thresholds are checked")]
fn long(seconds: f64) -> String {
    span((seconds * 1_000.0) as i64)
}

fn window(rule: &Rule) -> String {
    span(rule.window_seconds.cast_signed() * 1_000)
}

/// Value and threshold with their units.
fn figures(rule: &Rule, value: f64, usual: Option<f64>) -> (String, String) {
    let t = rule.threshold;
    match rule.kind {
        RuleType::Backlog => (of(value, "waiting job", "waiting jobs"), of(t, "waiting job", "waiting jobs")),
        RuleType::Failure => (of(value, "failed job", "failed jobs"), of(t, "failed job", "failed jobs")),
        RuleType::FailureSpike => {
            let usual =
                usual.map_or_else(|| "the usual".into(), |usual| format!("the usual {} a minute", figure((usual * 10.0).round() / 10.0)));
            (
                of((value * 10.0).round() / 10.0, "failed attempt a minute", "failed attempts a minute"),
                format!("{} times {usual}", figure(t)),
            )
        }
        RuleType::OldestWaiting => (long(value), long(t)),
        RuleType::WorkerLost => (of(value, "worker", "workers"), of(t, "worker", "workers")),
        RuleType::NodeCpu | RuleType::NodeRam => (format!("{} %", figure((value * 10.0).round() / 10.0)), format!("{} %", figure(t))),
        RuleType::RedisDown => (String::from("unreachable"), String::from("reachable")),
    }
}

/// It fires. The text stands as long as it fires, and in the history: it gives the figures as those of the moment when it fired. Of how
/// long it must have lasted nothing is said when that is no time.
pub fn fired(rule: &Rule, subject: Option<&str>, reading: Reading) -> Said {
    let subject = subject.map(in_text);
    let subject = subject.as_deref();
    let (value, usual) = match reading {
        Reading::Known { value, usual, .. } => (value, usual),
        Reading::Unknown | Reading::Gone => (0.0, None),
    };
    let (value, threshold) = figures(rule, value, usual);
    let lasted = if rule.hold_seconds > 0 { format!(" for {}", span(rule.hold_ms())) } else { String::new() };
    let place = || subject.unwrap_or("all queues");
    let node = || subject.unwrap_or("A node");
    let limited = |what: &str, limit: &str| format!(" when it fired ({what} {limit}{lasted}).");
    let limit = |least: &str| limited("limit", least);
    let text = match rule.kind {
        RuleType::Backlog | RuleType::Failure => format!("{value} in {}{}", place(), limit(&figure(rule.threshold))),
        RuleType::FailureSpike => format!("{value} in {} over {}{}", place(), window(rule), limit(&threshold)),
        RuleType::OldestWaiting => match subject {
            Some(queue) => format!("The oldest waiting job of {queue} was {value} old{}", limit(&threshold)),
            None => format!("The oldest waiting job was {value} old{}", limit(&threshold)),
        },
        RuleType::WorkerLost => {
            let least = limited("minimum", &figure(rule.threshold));
            subject.map_or_else(|| format!("{value} reported{least}"), |queue| format!("{value} served {queue}{least}"))
        }
        RuleType::NodeCpu => format!("{} used {value} of its CPU{}", node(), limit(&threshold)),
        RuleType::NodeRam => format!("{} used {value} of its host's memory{}", node(), limit(&threshold)),
        RuleType::RedisDown => {
            let lasted = if lasted.is_empty() { String::new() } else { format!(",{lasted}") };
            format!("Redis cannot be reached{lasted}. Nothing that depends on it can be seen or delivered.")
        }
    };
    Said { rule: rule.name.clone(), rule_type: rule.kind.as_str().into(), text, value, threshold }
}

/// It is over. `since`: when it fired.
pub fn resolved(rule: &Rule, subject: Option<&str>, reading: Reading, since: Millis, now: Millis) -> Said {
    let subject = subject.map(in_text);
    let subject = subject.as_deref();
    let after = span((now.0 - since.0).max(0));
    let Reading::Known { value, usual, .. } = reading else {
        let what = subject.unwrap_or("What it was about");
        let text = format!("{what} is not there any more, after {after}.");
        return Said { rule: rule.name.clone(), rule_type: rule.kind.as_str().into(), text, value: "—".into(), ..Said::default() };
    };
    let said = fired(rule, subject, reading);
    let (value, threshold) = figures(rule, value, usual);
    let have = || subject.map_or_else(|| "All queues together have".to_owned(), |queue| format!("{queue} has"));
    let text = match rule.kind {
        RuleType::Backlog | RuleType::Failure | RuleType::FailureSpike => format!("{} {value} again, after {after}.", have()),
        RuleType::OldestWaiting => match subject {
            Some(queue) => format!("The oldest waiting job of {queue} is {value} old again, after {after}."),
            None => format!("The oldest waiting job is {value} old again, after {after}."),
        },
        RuleType::WorkerLost => match subject {
            Some(queue) => format!("{queue} is served by {value} again, after {after}."),
            None => format!("{value} {} again, after {after}.", if value.starts_with("1 ") { "reports" } else { "report" }),
        },
        RuleType::NodeCpu => format!("{} uses {value} of its CPU again, after {after}.", subject.unwrap_or("A node")),
        RuleType::NodeRam => format!("{} uses {value} of its host's memory again, after {after}.", subject.unwrap_or("A node")),
        RuleType::RedisDown => format!("Redis is reached again, after {after}."),
    };
    Said { text, value, threshold, ..said }
}

/// The rule is gone or off, or is about something else now.
pub fn closed(said: &Said, since: Millis, now: Millis) -> Said {
    let after = span((now.0 - since.0).max(0));
    Said { text: format!("Closed after {after}: the rule was changed, turned off or deleted."), value: "—".into(), ..said.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_read_like_speech() {
        let rule = |kind: RuleType, threshold: f64, hold_seconds: u64| Rule { name: "R".into(), threshold, hold_seconds, ..kind.first() };
        let known = |value: f64, usual: Option<f64>| Reading::Known { value, usual, breach: true };
        let cases = [
            (
                rule(RuleType::Backlog, 10_000.0, 120),
                Some("orders"),
                known(12_000.0, None),
                "12,000 waiting jobs in orders when it fired (limit 10,000 for 2 min).",
            ),
            (rule(RuleType::Failure, 50.0, 0), None, known(51.0, None), "51 failed jobs in all queues when it fired (limit 50)."),
            (
                rule(RuleType::FailureSpike, 3.0, 0),
                Some("mail"),
                known(42.04, Some(2.13)),
                "42 failed attempts a minute in mail over 5 min when it fired (limit 3 times the usual 2.1 a minute).",
            ),
            (
                rule(RuleType::OldestWaiting, 600.0, 0),
                None,
                known(780.0, None),
                "The oldest waiting job was 13 min old when it fired (limit 10 min).",
            ),
            (rule(RuleType::WorkerLost, 1.0, 0), None, known(0.0, None), "0 workers reported when it fired (minimum 1)."),
            (rule(RuleType::WorkerLost, 2.0, 0), Some("mail"), known(1.0, None), "1 worker served mail when it fired (minimum 2)."),
            (
                rule(RuleType::NodeCpu, 90.0, 0),
                Some("api/api-1"),
                known(97.25, None),
                "api/api-1 used 97.3 % of its CPU when it fired (limit 90 %).",
            ),
            (
                rule(RuleType::RedisDown, 1.0, 60),
                None,
                Reading::Unknown,
                "Redis cannot be reached, for 1 min. Nothing that depends on it can be seen or delivered.",
            ),
        ];
        for (rule, subject, reading, text) in cases {
            assert_eq!(fired(&rule, subject, reading).text, text);
        }
        let over = resolved(&rule(RuleType::Backlog, 10.0, 0), Some("orders"), known(4.0, None), Millis(0), Millis(720_000));
        assert_eq!((over.text.as_str(), over.value.as_str()), ("orders has 4 waiting jobs again, after 12 min.", "4 waiting jobs"));
        assert_eq!(
            resolved(&rule(RuleType::NodeCpu, 90.0, 0), Some("api/1"), Reading::Gone, Millis(0), Millis(1_000)).text,
            "api/1 is not there any more, after 1 s."
        );
    }
}
