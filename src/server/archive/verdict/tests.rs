use super::*;
use Status::{Completed, Failed, Waiting};
use Verdict::{Again, FailedAttempt, Sure};

fn judged(rows: &[(Status, u64, i64)]) -> Vec<Verdict> {
    told(rows, &[])
}

fn told(rows: &[(Status, u64, i64)], succeeded: &[u64]) -> Vec<Verdict> {
    let rows: Vec<Seen> = rows
        .iter()
        .map(|(status, k, at)| Seen {
            status: *status,
            attempt: Some(*k),
            created_at: Some(Millis(*at * 10_000)),
            at: Some(Millis(*at * 10_000)),
            failed_at: None,
        })
        .collect();
    judge(&rows, &succeeded.iter().copied().collect())
}

#[test]
fn the_lives_of_the_recording() {
    assert_eq!(judged(&[(Waiting, 0, 1), (Completed, 1, 1)]), [Sure, Sure], "ok-0");
    assert_eq!(judged(&[(Waiting, 0, 1), (Failed, 1, 1), (Completed, 1, 1)]), [Sure, Sure, FailedAttempt], "dead-1");
    assert_eq!(
        judged(&[(Waiting, 0, 1), (Waiting, 2, 2), (Completed, 2, 1), (Failed, 2, 3), (Completed, 2, 3)]),
        [Sure, Sure, FailedAttempt, Sure, FailedAttempt],
        "dead-2"
    );
    assert_eq!(
        judged(&[(Waiting, 0, 1), (Waiting, 2, 2), (Completed, 2, 1), (Completed, 2, 2)]),
        [Sure, Sure, FailedAttempt, Sure],
        "flaky-1"
    );
}

#[test]
fn without_waiting_rows_the_order_still_tells() {
    assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1)]), [Sure, FailedAttempt]);
    assert_eq!(judged(&[(Completed, 2, 1), (Completed, 2, 2)]), [FailedAttempt, Sure]);
    assert_eq!(judged(&[(Completed, 2, 1)]), [FailedAttempt], "one alone is of the attempt before");
    assert_eq!(told(&[(Completed, 2, 1)], &[2]), [Sure], "unless the channel said that attempt 2 completed");
}

#[test]
fn an_operators_retry_begins_another_life() {
    assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1), (Waiting, 0, 9), (Completed, 1, 9)]), [Sure, FailedAttempt, Sure, Sure]);
    assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1), (Completed, 1, 9)]), [Sure, FailedAttempt, Sure]);
    assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1), (Failed, 1, 9), (Completed, 1, 9)]), [Sure, FailedAttempt, Sure, FailedAttempt]);
}

#[test]
fn what_two_programs_wrote_counts_once() {
    assert_eq!(judged(&[(Failed, 1, 1), (Failed, 1, 1), (Completed, 1, 1)]), [Sure, Again, FailedAttempt]);
    assert_eq!(judged(&[(Completed, 1, 1), (Completed, 1, 1)]), [Sure, Again]);
}

/// A row of this attempt, stamped and written down then.
fn row(status: Status, attempt: u64, ms: i64) -> Seen {
    Seen { attempt: Some(attempt), ..seen(status, ms, ms) }
}

/// A push of a console: it keeps the stamp of the job.
fn push(stamped: i64, ms: i64) -> Seen {
    Seen { created_at: Some(Millis(stamped)), ..row(Waiting, 0, ms) }
}

#[test]
fn a_retry_from_the_archive_that_is_written_down_late_begins_its_life_all_the_same() {
    // The first attempt failed before the push was written down; of the failure that is retried there is no row any more.
    let rows = [row(Completed, 2, 61_011), push(5, 61_004), row(Completed, 2, 63_020)];
    assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2], vec![FailedAttempt, Sure, Sure]));
    // After an earlier life, and after all of its own.
    let earlier = [row(Failed, 1, 1_004), row(Completed, 1, 1_005)];
    let rows = [&earlier[..], &[row(Completed, 2, 60_011), row(Completed, 2, 62_030), push(1_004, 60_001)]].concat();
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 4, 2, 3], vec![Sure, FailedAttempt, FailedAttempt, Sure, Sure]));
    // A failure that was copied late happened before the push that follows it.
    let rows = [row(Completed, 1, 1_005), seen(Failed, 1_004, 90_007), push(1_004, 60_001), row(Completed, 1, 60_011)];
    assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2, 3], vec![FailedAttempt, Sure, Sure, Sure]));
    // Whole seconds, as in MySQL; stamps and failures have their milliseconds in the payload.
    let second = |stamped: Seen| Seen { at: stamped.at.map(|at| Millis(at.0 - at.0 % 1_000)), ..stamped };
    let earlier = [row(Waiting, 0, 1_001), row(Failed, 1, 1_004), row(Completed, 1, 1_005)];
    let rows = [&earlier[..], &[row(Completed, 2, 67_311), push(1_004, 67_301), row(Completed, 2, 69_330)]].concat();
    let rows: Vec<Seen> = rows.into_iter().map(second).collect();
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 4, 3, 5], vec![Sure, Sure, FailedAttempt, FailedAttempt, Sure, Sure]));
    // It fails for good once more, and nobody writes completions down.
    let rows = [row(Waiting, 0, 1_001), row(Failed, 1, 1_004), row(Failed, 1, 67_311), push(1_004, 67_301)];
    let rows: Vec<Seen> = rows.into_iter().map(second).collect();
    assert_eq!(order(&rows), [0, 1, 3, 2]);
}

