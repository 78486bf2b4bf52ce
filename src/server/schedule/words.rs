//! A cron in plain English.

use super::{
    cron::Cron,
    fields::{Days, Field, Part, Weekdays},
};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
/// More times of a day than this are told as a rule.
const TIMES: usize = 6;

pub fn words(cron: &Cron) -> String {
    let (time, fixed) = time(cron);
    let days = days(cron);
    let months = if cron.month.is_any() { String::new() } else { format!(" {}", months(&cron.month)) };
    match (fixed, days.as_str()) {
        (true, "") if months.is_empty() => format!("Every day {}", lower(&time)),
        (true, "") => format!("{time}, every day{months}"),
        (false, "") => format!("{time}{months}"),
        _ => format!("{time}, {days}{months}"),
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// `a, b and c`
fn list<T: AsRef<str>>(all: &[T]) -> String {
    match all {
        [] => String::new(),
        [one] => one.as_ref().into(),
        [most @ .., last] => format!("{} and {}", most.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "), last.as_ref()),
    }
}

fn ordinal(n: u32) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// The times of a day, and whether they are a few fixed ones.
fn time(cron: &Cron) -> (String, bool) {
    let (s, m, h) = (&cron.second, &cron.minute, &cron.hour);
    let whole = s.one() == Some(0);
    let times = s.iter().count() * m.iter().count() * h.iter().count();
    if times <= TIMES {
        let all: Vec<String> =
            h.iter().flat_map(|h| m.iter().flat_map(move |m| s.iter().map(move |s| clock(h, m, (!whole).then_some(s))))).collect();
        return (format!("At {}", list(&all)), true);
    }
    if whole {
        return (minutes(m, h), false);
    }
    let seconds = match (s.is_any(), s.every(), s.one()) {
        (true, ..) => "every second".into(),
        (_, Some(n), _) => format!("every {n} seconds"),
        (_, _, Some(0)) => String::new(),
        _ => format!("at {} {}", if s.one().is_some() { "second" } else { "seconds" }, values(s)),
    };
    let told = match (m.is_any(), h.is_any()) {
        (true, true) if s.is_any() || s.every().is_some() => seconds,
        (true, true) => format!("{seconds} of every minute"),
        (false, true) if m.every().is_some() => format!("{seconds} of every {} minute", ordinal(m.every().unwrap_or(1))),
        _ => format!("{seconds}, {}", lower(&minutes(m, h))),
    };
    (upper(&told), false)
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn clock(h: u32, m: u32, s: Option<u32>) -> String {
    s.map_or_else(|| format!("{h:02}:{m:02}"), |s| format!("{h:02}:{m:02}:{s:02}"))
}

fn minutes(m: &Field, h: &Field) -> String {
    let hours = match (h.is_any(), h.every(), &h.parts[..]) {
        (true, ..) => None,
        (_, Some(n), _) => Some(format!("every {} hour", ordinal(n))),
        (_, _, [Part { from, to, step: 1 }]) if from < to => Some(format!("from {} to {}", clock(*from, 0, None), clock(*to, 59, None))),
        _ => Some(format!("in {} {}", if h.one().is_some() { "hour" } else { "hours" }, values(h))),
    };
    let every = match (m.is_any(), m.every()) {
        (true, _) => Some("Every minute".to_owned()),
        (_, Some(n)) => Some(format!("Every {n} minutes")),
        _ => None,
    };
    match (every, hours) {
        (Some(every), None) => every,
        (Some(every), Some(hours)) => format!("{every} {hours}"),
        (None, hours) => hourly(m, h, hours),
    }
}

fn hourly(m: &Field, h: &Field, hours: Option<String>) -> String {
    let Some(hours) = hours else {
        return if m.one() == Some(0) { "Every hour".into() } else { format!("At {} past every hour", past(m)) };
    };
    if let (Some(minute), [Part { from, to, step: 1 }]) = (m.one(), &h.parts[..]) {
        return format!("Every hour from {} to {}", clock(*from, minute, None), clock(*to, minute, None));
    }
    match (m.one(), h.every()) {
        (Some(0), Some(n)) => format!("Every {n} hours"),
        (_, Some(_)) => format!("At {} past {hours}", past(m)),
        _ => format!("At {} past the hour, {hours}", past(m)),
    }
}

/// `minute 5`, `minutes 5 and 35`
fn past(m: &Field) -> String {
    format!("{} {}", if m.one().is_some() { "minute" } else { "minutes" }, values(m))
}

/// Ranges as they were written, everything else value by value.
fn values(field: &Field) -> String {
    told(field, |v| v.to_string())
}

fn told(field: &Field, name: impl Fn(u32) -> String) -> String {
    let plain = field.parts.iter().all(|p| p.step == 1 && (p.one().is_some() || p.to > p.from + 1));
    if plain {
        let parts: Vec<String> =
            field.parts.iter().map(|p| p.one().map_or_else(|| format!("{} to {}", name(p.from), name(p.to)), &name)).collect();
        return list(&parts);
    }
    list(&field.iter().map(name).collect::<Vec<_>>())
}

fn days(cron: &Cron) -> String {
    let parts: Vec<String> =
        [(!cron.day.is_any()).then(|| days_of_month(&cron.day)), (!cron.weekday.is_any()).then(|| weekdays(&cron.weekday))]
            .into_iter()
            .flatten()
            .collect();
    parts.join(" or ")
}

fn days_of_month(days: &Days) -> String {
    let some = days.values.iter().next().is_some();
    let numbers = || format!("{} {} of the month", if days.values.one().is_some() { "on day" } else { "on days" }, values(&days.values));
    match (some, days.last) {
        (true, true) => format!("{} and on the last day", numbers()),
        (false, _) => "on the last day of the month".into(),
        (true, false) => match days.values.parts[..] {
            [Part { from, to: 31, step }] if step > 1 => format!("on every {} day of the month from day {from}", ordinal(step)),
            _ => numbers(),
        },
    }
}

fn weekdays(days: &Weekdays) -> String {
    let name = |d: u32| WEEKDAYS[d as usize % 7].to_owned();
    if let Some(nth) = days.nth {
        let which = NTH[nth as usize - 1];
        return format!("on the {which} {} of the month", list(&days.values.iter().map(name).collect::<Vec<_>>()));
    }
    let mut parts = Vec::new();
    match (&days.values.parts[..], days.values.iter().count()) {
        ([Part { from, to, step: 1 }], 3..) if to > from => parts.push(format!("{} to {}", name(*from), name(*to))),
        (_, 0) => {}
        _ => parts.push(format!("on {}", list(&days.values.iter().map(name).collect::<Vec<_>>()))),
    }
    if !days.last.is_empty() {
        parts.push(format!("on the last {} of the month", list(&days.last.iter().map(|d| name(*d)).collect::<Vec<_>>())));
    }
    parts.join(" and ")
}

fn months(field: &Field) -> String {
    let name = |m: u32| MONTHS[m as usize - 1].to_owned();
    match field.parts[..] {
        [Part { from, to, step: 1 }] if to > from + 1 => format!("from {} to {}", name(from), name(to)),
        _ => format!("in {}", list(&field.iter().map(name).collect::<Vec<_>>())),
    }
}
