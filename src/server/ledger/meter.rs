//! Frames of seconds, added up to 10 s, a minute and ten minutes: what charts and rates are read from.
//!
//! A second is closed a little after it has ended, so that events which arrive late still count where they belong. Which
//! seconds were heard whole is remembered, so that silence and a gap are two things.

use super::frame::{Frame, Tally};
use crate::model::{
    ids::QueueName,
    metrics::{Charts, ClassFigures, Point, Summary, Window},
};
use std::collections::BTreeMap;

/// An event may arrive this much later than its time says; later ones count in the oldest second that is still open.
pub const LATE_MS: i64 = 1_500;

/// Length of a frame in seconds and how many are kept.
pub const TIERS: [(i64, i64); 4] = [(1, 180), (10, 120), (60, 75), (600, 150)];

/// Waiting jobs of everything and by queue; `None`: unknown.
#[derive(Default)]
pub struct Backlog {
    pub all: Option<u64>,
    pub queues: Vec<(QueueName, u64)>,
}

pub struct Meter {
    open: BTreeMap<i64, Frame>,
    tiers: [BTreeMap<i64, Frame>; 4],
    /// The last second that is closed.
    closed: i64,
    /// Times in which the channel was not heard, epoch ms; the last may still go on.
    unheard: Vec<(i64, Option<i64>)>,
}

impl Meter {
    /// Nothing is heard until [`Meter::heard`].
    pub fn new(now_ms: i64) -> Self {
        Self {
            open: BTreeMap::new(),
            tiers: Default::default(),
            closed: (now_ms - LATE_MS).div_euclid(1_000) - 1,
            unheard: vec![(i64::MIN, None)],
        }
    }

    pub fn heard(&mut self, now_ms: i64) {
        if let Some((_, to @ None)) = self.unheard.last_mut() {
            *to = Some(now_ms);
        }
    }

    /// Not heard since `from_ms`.
    pub fn lost(&mut self, from_ms: i64) {
        if self.unheard.last().is_none_or(|(_, to)| to.is_some()) {
            self.unheard.push((from_ms, None));
        }
        let extra = self.unheard.len().saturating_sub(50);
        self.unheard.drain(..extra);
    }

    /// What was said in the last gap is known after all.
    pub fn recovered(&mut self) {
        if self.unheard.len() > 1 {
            self.unheard.pop();
        }
    }

    /// How many ms of a second were heard.
    fn heard_of(&self, second: i64) -> u32 {
        let (from, to) = (second * 1_000, second * 1_000 + 1_000);
        let missed: i64 = self.unheard.iter().map(|(a, b)| (b.unwrap_or(to).min(to) - (*a).max(from)).max(0)).sum();
        u32::try_from(1_000 - missed).unwrap_or(0)
    }

    pub fn count(&mut self, at_ms: i64, now_ms: i64, queue: Option<&QueueName>, class: Option<&str>, what: impl Fn(&mut Tally)) {
        let last = now_ms.div_euclid(1_000).max(self.closed + 1);
        let second = at_ms.div_euclid(1_000).clamp(self.closed + 1, last);
        self.open.entry(second).or_insert_with(|| Frame::new(second)).count(queue, class, what);
    }

    /// Closes the seconds that are over, and the longer frames that end with them.
    pub fn close(&mut self, now_ms: i64, backlog: &dyn Fn() -> Backlog) {
        let until = (now_ms - LATE_MS).div_euclid(1_000) - 1;
        // After a long sleep of the machine there is nothing to tell about the time between.
        if until - self.closed > 3_600 {
            self.open.clear();
            self.closed = until - 1;
        }
        while self.closed < until {
            let second = self.closed + 1;
            let mut frame = self.open.remove(&second).unwrap_or_else(|| Frame::new(second));
            frame.heard = self.heard_of(second);
            self.closed = second;
            self.keep(0, frame);
            for (tier, (step, _)) in TIERS.into_iter().enumerate().skip(1) {
                if (second + 1) % step == 0 {
                    let mut frame = self.rolled(tier, second + 1 - step);
                    if tier == 1 {
                        let now = backlog();
                        frame.all.waiting = now.all;
                        for (queue, waiting) in now.queues {
                            frame.queues.entry(queue).or_default().waiting = Some(waiting);
                        }
                    }
                    self.keep(tier, frame);
                }
            }
        }
    }

