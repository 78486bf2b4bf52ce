//! A cron as the npm package `cron-parser` reads it, which the library's scheduler uses: 5 fields, or 6 with seconds first,
//! names, ranges, steps, lists, `?`, `L`, `#` and `@daily` and its like. Where its versions 4 and 5 differ this follows 5, and
//! takes what one of them takes when its meaning is plain (`0,7`). `H` is refused: it is another time in every process.

use super::{
    fields::{Days, Field, Part, Weekdays},
    next, words,
};
use crate::model::{schedule::Run, time::Millis};
use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;

/// More than anybody writes; a field would have to name every value twice.
const LONGEST: usize = 256;

/// What `@daily` and its like stand for.
const MACROS: [(&str, &str); 10] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@minutely", "* * * * *"),
    ("@secondly", "* * * * * *"),
    ("@weekdays", "0 0 * * 1-5"),
    ("@weekends", "0 0 * * 0,6"),
];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    pub(super) second: Field,
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day: Days,
    pub(super) month: Field,
    pub(super) weekday: Weekdays,
    written: usize,
}

impl Cron {
    /// # Errors
    /// A sentence that says what is wrong with which field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(format!("A cron has at most {LONGEST} characters."));
        }
        let whole = match MACROS.iter().find(|(name, _)| *name == text) {
            Some((_, fields)) => fields,
            None if text.starts_with('@') => {
                return Err(format!("{text} is not one of {}.", MACROS.map(|(name, _)| name).join(", ")));
            }
            None => text,
        };
        let given: Vec<&str> = whole.split_whitespace().collect();
        let written = given.len();
        // Fields that are left out count from the front, as cron-parser has it: the second is 0, everything else is any.
        let [second, minute, hour, day, month, weekday] = match given[..] {
            [] => {
                return Err("A cron has 5 fields: minute, hour, day of the month, month, day of the week; or 6, with seconds first.".into());
            }
            [w] => ["0", "*", "*", "*", "*", w],
            [m, w] => ["0", "*", "*", "*", m, w],
            [d, m, w] => ["0", "*", "*", d, m, w],
            [h, d, m, w] => ["0", "*", h, d, m, w],
            [min, h, d, m, w] => ["0", min, h, d, m, w],
            [s, min, h, d, m, w] => [s, min, h, d, m, w],
            _ => return Err(format!("A cron has 5 or 6 fields, this one has {written}.")),
        };
        if whole.contains('H') && [second, minute, hour, day].iter().any(|f| f.contains('H')) {
            return Err("H picks another time in every process that reads it, so its runs cannot be told. Write the time.".into());
        }
        let cron = Self {
            second: Field::parse("second", second, 0, 59)?,
            minute: Field::parse("minute", minute, 0, 59)?,
            hour: Field::parse("hour", hour, 0, 23)?,
            day: Days::parse(day)?,
            month: Field::parse("month", &named("month", month, &MONTHS, 1)?, 1, 12)?,
            weekday: Weekdays::parse(&named("day of the week", weekday, &DAYS, 0)?)?,
            written,
        };
        cron.never().map_or(Ok(cron), Err)
    }

    /// For a cron that somebody types now: fields that are left out are more likely forgotten.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which field.
    pub fn typed(text: &str) -> Result<Self, String> {
        let cron = Self::parse(text)?;
        if cron.written < 5 {
            return Err(format!(
                "A cron has 5 fields (minute, hour, day of the month, month, day of the week) or 6, with seconds first; this one has {}.",
                cron.written
            ));
        }
        Ok(cron)
    }

    /// Day 31 of June and its like.
    fn never(&self) -> Option<String> {
        if self.day.last || !self.weekday.is_any() {
            return None;
        }
        let first = self.day.values.iter().next()?;
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (!self.month.iter().any(|month| first <= longest(month)))
            .then(|| format!("No month of this cron has a day {first}: it never runs."))
    }

    /// The first run after `after`; `None`: not within the next forty years.
    pub fn next(&self, after: Millis, zone: Tz) -> Option<Millis> {
        next::next(self, after, zone)
    }

    /// The first `n` runs after `after`.
    pub fn runs(&self, after: Millis, zone: Tz, n: usize) -> Vec<Millis> {
        std::iter::successors(self.next(after, zone), |at| self.next(*at, zone)).take(n).collect()
    }

    /// The same, as the clock of the zone shows them.
    pub fn runs_said(&self, after: Millis, zone: Tz, n: usize) -> Vec<Run> {
        self.runs(after, zone, n).into_iter().map(|at| Run { at, said: said(at, after, zone) }).collect()
    }

    /// How many runs lie after `from`, up to and including `until`; counted up to `most`.
    pub fn between(&self, from: Millis, until: Millis, zone: Tz, most: usize) -> usize {
        std::iter::successors(self.next(from, zone), |at| self.next(*at, zone)).take_while(|at| *at <= until).take(most).count()
    }

    /// Whether it runs at this second.
    pub fn runs_at(&self, at: Millis, zone: Tz) -> bool {
        self.next(Millis(at.0 - 1), zone) == Some(at)
    }

    /// `At 09:30, Monday to Friday`
    pub fn words(&self) -> String {
        words::words(self)
    }
}

/// `Tue 24 Nov 09:30 CET`, in the time of the zone; with seconds where there are any, with the year where it is not that of `now`.
fn said(at: Millis, now: Millis, zone: Tz) -> String {
    let local = |at: Millis| DateTime::from_timestamp_millis(at.0).map(|at| at.with_timezone(&zone));
    let (Some(at), Some(now)) = (local(at), local(now)) else { return "—".into() };
    let year = if at.year() == now.year() { "" } else { " %Y" };
    let clock = if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    at.format(&format!("%a %-d %b{year} {clock} %Z")).to_string()
}

/// Names become numbers, as cron-parser does it: three letters wherever they stand, so `FRIL` is the last Friday.
fn named(what: &str, text: &str, names: &[&str], first: usize) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match rest.get(..3).filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic())) {
            Some(word) => {
                let at = names.iter().position(|name| name.eq_ignore_ascii_case(word));
                let at = at.ok_or_else(|| format!("{what}: {word} is not one of {}.", names.join(", ")))?;
                out.push_str(&(at + first).to_string());
                rest = &rest[3..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Ok(out)
}

impl Part {
    /// Of a single value.
    pub(super) fn one(&self) -> Option<u32> {
        (self.from == self.to).then_some(self.from)
    }
}
