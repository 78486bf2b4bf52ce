use super::*;
use crate::model::metrics::{Point, Window};

const START: i64 = 1_800_000_000;

fn name(text: &str) -> QueueName {
    QueueName::try_from(text).unwrap()
}

/// One completion of 100 ms in every second from START on.
fn busy(meter: &mut Meter, from: i64, seconds: i64) {
    for second in from..from + seconds {
        let now = second * 1_000 + 500;
        meter.count(now, now, Some(&name("mail")), Some("SendMail"), |t| {
            t.completed += 1;
            t.run.add(100);
        });
        meter.close(now + 500, &|| Backlog { all: Some(7), queues: vec![(name("mail"), 7)] });
    }
}

#[test]
fn seconds_add_up_to_every_window() {
    let mut meter = Meter::new(START * 1_000);
    meter.heard(START * 1_000);
    busy(&mut meter, START, 1_000);
    for window in Window::ALL {
        let charts = meter.charts(None, None, window);
        assert_eq!(charts.points.len() as u64, window.seconds() / window.step());
        let sum: u64 = charts.points.iter().filter_map(|p| p.completed).sum();
        assert_eq!(sum, charts.summary.completed);
        let closed = meter.closed() + 1 - START;
        let expected = closed.min(i64::try_from(window.seconds()).unwrap());
        assert!((expected - 10..=expected).contains(&i64::try_from(sum).unwrap()), "{window:?}: {sum} of {expected}");
        assert_eq!(charts.summary.covered_seconds, sum, "every heard second holds one");
        assert_eq!(charts.summary.completed_per_second, Some(1.0));
    }
    let of_queue = meter.charts(Some(&name("mail")), None, Window::Quarter);
    assert_eq!(of_queue.summary.completed, meter.charts(None, None, Window::Quarter).summary.completed);
    assert_eq!(of_queue.points[80].waiting, Some(7));
    assert_eq!(meter.charts(Some(&name("other")), None, Window::Quarter).summary.completed, 0);
    assert!((meter.lately(60).2 - 60.0).abs() < 0.01);
    assert_eq!(meter.lately(60).1[&name("mail")].completed, 60);
    assert_eq!(meter.classes(Window::Quarter, 10)[0].class_name, "SendMail");
    assert_eq!(meter.sparks()[&name("mail")].len(), 15);
}

#[test]
fn a_young_console_shows_what_it_heard_in_every_window() {
    // 25 seconds, beginning in the middle of a minute and of ten minutes.
    let start = START + 350;
    let mut meter = Meter::new(start * 1_000);
    meter.heard(start * 1_000);
    busy(&mut meter, start, 25);
    let counted = meter.charts(None, None, Window::Minute).summary.completed;
    assert!(counted >= 20);
    for window in Window::ALL {
        assert_eq!(meter.charts(None, None, window).summary.completed, counted, "{window:?}");
    }
    let spark = &meter.sparks()[&name("mail")];
    assert_eq!((spark[0], spark.iter().flatten().count()), (None, 2), "{spark:?}");
}

#[test]
fn a_gap_is_not_silence() {
    let mut meter = Meter::new(START * 1_000);
    meter.heard(START * 1_000);
    busy(&mut meter, START, 20);
    meter.lost((START + 20) * 1_000 + 300);
    meter.close((START + 30) * 1_000, &Backlog::default);
    meter.heard((START + 30) * 1_000 + 200);
    meter.close((START + 43) * 1_000, &Backlog::default);
    let minute = meter.charts(None, None, Window::Minute);
    let heard: Vec<bool> = minute.points.iter().map(|p| p.covered == 1.0).collect();
    let gap = heard.iter().filter(|h| !**h).count();
    // 11 seconds touched by the gap, and those before the start.
    assert_eq!(gap, 11 + 60 - usize::try_from(meter.closed() + 1 - START).unwrap(), "{heard:?}");
    // What nobody heard is unknown; what was heard and silent is 0.
    let told = |p: &Point| (p.completed.is_some(), p.failed.is_some()) == (p.covered > 0.0, p.covered > 0.0);
    assert!(minute.points.iter().all(told), "{:?}", minute.points);
    assert_eq!(minute.points[59].completed, Some(0));
    assert_eq!(meter.charts(Some(&name("mail")), None, Window::Minute).points[0].failed, None);
}

#[test]
fn late_and_early_events_count_once() {
    let mut meter = Meter::new(START * 1_000);
    meter.heard(START * 1_000);
    meter.close((START + 10) * 1_000, &Backlog::default);
    let now = (START + 10) * 1_000;
    for at in [now - 60_000, now + 60_000, now] {
        meter.count(at, now, None, None, |t| t.completed += 1);
    }
    meter.close(now + 5_000, &Backlog::default);
    assert_eq!(meter.charts(None, None, Window::Minute).summary.completed, 3);
}

#[test]
fn what_another_console_heard_fills_what_this_one_missed() {
    let (mut first, mut second) = (Meter::new(START * 1_000), Meter::new((START + 25) * 1_000));
    first.heard(START * 1_000);
    second.heard((START + 25) * 1_000 + 500);
    busy(&mut first, START, 40);
    let (last, frames) = first.since(START - 1, 1_000);
    busy(&mut second, START + 26, 14);
    for (tier, frame) in frames {
        second.adopt(tier, frame);
    }
    second.again(last);
    assert_eq!(second.charts(None, None, Window::Minute).summary, first.charts(None, None, Window::Minute).summary);
    assert_eq!(second.charts(None, None, Window::Quarter).summary, first.charts(None, None, Window::Quarter).summary);
    let (next, more) = first.since(last, 1_000);
    assert!(next == last && more.is_empty(), "{next} {last} {more:?}");
}