    /// The frame of a tier from those of the tier below.
    fn rolled(&self, tier: usize, at: i64) -> Frame {
        let mut frame = Frame::new(at);
        for (_, part) in self.tiers[tier - 1].range(at..at + TIERS[tier].0) {
            frame.merge(part);
        }
        frame
    }

    fn keep(&mut self, tier: usize, frame: Frame) {
        let (step, most) = TIERS[tier];
        let oldest = frame.at - step * most;
        self.tiers[tier].insert(frame.at, frame);
        while self.tiers[tier].first_key_value().is_some_and(|(at, _)| *at < oldest) {
            self.tiers[tier].pop_first();
        }
    }

    /// Takes frames that another console wrote, where it heard more; frames that are not whole yet are made again of their parts.
    pub fn adopt(&mut self, tier: usize, frame: Frame) {
        let known = self.tiers[tier].get(&frame.at).map_or(0, |f| f.heard);
        if frame.heard > known && frame.at + TIERS[tier].0 <= self.closed + 1 {
            self.tiers[tier].insert(frame.at, frame);
        }
    }

    /// After frames were adopted: longer frames that end behind `mark` are added up again.
    pub fn again(&mut self, mark: i64) {
        for (tier, (step, _)) in TIERS.into_iter().enumerate().skip(1) {
            let late: Vec<i64> = self.tiers[tier].keys().copied().filter(|at| at + step > mark + 1).collect();
            for at in late {
                let (rolled, known) = (self.rolled(tier, at), &self.tiers[tier][&at]);
                if rolled.heard > known.heard {
                    let mut rolled = rolled;
                    rolled.all.waiting = known.all.waiting.or(rolled.all.waiting);
                    self.tiers[tier].insert(at, rolled);
                }
            }
        }
    }

    pub fn closed(&self) -> i64 {
        self.closed
    }

    /// What is to be written behind `mark`: up to `most` seconds and the longer frames that end with them. The first is the last second of it.
    pub fn since(&self, mark: i64, most: i64) -> (i64, Vec<(usize, Frame)>) {
        if mark >= self.closed {
            return (mark, Vec::new());
        }
        let from = self.tiers[0].range(mark + 1..).next().map_or(self.closed, |(at, _)| *at);
        let last = (from + most - 1).min(self.closed);
        let mut frames: Vec<(usize, Frame)> = self.tiers[0]
            .range(mark + 1..=last)
            .filter(|(_, f)| f.heard > 0 || f.all.started + f.all.ended() > 0)
            .map(|(_, f)| (0, f.clone()))
            .collect();
        for (tier, (step, _)) in TIERS.iter().enumerate().skip(1) {
            let ending = self.tiers[tier].range(..=last).filter(|(at, f)| **at + step > mark + 1 && **at + step <= last + 1 && f.heard > 0);
            frames.extend(ending.map(|(_, f)| (tier, f.clone())));
        }
        (last, frames)
    }

    /// Everything from `at` on that is known by now, in one frame.
    fn rest(&self, tier: usize, at: i64) -> Frame {
        if tier == 0 {
            return self.tiers[0].get(&at).or_else(|| self.open.get(&at)).cloned().unwrap_or_else(|| Frame::new(at));
        }
        let below = TIERS[tier - 1].0;
        let mut frame = Frame::new(at);
        for (_, part) in self.tiers[tier - 1].range(at..at + TIERS[tier].0) {
            frame.merge(part);
        }
        // The one below that still fills as well.
        let filling = self.closed.div_euclid(below) * below;
        if tier > 1 && filling >= at && !self.tiers[tier - 1].contains_key(&filling) {
            frame.merge(&self.rest(tier - 1, filling));
        }
        frame
    }

    /// Frames of a window, oldest first; the last one still fills (except in the shortest).
    fn window(&self, window: Window) -> Vec<Frame> {
        let tier = Window::ALL.iter().position(|w| *w == window).unwrap_or(0);
        let step = TIERS[tier].0;
        let points = i64::try_from(window.seconds() / window.step()).unwrap_or(0);
        let newest = self.closed.div_euclid(step) * step;
        (0..points)
            .rev()
            .map(|back| newest - back * step)
            .map(|at| match self.tiers[tier].get(&at) {
                Some(frame) => frame.clone(),
                None if at == newest => self.rest(tier, at),
                None => Frame::new(at),
            })
            .collect()
    }

