use super::*;
use crate::model::{queue::ByPriority, time::Millis};

fn queue(name: &str, change: impl FnOnce(&mut QueueSample)) -> QueueSample {
    let mut q = QueueSample {
        name: QueueName::try_from(name).expect("valid"),
        waiting: Some(0),
        by_priority: ByPriority::default(),
        grouped: 0,
        grouped_partial: false,
        active: None,
        active_partial: false,
        lost: 0,
        flow: crate::model::queue::Flow::default(),
        delayed: Some(0),
        failed: Some(0),
        failed_at_cap: false,
        paused: Paused::No,
        workers: None,
        oldest_waiting_ms: None,
        oldest_waiting_old: false,
        sampled_at: Millis(0),
        problems: Vec::new(),
    };
    change(&mut q);
    q
}

#[test]
fn the_most_urgent_comes_first_and_a_queue_comes_once() {
    let queues = [
        queue("fine", |q| q.waiting = Some(9)),
        queue("stopped", |q| (q.paused, q.waiting) = (Paused::Yes, Some(1))),
        queue("few", |q| q.failed = Some(1)),
        queue("many", |q| q.failed = Some(30)),
        queue("full", |q| (q.failed, q.failed_at_cap, q.workers) = (Some(1_000), true, Some(0))),
        queue("alone", |q| (q.workers, q.waiting) = (Some(0), Some(1_940))),
    ];
    let ranked = rank(&queues);
    let burst = queue("burst", |q| {
        q.flow.failed_lately = Some(312);
        q.flow.mostly = Some("PaymentTimeout".into());
        q.flow.spark = vec![Some(80); 15];
    });
    assert_eq!(concern(&burst).map(|c| (c.text, c.kind)), Some(("312 failed in 5 min, mostly PaymentTimeout".into(), Kind::Failing)));
    assert_eq!(concern(&queue("hiccup", |q| (q.flow.failed_lately, q.flow.spark) = (Some(6), vec![Some(900); 15]))), None);
    let lines: Vec<String> = ranked.iter().map(|c| format!("{}: {}", c.queue, c.text)).collect();
    assert_eq!(
        lines,
        [
            "full: the failed list is at its cap of 1,000; every further failure drops the oldest",
            "alone: 1,940 jobs wait and no worker serves this queue",
            "many: 30 jobs used up their attempts",
            "few: 1 job used up its attempts",
            "stopped: paused while 1 job waits",
        ]
    );
    let board = Board::of(&queues, Some(2_000));
    assert_eq!((board.total, board.concerns.len(), board.lately), (5, 5, None));
    assert!(board.rest().is_none(), "all are shown");
    assert_eq!((board.load.cells[0].name.as_str(), board.load.others, board.load.waiting), ("alone", 0, Some(50)));
}
#[test]
fn every_kind_is_shown_before_a_second_one_of_a_kind() {
    let failed = |name: &str, n: u64| queue(name, |q| q.failed = Some(n));
    let mut queues: Vec<QueueSample> =
        (0..9).map(|i| queue(&format!("cap{i}"), |q| (q.failed, q.failed_at_cap) = (Some(1_000), true))).collect();
    queues.extend([failed("f1", 9), failed("f2", 8)]);
    queues.push(queue("alone", |q| (q.workers, q.waiting) = (Some(0), Some(3))));
    queues.extend(["p1", "p2"].map(|name| queue(name, |q| (q.paused, q.waiting) = (Paused::Yes, Some(1)))));
    queues.push(queue("fine", |q| q.waiting = Some(9)));
    let board = Board::of(&queues, None);
    let shown: Vec<&str> = board.concerns.iter().map(|c| c.queue.as_str()).collect();
    assert_eq!(shown, ["cap0", "alone", "f1", "p1"]);
    assert_eq!(board.rest().as_deref(), Some("10 more: 8 at cap, 1 with failed jobs, 1 paused"));
    assert_eq!(queues.iter().filter(|q| needs_attention(q)).count() as u64, board.total);
    // Of few kinds, more than one.
    let board = Board::of(&queues[..9], None);
    assert_eq!((board.concerns.len(), board.rest().as_deref()), (4, Some("5 more at cap")));
}
