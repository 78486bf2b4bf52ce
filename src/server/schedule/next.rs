//! When a cron runs next. A run in the hour that a change to summer time skips comes an hour later, one in the hour that the
//! change back repeats comes once; a cron of every hour runs in both and in none. So cron-parser does it.

use super::cron::Cron;
use crate::model::time::Millis;
use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// `29 2` on a certain weekday may be decades away; beyond this it is never.
const YEARS: i32 = 40;

/// Which of the two instants that a clock shows twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Second,
}

pub fn next(cron: &Cron, after: Millis, zone: Tz) -> Option<Millis> {
    let after: DateTime<Utc> = DateTime::from_timestamp_millis(after.0)?;
    let local = after.with_timezone(&zone).naive_local();
    let mut date = local.date();
    let end = date.year() + YEARS;
    // A clock that was put back shows hours again that lie before this one.
    let mut first_hour = local.hour().saturating_sub(3);
    while date.year() <= end {
        if !cron.month.has(date.month()) {
            date = month_after(date)?;
            first_hour = 0;
            continue;
        }
        if runs_on(cron, date)
            && let Some(at) = on(cron, date, first_hour, after, zone)
        {
            return Some(Millis(at.timestamp_millis()));
        }
        date = date.succ_opt()?;
        first_hour = 0;
    }
    None
}

fn month_after(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)?.checked_add_months(chrono::Months::new(1))
}

fn days_of_month(date: NaiveDate) -> u32 {
    month_after(date).and_then(|next| next.pred_opt()).map_or(31, |last| last.day())
}

/// Where both day fields are restricted, either may match.
fn runs_on(cron: &Cron, date: NaiveDate) -> bool {
    let of = days_of_month(date);
    let day = cron.day.has(date.day(), of);
    let weekday = cron.weekday.has(date.weekday().num_days_from_sunday(), date.day(), of);
    match (cron.day.is_any(), cron.weekday.is_any()) {
        (true, true) => true,
        (false, true) => day,
        (true, false) => weekday,
        (false, false) => day || weekday,
    }
}

/// The first run of that day after `after`.
fn on(cron: &Cron, date: NaiveDate, first_hour: u32, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let every = cron.hour.is_any();
    cron.hour.iter().filter(|hour| *hour >= first_hour).find_map(|hour| {
        // What the second pass of an hour shows comes before the next hour.
        [Pass::First, Pass::Second]
            .into_iter()
            .filter(|pass| *pass == Pass::First || every)
            .find_map(|pass| in_hour(cron, date, hour, after, zone, pass, every))
    })
}

fn in_hour(cron: &Cron, date: NaiveDate, hour: u32, after: DateTime<Utc>, zone: Tz, pass: Pass, every: bool) -> Option<DateTime<Utc>> {
    for minute in cron.minute.iter() {
        // Nothing of a minute that is over can be next; its last second says so.
        if instant(date, hour, minute, 59, zone, pass, every).is_some_and(|at| at <= after) {
            continue;
        }
        for second in cron.second.iter() {
            if let Some(at) = instant(date, hour, minute, second, zone, pass, every).filter(|at| *at > after) {
                return Some(at);
            }
        }
    }
    None
}

/// When the clock shows this; `None`: never on that day, or not a second time.
fn instant(date: NaiveDate, hour: u32, minute: u32, second: u32, zone: Tz, pass: Pass, every: bool) -> Option<DateTime<Utc>> {
    let shown = date.and_hms_opt(hour, minute, second)?;
    match (zone.from_local_datetime(&shown), pass) {
        (MappedLocalTime::Single(at), Pass::First) | (MappedLocalTime::Ambiguous(at, _), Pass::First) => Some(at.to_utc()),
        (MappedLocalTime::Ambiguous(_, at), Pass::Second) => Some(at.to_utc()),
        (MappedLocalTime::None, Pass::First) if !every => {
            // Skipped: an hour later, where a whole hour was skipped.
            let later = shown.checked_add_signed(TimeDelta::hours(1))?;
            let whole = shown.with_minute(0)?.with_second(0)?;
            let skipped = matches!(zone.from_local_datetime(&whole), MappedLocalTime::None)
                && matches!(zone.from_local_datetime(&(whole + TimeDelta::minutes(59))), MappedLocalTime::None);
            skipped.then(|| zone.from_local_datetime(&later).earliest()).flatten().map(|at| at.to_utc())
        }
        _ => None,
    }
}