    pub fn charts(&self, queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Charts {
        let frames = self.window(window);
        let step = i64::try_from(window.step()).unwrap_or(1);
        let points: Vec<Point> = frames.iter().map(|f| f.point(step, queue, class)).collect();
        Charts { window, step_seconds: window.step(), points, summary: sum(&frames, queue, class, window) }
    }

    pub fn classes(&self, window: Window, most: usize) -> Vec<ClassFigures> {
        let mut whole = Frame::default();
        self.window(window).iter().for_each(|f| whole.merge(f));
        let heard = u64::from(whole.heard);
        let mut rows: Vec<ClassFigures> = whole
            .classes
            .iter()
            .map(|(class, tally)| ClassFigures { class_name: class.clone(), summary: tally.summary(window.seconds(), heard) })
            .collect();
        rows.sort_by(|a, b| b.summary.started.cmp(&a.summary.started).then_with(|| a.class_name.cmp(&b.class_name)));
        rows.truncate(most);
        rows
    }

    /// Of the last `seconds` closed ones: the sum by queue without histograms, and how many seconds were heard.
    pub fn lately(&self, seconds: i64) -> (Tally, BTreeMap<QueueName, Tally>, f64) {
        let from = self.closed + 1 - seconds;
        let (mut all, mut queues, mut heard) = (Tally::default(), BTreeMap::<QueueName, Tally>::new(), 0_u64);
        let add = |to: &mut Tally, from: &Tally| {
            to.started += from.started;
            to.completed += from.completed;
            to.failed += from.failed;
        };
        // Whole tens as far as there are any, then the seconds behind them.
        let (step, kept) = TIERS[0];
        let tens = if seconds <= step * kept { from..from } else { from.div_euclid(10) * 10..i64::MAX };
        let tens: Vec<&Frame> = self.tiers[1].range(tens).map(|(_, f)| f).collect();
        let behind = tens.last().map_or(from, |last| last.at + TIERS[1].0);
        for frame in tens.into_iter().chain(self.tiers[0].range(behind..).map(|(_, f)| f)) {
            heard += u64::from(frame.heard);
            add(&mut all, &frame.all);
            frame.queues.iter().for_each(|(queue, tally)| add(queues.entry(queue.clone()).or_default(), tally));
        }
        #[expect(clippy::cast_precision_loss, reason = "small")]
        (all, queues, heard as f64 / 1_000.0)
    }

    /// Started runs of a queue in the seconds from..to.
    pub fn started(&self, queue: &QueueName, from: i64, to: i64) -> u64 {
        let closed = self.tiers[0].range(from..to);
        closed.chain(self.open.range(from..to)).filter_map(|(_, f)| f.queues.get(queue)).map(|t| t.started).sum()
    }

    /// Whether every second from..to that is over was heard.
    pub fn heard_all(&self, from: i64, to: i64) -> bool {
        (from..to.min(self.closed + 1)).all(|second| self.tiers[0].get(&second).is_some_and(|f| f.heard == 1_000))
    }

    /// Ended runs by queue in each of the last 15 minutes, oldest first; `None` for a minute in which nobody listened.
    pub fn sparks(&self) -> BTreeMap<QueueName, Vec<Option<u32>>> {
        let newest = self.closed.div_euclid(60) * 60;
        let frames: Vec<Frame> = (0..15)
            .rev()
            .map(|back| newest - back * 60)
            .map(|at| self.tiers[2].get(&at).cloned().unwrap_or_else(|| if at == newest { self.rest(2, at) } else { Frame::new(at) }))
            .collect();
        let nothing: Vec<Option<u32>> = frames.iter().map(|f| (f.heard > 0).then_some(0)).collect();
        let mut rows: BTreeMap<QueueName, Vec<Option<u32>>> = BTreeMap::new();
        for (i, frame) in frames.iter().enumerate() {
            for (queue, tally) in &frame.queues {
                let row = rows.entry(queue.clone()).or_insert_with(|| nothing.clone());
                if let Some(n) = row.get_mut(i).and_then(Option::as_mut) {
                    *n = u32::try_from(tally.ended()).unwrap_or(u32::MAX);
                }
            }
        }
        rows
    }

    pub fn summary(&self, window: Window) -> Summary {
        sum(&self.window(window), None, None, window)
    }
}

fn sum(frames: &[Frame], queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Summary {
    let (mut tally, mut heard) = (Tally::default(), 0);
    for frame in frames {
        heard += u64::from(frame.heard);
        if let Some(part) = frame.of(queue, class) {
            tally.merge(part);
        }
    }
    tally.summary(window.seconds(), heard)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let sum: u64 = charts.points.iter().map(|p| p.completed).sum();
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
}