#[test]
fn a_run_of_a_schedule_or_a_copy_that_is_written_down_late_begins_its_life_all_the_same() {
    // The job has one stamp for ever; two runs are written down together.
    let rows = [row(Completed, 1, 68_003), push(5, 68_001), push(5, 128_001), row(Completed, 1, 128_009)];
    assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2, 3], vec![Sure, Sure, Sure, Sure]));
    // Each fails once; the second is written down late.
    let first = [push(5, 60_001), row(Completed, 2, 60_015), row(Completed, 2, 62_030)];
    let rows = [&first[..], &[row(Completed, 2, 120_015), push(5, 120_001), row(Completed, 2, 122_030)]].concat();
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 4, 3, 5], vec![Sure, FailedAttempt, Sure, FailedAttempt, Sure, Sure]));
    // The same in whole seconds.
    let first = [push(5, 60_000), row(Completed, 2, 60_000), row(Completed, 2, 62_000)];
    let rows = [&first[..], &[row(Completed, 2, 120_000), push(5, 120_000), row(Completed, 2, 122_000)]].concat();
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 4, 3, 5], vec![Sure, FailedAttempt, Sure, FailedAttempt, Sure, Sure]));
    // A run that ends in the second of the next one is of its own push.
    let rows = [push(5, 7_000), row(Completed, 1, 8_000), push(5, 8_000), row(Completed, 1, 9_000)];
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 3], vec![Sure, Sure, Sure, Sure]));
    let failed = Seen { at: Some(Millis(8_000)), ..row(Failed, 1, 8_266) };
    let rows = [push(5, 7_000), failed, row(Completed, 1, 8_000), push(5, 8_000), row(Completed, 1, 10_000)];
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 3, 4], vec![Sure, Sure, FailedAttempt, Sure, Sure]));
    // A copy has an id of its own, and the stamp of its job.
    let rows = [seen(Failed, 60_009, 60_010), row(Completed, 1, 60_014), push(5, 60_001)];
    assert_eq!((order(&rows), late(&rows)), (vec![2, 0, 1], vec![Sure, FailedAttempt, Sure]));
}

#[test]
fn runs_of_a_schedule_are_a_second_apart() {
    let run = |n: i64| [push(5, n * 1_000 + 4), row(Completed, 1, n * 1_000 + 20)];
    assert_eq!(late(&(7..10).flat_map(run).collect::<Vec<_>>()), [Sure].repeat(6));
}

#[test]
fn what_the_library_pushes_stays_in_its_place() {
    // Whole seconds, as in MySQL: it fails, is retried and completes in one of them. Its stamps have milliseconds.
    let second = |status, attempt, stamped: i64| Seen { at: Some(Millis(7_000)), ..row(status, attempt, stamped) };
    let rows = [
        second(Waiting, 0, 7_010),
        second(Failed, 1, 7_020),
        second(Completed, 1, 7_024),
        second(Waiting, 0, 7_300),
        second(Completed, 1, 7_310),
    ];
    assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 2, 3, 4], vec![Sure, Sure, FailedAttempt, Sure, Sure]));
    // A later attempt ends, and the job is pushed again in that second.
    let rows = [
        row(Waiting, 0, 5_000),
        row(Waiting, 2, 5_000),
        row(Completed, 2, 5_000),
        row(Completed, 2, 7_000),
        row(Waiting, 0, 7_000),
        row(Waiting, 2, 7_000),
        row(Completed, 2, 7_000),
        row(Completed, 2, 9_000),
    ];
    let told = vec![Sure, Sure, FailedAttempt, Sure, Sure, Sure, FailedAttempt, Sure];
    assert_eq!((order(&rows), late(&rows)), ((0..8).collect(), told.clone()));
    // The worker's clock is three seconds ahead, and the job is pushed again two seconds after its end.
    let rows = [
        row(Waiting, 0, 100_003),
        row(Waiting, 2, 103_011),
        row(Completed, 2, 103_012),
        row(Completed, 2, 105_030),
        row(Waiting, 0, 104_033),
        row(Waiting, 2, 107_041),
        row(Completed, 2, 107_042),
        row(Completed, 2, 109_060),
    ];
    assert_eq!((order(&rows), late(&rows)), ((0..8).collect(), told));
}

