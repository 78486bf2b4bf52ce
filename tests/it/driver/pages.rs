use super::*;
use crate::support::payload::{dead, many, many_dead, payload};
use flux_console::model::{
    ids::Priority,
    job::{Found, JobSummary},
};
use redis::AsyncCommands;

#[tokio::test]
async fn waiting_shows_what_runs_next_first_over_all_four_lists() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:low", many("low", "mail", 3)).await;
    redis.push_raw("queue:mail", many("base", "mail", 5)).await;
    redis.push_raw("queue:mail:critical", many("critical", "mail", 2)).await;
    redis.push_raw("queue:mail:high", many("high", "mail", 1)).await;
    redis.delay_raw("queue:mail:high:delayed", [(payload("due", "mail", ""), NOW.0 - 1), (payload("later", "mail", ""), NOW.0 + 1)]).await;
    let order = ["critical-1", "critical-2", "high-1", "base-1", "base-2", "base-3", "base-4", "base-5", "low-1", "low-2", "low-3"];
    let whole = page(&driver, "mail", JobState::Waiting).await;
    assert_eq!((ids(&whole).as_slice(), whole.total), (&order[..], Some(11)));
    let [due] = whole.due.as_slice() else { panic!("one list has due jobs: {:?}", whole.due) };
    assert_eq!(
        (due.priority, due.count, due.jobs[0].id.as_deref(), due.jobs[0].state),
        (Priority::High, 1, Some("due"), JobState::Delayed)
    );
    let second = driver.jobs(&query("mail", JobState::Waiting, 2, 4, Order::Oldest), NOW).await.expect("a page");
    assert_eq!(ids(&second), order[4..8]);
    let newest = driver.jobs(&query("mail", JobState::Waiting, 3, 4, Order::Newest), NOW).await.expect("a page");
    assert_eq!(ids(&newest), ["high-1", "critical-2", "critical-1"]);
    let beyond = driver.jobs(&query("mail", JobState::Waiting, 1 << 40, 200, Order::Newest), NOW).await.expect("a page");
    assert_eq!((beyond.jobs.len(), beyond.total), (0, Some(11)));
}

#[tokio::test]
async fn due_jobs_stand_ahead_of_their_list_where_it_begins() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:critical", many("critical", "mail", 30)).await;
    redis.push_raw("queue:mail", many("base", "mail", 30)).await;
    let due = |name: &'static str, n: i64| (0..n).map(move |i| (payload(&format!("{name}-{i:02}"), "mail", ""), NOW.0 - 100 + i));
    redis.delay_raw("queue:mail:high:delayed", due("high", 3)).await;
    redis.delay_raw("queue:mail:delayed", due("base", 25).chain([(payload("later", "mail", ""), NOW.0 + 1)])).await;
    redis.delay_raw("queue:mail:low:delayed", due("low", 1)).await;
    let jobs = async |page, per_page, order| {
        let page = driver.jobs(&query("mail", JobState::Waiting, page, per_page, order), NOW).await.expect("a page");
        assert_eq!(page.total, Some(60), "due jobs are not waiting ones");
        page.due.into_iter().map(|d| (d.priority, d.count, d.jobs)).collect::<Vec<_>>()
    };
    let whole = jobs(1, 100, Order::Oldest).await;
    let shown = |list: &[JobSummary]| list.iter().map(|j| j.id.clone().expect("an id")).collect::<Vec<_>>();
    assert_eq!(
        whole.iter().map(|(p, n, jobs)| (*p, *n, jobs.len())).collect::<Vec<_>>(),
        [(Priority::High, 3, 3), (Priority::Base, 25, 20), (Priority::Low, 1, 1)]
    );
    assert_eq!(shown(&whole[0].2), ["high-00", "high-01", "high-02"]);
    // The handle is that of a delayed job, and so are its verbs.
    let f = &whole[1].2[19].fingerprint;
    let found = driver.locate(&queue("mail"), f).await.expect("an answer").expect("found");
    assert_eq!(crate::support::redis::id_of(&found.raw), "base-19");
    assert_eq!(driver.promote(&queue("mail"), std::slice::from_ref(f), true, NOW).await.expect("promote").due, 1);

    // Twenty rows of the critical list fill the page: what comes behind it is counted only.
    let counts = |of: &[(Priority, u64, Vec<JobSummary>)]| of.iter().map(|(_, n, jobs)| (*n, jobs.len())).collect::<Vec<_>>();
    assert_eq!(counts(&jobs(1, 20, Order::Oldest).await), [(3, 0), (25, 0), (1, 0)]);
    assert_eq!(counts(&jobs(1, 50, Order::Oldest).await), [(3, 3), (25, 20), (1, 0)]);
    assert_eq!(counts(&jobs(2, 50, Order::Oldest).await), [(3, 0), (25, 0), (1, 0)]);
    assert_eq!(counts(&jobs(1, 100, Order::Newest).await), [(3, 0), (25, 0), (1, 0)]);
}

