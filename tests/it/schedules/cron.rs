//! Crons as `cron-parser` reads them. The table was written by that package (5.10.5), and by 4.9.0, which says the same but for
//! midnights that a change to summer time skips, `1-31` and `0-7` beside the other day field, and values given twice.

use chrono_tz::Tz;
use flux_console::{model::time::parse_iso, server::schedule::cron::Cron};

const TABLE: &str = include_str!("../../fixtures/cron-parser.tsv");

#[test]
fn next_runs_are_those_of_cron_parser() {
    let (mut read, mut refused) = (0, 0);
    for line in TABLE.lines() {
        let [cron, zone, after, runs] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("four columns: {line}") };
        let (zone, after): (Tz, _) = (zone.parse().expect(zone), parse_iso(after).expect(after));
        let parsed = Cron::parse(cron);
        if runs == "refused" {
            refused += 1;
            assert!(parsed.is_err(), "{cron} is refused by cron-parser");
            continue;
        }
        read += 1;
        let parsed = parsed.unwrap_or_else(|why| panic!("{cron}: {why}"));
        let said: Vec<String> = parsed.runs(after, zone, 5).iter().map(|at| at.iso().replace(".000Z", "Z")).collect();
        assert_eq!(said.join(" "), runs, "{cron} in {zone} after {}", after.iso());
    }
    assert!(read > 900 && refused > 25, "the table was read: {read} {refused}");
}

#[test]
fn what_is_refused_says_which_field() {
    let cases = [
        ("", "5 fields"),
        ("* * * * * * *", "this one has 7"),
        ("60 * * * *", "minute: 60 is not within 0 to 59"),
        ("* * * 13 *", "month: 13"),
        ("* * * foo *", "month: foo is not one of"),
        ("22-4 * * * *", "counts backwards"),
        ("*/0 * * * *", "no step"),
        ("1,,2 * * * *", "missing beside a comma"),
        ("0 0 * * L", "L needs a day"),
        ("0 0 15W * *", "15W"),
        ("0 0 * * 1#6", "1 to 5"),
        ("0 0 * * 1,2#1", "do not go together"),
        ("0 0 30 2 *", "never runs"),
        ("H * * * *", "H picks another time"),
        ("@reboot", "@reboot is not one of"),
        ("１ * * * *", "minute"),
    ];
    for (cron, part) in cases {
        let why = Cron::parse(cron).expect_err(cron);
        assert!(why.contains(part), "{cron}: {why}");
    }
    assert!(Cron::parse("5 4 * *").is_ok(), "cron-parser fills in the minute");
    assert!(Cron::typed("5 4 * *").expect_err("forgotten").contains("this one has 4"));
}

#[test]
fn words_are_plain() {
    let cases = [
        ("* * * * *", "Every minute"),
        ("*/5 * * * * *", "Every 5 seconds"),
        ("*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 to 17:59, Monday to Friday"),
        ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 past every hour"),
        ("0 */2 * * *", "Every 2 hours"),
        ("5 * * * *", "At minute 5 past every hour"),
        ("@daily", "Every day at 00:00"),
        ("15 30 9 * * *", "Every day at 09:30:15"),
        ("30 9 * * mon-fri", "At 09:30, Monday to Friday"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 9 * * 5L", "At 09:00, on the last Friday of the month"),
        ("0 9 * * 1#2", "At 09:00, on the second Monday of the month"),
        ("0 0 13 * 5", "At 00:00, on day 13 of the month or on Friday"),
        ("0 0 */2 * *", "At 00:00, on every 2nd day of the month from day 1"),
        ("0 0 * jan,jul *", "At 00:00, every day in January and July"),
        ("0 0 1 */3 *", "At 00:00, on day 1 of the month in January, April, July and October"),
    ];
    for (cron, words) in cases {
        assert_eq!(Cron::parse(cron).expect(cron).words(), words, "{cron}");
    }
}
