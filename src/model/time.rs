//! Points in time. The wire shows ISO 8601 UTC with milliseconds, the code holds epoch milliseconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// Milliseconds since 1970-01-01 UTC; `2026-01-02T03:04:05.678Z` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// `None` when the number is no date of years 0 to 9999 (a payload may hold anything).
    pub fn checked(ms: i64) -> Option<Self> {
        parts(ms).map(|_| Self(ms))
    }

    /// `2026-01-02T03:04:05.678Z`
    pub fn iso(self) -> String {
        let Some(t) = parts(self.0) else { return String::from("—") };
        format!("{}.{:03}Z", date_time(t, 'T'), t.millisecond())
    }

    /// `03:04:05`
    pub fn clock(self) -> String {
        parts(self.0).map_or_else(|| "—".into(), |t| format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second()))
    }

    /// `03:04`
    pub fn minute(self) -> String {
        parts(self.0).map_or_else(|| "—".into(), |t| format!("{:02}:{:02}", t.hour(), t.minute()))
    }

    /// `03:04:05.678`
    pub fn clock_ms(self) -> String {
        parts(self.0).map_or_else(|| "—".into(), |t| format!("{}.{:03}", self.clock(), t.millisecond()))
    }

    /// `2026-01-02 03:04:05 UTC`
    pub fn full(self) -> String {
        parts(self.0).map_or_else(|| "—".into(), |t| format!("{} UTC", date_time(t, ' ')))
    }

    /// `2026-01-02T03:04:05`, as a field for time and date holds it.
    pub fn field(self) -> String {
        parts(self.0).map_or_else(String::new, |t| date_time(t, 'T'))
    }

    /// The clock alone within a day of `now`, else the date with it.
    pub fn near(self, now: Millis) -> String {
        if (now.0 - self.0).abs() < 20 * 3_600_000 { self.clock() } else { self.full() }
    }

    /// As [`Millis::near`], with `UTC` in either case.
    pub fn near_utc(self, now: Millis) -> String {
        format!("{} UTC", self.near(now).trim_end_matches(" UTC"))
    }
}

fn parts(ms: i64) -> Option<OffsetDateTime> {
    let t = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
    (0..=9999).contains(&t.year()).then_some(t)
}

fn date_time(t: OffsetDateTime, between: char) -> String {
    let (y, m, d) = (t.year(), u8::from(t.month()), t.day());
    format!("{y:04}-{m:02}-{d:02}{between}{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
}

/// Reads exactly what [`Millis::iso`] writes (and the same without milliseconds).
pub fn parse_iso(text: &str) -> Option<Millis> {
    let digits = |range: std::ops::Range<usize>| text.get(range)?.parse::<u16>().ok();
    let byte = |range: std::ops::Range<usize>| u8::try_from(digits(range)?).ok();
    let date = Date::from_calendar_date(i32::from(digits(0..4)?), Month::try_from(byte(5..7)?).ok()?, byte(8..10)?).ok()?;
    let millisecond = match text.get(19..20)? {
        "Z" => 0,
        "." => digits(20..23)?,
        _ => return None,
    };
    let time = Time::from_hms_milli(byte(11..13)?, byte(14..16)?, byte(17..19)?, millisecond).ok()?;
    let nanos = PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp_nanos();
    i64::try_from(nanos / 1_000_000).ok().map(Millis)
}

/// The first and the last millisecond of what people and fields for dates write, always UTC: a day (`2026-01-02`), a minute
/// (`2026-01-02 03:04`), a second, a point.
pub fn moment(text: &str) -> Option<(Millis, Millis)> {
    let text = text.trim();
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text).replace([' ', 't'], "T");
    let (rest, length) = match text.len() {
        10 => ("T00:00:00.000Z", 86_400_000),
        16 => (":00.000Z", 60_000),
        19 => (".000Z", 1_000),
        23 => ("Z", 1),
        _ => return None,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')];
    let digit = |i: usize, b: u8| marks.iter().find(|(at, _)| *at == i).map_or(b.is_ascii_digit(), |(_, mark)| b == *mark);
    if !text.bytes().enumerate().all(|(i, b)| digit(i, b)) {
        return None;
    }
    let first = parse_iso(&format!("{text}{rest}"))?;
    Some((first, Millis(first.0 + length - 1)))
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.iso())
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        parse_iso(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not an ISO 8601 time in UTC")))
    }
}

/// Times of counts that are no farther apart are one.
const AT_ONCE_MS: i64 = 5_000;

