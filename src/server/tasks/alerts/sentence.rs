//! What an alert says, for people.

use super::evaluate::{Reading, Said};
use crate::model::{
    alert::rule::{Rule, RuleType},
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

/// It fires. Of how long it must have lasted nothing is said when that is no time.
pub fn fired(rule: &Rule, subject: Option<&str>, reading: Reading) -> Said {
    let (value, usual) = match reading {
        Reading::Known { value, usual, .. } => (value, usual),
        Reading::Unknown | Reading::Gone => (0.0, None),
    };
    let (value, threshold) = figures(rule, value, usual);
    let lasted = if rule.hold_seconds > 0 { format!(", for {}", span(rule.hold_ms())) } else { String::new() };
    let all = || subject.map_or_else(|| "All queues together have".to_owned(), |queue| format!("{queue} has"));
    let text = match rule.kind {
        RuleType::Backlog | RuleType::Failure => format!("{} {value}, {} or more{lasted}.", all(), figure(rule.threshold)),
        RuleType::FailureSpike => format!("{} {value} over {}, more than {threshold}{lasted}.", all(), window(rule)),
        RuleType::OldestWaiting => match subject {
            Some(queue) => format!("The oldest waiting job of {queue} is {value} old, {threshold} or more{lasted}."),
            None => format!("The oldest waiting job is {value} old, {threshold} or more{lasted}."),
        },
        RuleType::WorkerLost => match subject {
            Some(queue) => format!("{queue} is served by {value}, fewer than {}{lasted}.", figure(rule.threshold)),
            None => {
                let verb = if value.starts_with("1 ") { "reports" } else { "report" };
                format!("{value} {verb}, fewer than {}{lasted}.", figure(rule.threshold))
            }
        },
        RuleType::NodeCpu => format!("{} uses {value} of its CPU, {threshold} or more{lasted}.", subject.unwrap_or("A node")),
        RuleType::NodeRam => format!("{} uses {value} of its host's memory, {threshold} or more{lasted}.", subject.unwrap_or("A node")),
        RuleType::RedisDown => format!("Redis cannot be reached{lasted}. Nothing that depends on it can be seen or delivered."),
    };
    Said { rule: rule.name.clone(), rule_type: rule.kind.as_str().into(), text, value, threshold }
}

/// It is over. `since`: when it fired.
pub fn resolved(rule: &Rule, subject: Option<&str>, reading: Reading, since: Millis, now: Millis) -> Said {
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
                "orders has 12,000 waiting jobs, 10,000 or more, for 2 min.",
            ),
            (rule(RuleType::Failure, 50.0, 0), None, known(51.0, None), "All queues together have 51 failed jobs, 50 or more."),
            (
                rule(RuleType::FailureSpike, 3.0, 0),
                Some("mail"),
                known(42.04, Some(2.13)),
                "mail has 42 failed attempts a minute over 5 min, more than 3 times the usual 2.1 a minute.",
            ),
            (rule(RuleType::OldestWaiting, 600.0, 0), None, known(780.0, None), "The oldest waiting job is 13 min old, 10 min or more."),
            (rule(RuleType::WorkerLost, 1.0, 0), None, known(0.0, None), "0 workers report, fewer than 1."),
            (rule(RuleType::WorkerLost, 2.0, 0), Some("mail"), known(1.0, None), "mail is served by 1 worker, fewer than 2."),
            (rule(RuleType::NodeCpu, 90.0, 0), Some("api/api-1"), known(97.25, None), "api/api-1 uses 97.3 % of its CPU, 90 % or more."),
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