#[tokio::test]
async fn huge_due_jobs_do_not_make_a_page_long() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("base", "mail", 3)).await;
    let huge = format!(r#","blob":"{}""#, "z".repeat(400_000));
    redis.delay_raw("queue:mail:delayed", (0..10).map(|i| (payload(&format!("d-{i}"), "mail", &huge), NOW.0 - 10 + i))).await;
    let page = page(&driver, "mail", JobState::Waiting).await;
    assert_eq!((page.jobs.len(), page.due[0].count), (3, 10));
    assert!((1..=4).contains(&page.due[0].jobs.len()), "{} huge ones were read", page.due[0].jobs.len());
}

#[tokio::test]
async fn failed_shows_the_newest_first_and_every_handle_finds_its_job() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 1_000)).await;
    for (number, order, first) in
        [(1, Order::Newest, "j-1000"), (20, Order::Newest, "j-50"), (1, Order::Oldest, "j-1"), (11, Order::Oldest, "j-501")]
    {
        let page = driver.jobs(&query("mail", JobState::Failed, number, 50, order), NOW).await.expect("a page");
        assert_eq!((ids(&page)[0], page.jobs.len()), (first, 50));
        for job in &page.jobs {
            let found = driver.locate(&queue("mail"), &job.fingerprint).await.expect("an answer").expect("found");
            assert_eq!(Some(crate::support::redis::id_of(&found.raw)), job.id);
        }
    }
}

#[tokio::test]
async fn delayed_merges_four_sets_by_due_time_at_any_depth() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mut expected = Vec::new();
    for i in 0..400i64 {
        // Many equal due times, over sets of very different sizes.
        let (suffix, rank) = match i % 10 {
            0 => (":critical", 0),
            1 | 2 => (":high", 1),
            3 => (":low", 3),
            _ => ("", 2),
        };
        let (id, due) = (format!("d-{i:03}"), NOW.0 + (i * 7919 % 400) / 8 * 1_000);
        redis.delay_raw(&format!("queue:mail{suffix}:delayed"), [(payload(&id, "mail", ""), due)]).await;
        expected.push((due, rank, id));
    }
    expected.sort();
    let wanted: Vec<&str> = expected.iter().map(|(_, _, id)| id.as_str()).collect();
    let mut seen = Vec::new();
    for number in 1..=20 {
        let page = driver.jobs(&query("mail", JobState::Delayed, number, 20, Order::Oldest), NOW).await.expect("a page");
        assert_eq!(page.total, Some(400));
        seen.extend(page.jobs.iter().map(|j| j.id.clone().expect("an id")));
        assert!(page.jobs.windows(2).all(|w| w[0].run_at <= w[1].run_at));
    }
    assert_eq!(seen, wanted);
    let last = driver.jobs(&query("mail", JobState::Delayed, 1, 20, Order::Newest), NOW).await.expect("a page");
    assert_eq!(ids(&last), wanted.iter().rev().take(20).copied().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_costs_one_command_however_deep() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("j", "mail", 30_000)).await;
    page(&driver, "mail", JobState::Waiting).await;
    for number in [1, 300, 599] {
        let calls = async || {
            let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
            let line = info.lines().find_map(|l| l.strip_prefix("cmdstat_evalsha:calls=")).expect("EVALSHA was called").to_owned();
            line.split(',').next().and_then(|n| n.parse::<u64>().ok()).expect("a number")
        };
        let before = calls().await;
        let page = driver.jobs(&query("mail", JobState::Waiting, number, 50, Order::Oldest), NOW).await.expect("a page");
        assert_eq!(ids(&page)[0], format!("j-{}", (number - 1) * 50 + 1));
        assert_eq!(calls().await - before, 1);
    }
}