/// `12:03:08 UTC`; `between 12:01:40 and 12:03:08 UTC` when counting took long.
pub fn counted(from: Option<Millis>, to: Millis) -> String {
    match from.filter(|from| to.0 - from.0 > AT_ONCE_MS) {
        Some(from) => format!("between {} and {} UTC", from.clock(), to.clock()),
        None => format!("{} UTC", to.clock()),
    }
}

/// A span of time as a person says it: `< 1 s`, `9 s`, `2 min 40 s`, `1 h 12 min`, `3 d 4 h`.
pub fn span(ms: i64) -> String {
    let s = ms / 1000;
    match s {
        ..=0 => "< 1 s".into(),
        1..60 => format!("{s} s"),
        60..600 if s % 60 != 0 => format!("{} min {} s", s / 60, s % 60),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 if s % 3_600 >= 60 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        3_600..86_400 => format!("{} h", s / 3_600),
        _ if s % 86_400 >= 3_600 => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

/// `5 min ago`, `in 2 s`, `now`.
pub fn relative(at: Millis, now: Millis) -> String {
    let ago = now.0 - at.0;
    match ago {
        -999..=999 => "now".into(),
        1_000.. => format!("{} ago", coarse(ago)),
        _ => format!("in {}", coarse(-ago)),
    }
}

fn coarse(ms: i64) -> String {
    if (60_000..3_600_000).contains(&ms) { format!("{} min", ms / 60_000) } else { span(ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_round_trips() {
        for ms in [0, 1_795_432_807_494, 951_782_400_001, -1] {
            assert_eq!(parse_iso(&Millis(ms).iso()), Some(Millis(ms)), "{ms}");
        }
        assert_eq!(Millis(1_795_432_807_494).iso(), "2026-11-23T11:20:07.494Z");
        assert_eq!(parse_iso("2026-11-23T11:20:07Z"), Some(Millis(1_795_432_807_000)));
        assert_eq!(parse_iso("not a time"), None);
        assert_eq!(parse_iso("2026-13-23T11:20:07Z"), None);
        assert_eq!(Millis::checked(i64::MAX), None);
    }

    #[test]
    fn what_is_written_lasts_as_long_as_it_is_exact() {
        const NOON: Millis = Millis(1_795_435_200_000);
        assert_eq!(NOON.field(), "2026-11-23T12:00:00");
        for (text, ms) in [
            ("2026-11-23 12:00", 60_000),
            (" 2026-11-23T12:00 ", 60_000),
            ("2026-11-23T12:00:00", 1_000),
            ("2026-11-23t12:00:00z", 1_000),
            ("2026-11-23T12:00:00.000Z", 1),
        ] {
            assert_eq!(moment(text), Some((NOON, Millis(NOON.0 + ms - 1))), "{text}");
        }
        let (first, last) = moment("2026-11-23").expect("a day");
        assert_eq!((first.iso().as_str(), last.iso().as_str()), ("2026-11-23T00:00:00.000Z", "2026-11-23T23:59:59.999Z"));
        for text in ["yesterday", "", "2026-11-31", "2026-11-23T25:00", "+026-11-23"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn utc_stands_once_behind_a_time_near_or_far() {
        let at = Millis(1_795_432_807_494);
        assert_eq!(at.near_utc(Millis(at.0 + 60_000)), "11:20:07 UTC");
        assert_eq!(at.near_utc(Millis(at.0 - 24 * 3_600_000)), "2026-11-23 11:20:07 UTC");
    }

    #[test]
    fn what_was_counted_over_a_while_says_so() {
        let at = |seconds: i64| Millis(1_795_432_807_494 + seconds * 1_000);
        assert_eq!(counted(None, at(0)), "11:20:07 UTC");
        assert_eq!(counted(Some(at(0)), at(5)), "11:20:12 UTC");
        assert_eq!(counted(Some(at(-110)), at(0)), "between 11:18:17 and 11:20:07 UTC");
        assert_eq!(counted(Some(at(1)), at(0)), "11:20:07 UTC");
    }

    #[test]
    fn spans_read_like_speech() {
        let cases = [
            (400, "< 1 s"),
            (9_000, "9 s"),
            (160_000, "2 min 40 s"),
            (2_460_000, "41 min"),
            (4_320_000, "1 h 12 min"),
            (273_600_000, "3 d 4 h"),
        ];
        for (ms, text) in cases {
            assert_eq!(span(ms), text);
        }
        assert_eq!(relative(Millis(0), Millis(300_000)), "5 min ago");
        assert_eq!(relative(Millis(2_000), Millis(0)), "in 2 s");
    }
}
