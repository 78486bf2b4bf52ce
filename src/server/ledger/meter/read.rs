//! What charts, rates and sparks read from the frames.

use super::{
    super::frame::{Frame, Tally},
    Meter, TIERS,
};
use crate::model::{
    ids::QueueName,
    metrics::{Charts, ClassFigures, Point, Summary, Window},
};
use std::{borrow::Cow, collections::BTreeMap};

impl Meter {
    /// The newest frames of a tier, oldest first; the last one still fills (except in the shortest).
    fn frames(&self, tier: usize, points: i64) -> Vec<Cow<'_, Frame>> {
        let step = TIERS[tier].0;
        let newest = self.closed.div_euclid(step) * step;
        let frame = |at: i64| match self.tiers[tier].get(&at) {
            Some(frame) => Cow::Borrowed(frame),
            None if at == newest => Cow::Owned(self.rest(tier, at)),
            None => Cow::Owned(Frame::new(at)),
        };
        (0..points).rev().map(|back| frame(newest - back * step)).collect()
    }

    fn window(&self, window: Window) -> Vec<Cow<'_, Frame>> {
        let tier = Window::ALL.iter().position(|w| *w == window).unwrap_or(0);
        self.frames(tier, i64::try_from(window.seconds() / window.step()).unwrap_or(0))
    }

    pub fn charts(&self, queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Charts {
        let frames = self.window(window);
        let step = i64::try_from(window.step()).unwrap_or(1);
        let points: Vec<Point> = frames.iter().map(|f| f.point(step, queue, class)).collect();
        Charts { window, step_seconds: window.step(), points, summary: sum(&frames, queue, class, window) }
    }

    /// Whether anything was counted in all that is kept.
    pub fn any(&self) -> bool {
        let frames = self.tiers.iter().flat_map(BTreeMap::values).chain(self.open.values());
        frames.map(|f| &f.all).any(|all| all.started + all.ended() > 0)
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
        let frames = self.frames(2, 15);
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
}

fn sum(frames: &[Cow<Frame>], queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Summary {
    let (mut tally, mut heard) = (Tally::default(), 0);
    for frame in frames {
        heard += u64::from(frame.heard);
        if let Some(part) = frame.of(queue, class) {
            tally.merge(part);
        }
    }
    tally.summary(window.seconds(), heard)
}