#[tokio::test]
async fn hostile_data_is_shown_as_what_it_is() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let name = "a:b \"<script>\"'\u{1f600}";
    let key = format!("queue:{name}:failed");
    redis
        .push_raw(
            &key,
            [
                b"{broken".to_vec(),
                b"\xff\xfe".to_vec(),
                b"[]".to_vec(),
                Vec::new(),
                dead("<script>alert(1)</script>", name, "<img src=x onerror=alert(1)>", "").into_bytes(),
                dead("big", name, "x", &format!(r#","blob":"{}""#, "z".repeat(10_000_000))).into_bytes(),
            ],
        )
        .await;
    redis.con.clone().set::<_, _, ()>(format!("queue:{name}:high"), "a string").await.expect("SET");
    let failed = page(&driver, name, JobState::Failed).await;
    assert_eq!(failed.jobs.len(), 6);
    assert!(failed.jobs[..4].iter().all(|j| j.problem.is_some()), "{failed:?}");
    assert_eq!((failed.jobs[5].id.as_deref(), failed.jobs[5].error.as_deref()), (Some("big"), Some("x")));
    assert!(failed.jobs[5].bytes > 10_000_000);
    let waiting = page(&driver, name, JobState::Waiting).await;
    assert_eq!(waiting.problems.len(), 1);
    for job in failed.jobs {
        let handle = job.fingerprint.to_string();
        let Found::One { job: detail } = driver.job(&queue(name), &handle, None, NOW).await.expect("an answer") else {
            panic!("{handle} is not found")
        };
        assert_eq!(detail.truncated, job.bytes > 64 * 1024);
        assert!(detail.payload.len() <= 64 * 1024 + 8);
        let whole = driver.payload(&queue(name), &handle, None).await.expect("an answer").expect("there");
        assert_eq!(whole.len() as u64, job.bytes);
    }
}

#[tokio::test]
async fn a_job_is_found_by_id_and_equal_ids_are_a_choice() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("j", "mail", 2_000)).await;
    redis.push_raw("queue:mail:failed", [dead("same", "mail", "x", ""), dead("we\"ird \\ id", "mail", "x", "")]).await;
    redis.delay_raw("queue:mail:delayed", [(payload("same", "mail", ""), NOW.0 + 5)]).await;
    let find = async |id: &str| driver.job(&queue("mail"), id, None, NOW).await.expect("an answer");
    let Found::One { job } = find("j-1500").await else { panic!("j-1500 is there") };
    assert_eq!((job.summary.state, job.ahead), (JobState::Waiting, Some(1_499)));
    assert!(matches!(find("we\"ird \\ id").await, Found::One { .. }));
    let Found::Many { jobs } = find("same").await else { panic!("two jobs are called same") };
    assert_eq!(jobs.iter().map(|j| j.state).collect::<Vec<_>>(), [JobState::Failed, JobState::Delayed]);
    assert!(matches!(find("nobody").await, Found::Gone { scanned: 2_003, of: 2_003 }));
    // The id inside another job's data is not that job.
    redis.push_raw("queue:mail", [payload("outer", "mail", r#","ref":{"id":"inner"}"#)]).await;
    assert!(matches!(find("inner").await, Found::Gone { .. }));
}

#[tokio::test]
async fn groups_that_are_not_looked_into_count_as_not_looked_at() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    for i in 0..120 {
        let group = format!("g-{i:03}");
        redis.push_raw(&format!("queue:pending:{group}"), many(&group, "mail", 2)).await;
        // As the sampler learns it.
        let mut known = driver.known();
        known.group_seen(group.clone());
        let pending = known.groups.get_mut(&group).expect("it was met just now");
        (pending.jobs, pending.queue) = (Some(2), Some(Some(queue("mail"))));
    }
    let find = async |id: &str| driver.job(&queue("mail"), id, None, NOW).await.expect("an answer");
    assert!(matches!(find("g-099-2").await, Found::One { .. }));
    let Found::Gone { scanned, of } = find("g-119-1").await else { panic!("it is in a group that is left out") };
    assert_eq!((scanned, of), (200, 240));
}

#[tokio::test]
async fn a_delayed_job_among_thousands_of_one_due_time_is_found() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", (0..3_000).map(|i| (payload(&format!("d-{i:04}"), "mail", ""), NOW.0 + 9_000))).await;
    redis.delay_raw("queue:mail:low:delayed", [(payload("never", "mail", ""), NOW.0 + 9_000)]).await;
    let _: () =
        redis::cmd("ZADD").arg("queue:mail:low:delayed").arg("+inf").arg("{}").query_async(&mut redis.con.clone()).await.expect("ZADD");
    let page = driver.jobs(&query("mail", JobState::Delayed, 51, 50, Order::Oldest), NOW).await.expect("a page");
    assert_eq!(ids(&page)[0], "d-2500");
    let f = &page.jobs[0].fingerprint;
    assert!(driver.locate(&queue("mail"), f).await.expect("an answer").is_some());
    assert_eq!(driver.promote(&queue("mail"), std::slice::from_ref(f), true, NOW).await.expect("promote").done, 1);
    let last = driver.jobs(&query("mail", JobState::Delayed, 61, 50, Order::Oldest), NOW).await.expect("a page");
    assert_eq!(last.jobs.len(), 1, "the one that is due never comes last");
}