#[test]
fn a_failure_stands_before_the_push_that_followed_it_whatever_the_workers_clock_says() {
    for ahead in [0, 3_000, 60_000] {
        let (failed, completed) = (row(Failed, 1, 100_010 + ahead), row(Completed, 1, 100_014 + ahead));
        // Two seconds after it, by the library, and by a console, which keeps the stamp.
        for pushed in [row(Waiting, 0, 102_033), push(100_010 + ahead, 102_033)] {
            let again = [pushed, row(Completed, 1, 102_041 + ahead)];
            let rows = [&[row(Waiting, 0, 100_003), failed.clone(), completed.clone()], &again[..]].concat();
            let expected = vec![Sure, Sure, FailedAttempt, Sure, Sure];
            assert_eq!((order(&rows), late(&rows)), ((0..5).collect(), expected), "{ahead} ms ahead");
        }
    }
}

#[test]
fn each_push_of_a_schedule_begins_a_life() {
    // Its job has one stamp for ever; each run fails once and completes then.
    let at = |minute: i64, status: Status, attempt: u64, ms: i64| Seen {
        created_at: Some(Millis(if status == Waiting { 5 } else { minute * 60_000 + ms })),
        ..Seen { attempt: Some(attempt), ..seen(status, 0, minute * 60_000 + ms) }
    };
    let run = |n| [at(n, Waiting, 0, 1), at(n, Completed, 2, 15), at(n, Completed, 2, 2_030)];
    let rows: Vec<Seen> = (1..=3).flat_map(run).collect();
    assert_eq!(late(&rows), [Sure, FailedAttempt, Sure].repeat(3));
}

/// A row of attempt 1, stamped and written down then.
fn seen(status: Status, stamped: i64, written: i64) -> Seen {
    let failed_at = (status == Failed).then_some(Millis(stamped));
    Seen { status, attempt: Some(1), created_at: Some(Millis(stamped)), at: Some(Millis(written)), failed_at }
}

fn late(rows: &[Seen]) -> Vec<Verdict> {
    judge(rows, &HashSet::new())
}

#[test]
fn a_failure_that_is_copied_late_denies_its_completion() {
    let (completed, failed) = (seen(Completed, 10_004, 10_004), seen(Failed, 10_000, 500_000));
    assert_eq!(late(&[completed.clone(), failed.clone()]), [FailedAttempt, Sure]);
    assert_eq!(order(&[completed.clone(), failed.clone()]), [1, 0]);
    // Both may have the very same stamp, and two programs may have written the completion.
    assert_eq!(late(&[seen(Completed, 10_000, 10_004), failed.clone()]), [FailedAttempt, Sure]);
    assert_eq!(late(&[completed.clone(), seen(Completed, 10_000, 10_009), failed.clone()]), [FailedAttempt, Again, Sure]);
    // Retried by an operator before the failure was copied.
    let again = seen(Completed, 90_000, 90_000);
    assert_eq!(late(&[completed.clone(), again.clone(), failed.clone()]), [FailedAttempt, Sure, Sure]);
    // And the other way round: pushed afresh before its completion was written.
    let afresh = Seen { attempt: Some(0), ..seen(Waiting, 20_000, 20_000) };
    assert_eq!(late(&[failed.clone(), afresh, completed, again.clone()]), [Sure, Sure, FailedAttempt, Sure]);
    // Another attempt, and what no worker has touched.
    let other = Seen { attempt: Some(2), ..failed.clone() };
    assert_eq!(late(&[seen(Completed, 10_004, 10_004), other])[0], Sure);
    let untouched = Seen { attempt: Some(0), ..seen(Completed, 10_000, 10_004) };
    assert_eq!(late(&[untouched, failed])[0], Sure);
}

#[test]
fn of_a_schedules_runs_one_alone_is_denied() {
    for anew in [true, false] {
        let stamp = |at: i64| if anew { at } else { 5 };
        let mut rows: Vec<Seen> = (1..=4).map(|n| seen(Completed, stamp(n * 60_000), n * 60_000)).collect();
        rows.push(Seen { failed_at: Some(Millis(119_990)), ..seen(Failed, stamp(119_990), 900_000) });
        assert_eq!(late(&rows), [Sure, FailedAttempt, Sure, Sure, Sure], "stamped anew: {anew}");
    }
}