#[tokio::test]
async fn an_id_is_found_however_it_is_written() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let written = [r#""id":17"#, r#""id": 18.5"#, r#""id":"a\/b""#, r#""id":"caf\u00e9\/1""#, r#""id":"заказ""#, r#""id":"19""#];
    redis.push_raw("queue:mail", written.map(|id| format!("{{{id},\"createdAt\":1795432801719}}"))).await;
    redis.delay_raw("queue:mail:delayed", [(r#"{"id":20}"#, NOW.0 + 5)]).await;
    for id in ["17", "18.5", "a/b", "café/1", "заказ", "19", "20"] {
        let found = driver.job(&queue("mail"), id, None, NOW).await.expect("an answer");
        let Found::One { job } = found else { panic!("{id}: {found:?}") };
        assert_eq!(job.summary.id.as_deref(), Some(id));
    }
    // A part of a number is not the number.
    for id in ["1", "7", "1795432801719"] {
        assert!(matches!(driver.job(&queue("mail"), id, None, NOW).await.expect("an answer"), Found::Gone { .. }), "{id}");
    }
}

#[tokio::test]
async fn no_script_reads_all_of_many_huge_groups() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let huge = format!(r#","blob":"{}""#, "z".repeat(3_000_000));
    let groups: Vec<String> = (0..12).map(|i| format!("g-{i:02}")).collect();
    for group in &groups {
        redis.push_raw(&format!("queue:pending:{group}"), [payload(group, "mail", &huge)]).await;
    }
    let calls = async || {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
        let line = info.lines().find_map(|l| l.strip_prefix("cmdstat_evalsha:calls=")).unwrap_or("0,").to_owned();
        line.split(',').next().and_then(|n| n.parse::<u64>().ok()).expect("a number")
    };
    let grouped = query("mail", JobState::Grouped, 1, 200, Order::Oldest);
    driver.grouped_jobs(&grouped, &groups[..1], false, NOW).await.expect("a page");
    let before = calls().await;
    let page = driver.grouped_jobs(&grouped, &groups, false, NOW).await.expect("a page");
    assert_eq!(ids(&page), groups.iter().map(String::as_str).collect::<Vec<_>>());
    // One of 3 MB is more than a script may read: each comes by itself.
    assert_eq!(calls().await - before, 12);
}

#[tokio::test]
async fn delayed_times_of_any_size_are_merged() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let times = ["-inf", "-1e300", "-12.25", "-1", "0", "0.5", "1", "1795500000000", "1795500000000.25", "1e16", "1.5e300", "+inf"];
    let suffixes = [":critical", ":high", "", ":low"];
    let mut expected = Vec::new();
    for i in 0..160usize {
        let (time, rank) = (times[i * 7 % times.len()], i / 3 % 4);
        let id = format!("d-{i:03}");
        let raw = payload(&id, "mail", "");
        let key = format!("queue:mail{}:delayed", suffixes[rank]);
        let _: () = redis::cmd("ZADD").arg(key).arg(time).arg(raw).query_async(&mut redis.con.clone()).await.expect("ZADD");
        expected.push((time.parse::<f64>().expect("a number"), rank, id));
    }
    expected.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| (a.1, &a.2).cmp(&(b.1, &b.2))));
    let wanted: Vec<&str> = expected.iter().map(|(_, _, id)| id.as_str()).collect();
    let mut seen = Vec::new();
    for number in 1..=8 {
        let page = driver.jobs(&query("mail", JobState::Delayed, number, 20, Order::Oldest), NOW).await.expect("a page");
        seen.extend(page.jobs.iter().map(|j| j.id.clone().expect("an id")));
    }
    assert_eq!(seen, wanted);
}
