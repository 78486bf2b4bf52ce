//! Writes down what Redis forgets: dead letters before the cap drops them, runs and log lines of the event channel, and the
//! index over all rows. One console at a time does it; whatever ends it, the next one begins by looking at everything that is
//! there, and what was written already is left alone (`archive::record`).
//!
//! Two halves: this one reads Redis at its own pace and puts what it finds into the `spool`; the `writer` empties it. A database
//! that is slow or locked delays the writer alone.

mod dead;
mod spool;
mod writer;

use super::leader::Leader;
use crate::{
    model::{archive::Archiving, ids::QueueName},
    server::{actions::now, archive::record::Record, driver::redis::archiver::ARCHIVER, ledger::told::News, state::AppState},
};
use dead::{DeadLetters, Heard};
use spool::Spool;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use writer::Writer;

const TICK: Duration = Duration::from_millis(250);
/// The lease is renewed this often (`driver::redis::lease::LEASE_MS`).
const LEAD_EVERY: Duration = Duration::from_secs(2);
/// How far it is, the one that archives says in Redis so often while that changes, and so often while it does not.
const SAY_EVERY: Duration = Duration::from_secs(1);
const SAY_AGAIN: Duration = Duration::from_secs(10);
/// When the console stops, what was read last is written if the database is that quick; another console reads it again.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// And so long it looks once more before that.
const LAST_LOOK: Duration = Duration::from_secs(1);

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    if state.archive.is_off() {
        return Ok(());
    }
    {
        let mut ledger = state.ledger.lock();
        (ledger.told.on, ledger.told.payloads) = (true, state.config.persist.completed);
    }
    let mut leader = Candidate { leader: Leader::new(&state.driver, ARCHIVER), leads: false, asked: None, said: None };
    let spool = Arc::new(Spool::default());
    // What was read is written, also when another console reads by then: in Redis it may be gone.
    let mut writer = Writer::new(&state, &spool);
    let mut reader = Reader { state: state.clone(), spool, dead: DeadLetters::default(), found: Vec::new(), reads: false };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = reader.run(&mut leader) => {}
        () = writer.run() => {}
    }
    if leader.leads {
        let _ = timeout(LAST_LOOK, reader.turn()).await;
        reader.dead.settle_all();
        reader.keep();
    }
    let _ = timeout(LAST_WRITE, writer.write()).await;
    if leader.leads {
        leader.leader.leave().await;
    }
    Ok(())
}

/// Whether this console is the one.
struct Candidate {
    leader: Leader,
    leads: bool,
    asked: Option<Instant>,
    /// What it said last in Redis.
    said: Option<(Archiving, Instant)>,
}

impl Candidate {
    async fn leads(&mut self, state: &AppState) -> bool {
        if self.asked.is_none_or(|at| at.elapsed() >= LEAD_EVERY) {
            self.asked = Some(Instant::now());
            // While Redis is away nobody can take the lease; what is written twice is written once.
            self.leads = self.leader.lead().await.map_or(self.leads, |turn| turn.is_some());
            state.archive.progress(|p| p.leading = self.leads);
        }
        if !self.leads {
            self.said = None;
        }
        self.leads
    }

    /// Says how far it is, for the pages of the other consoles.
    async fn say(&mut self, state: &AppState) {
        let archiving = state.archive.archiving();
        let again = |(said, at): &(Archiving, Instant)| at.elapsed() >= if *said == archiving { SAY_AGAIN } else { SAY_EVERY };
        if self.said.as_ref().is_none_or(again) {
            if let Err(error) = state.driver.report_archiving(self.leader.token(), now(), &archiving).await {
                tracing::debug!(%error, "what is archived cannot be said to the other consoles");
            }
            self.said = Some((archiving, Instant::now()));
        }
    }
}

struct Reader {
    state: AppState,
    spool: Arc<Spool>,
    dead: DeadLetters,
    /// What the looks found and the spool has not yet. They will not find it again, so it outlives a turn that is given up half.
    found: Vec<Record>,
    /// This console is the one that archives.
    reads: bool,
}

impl Reader {
    async fn run(&mut self, leader: &mut Candidate) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let leads = leader.leads(&self.state).await;
            if leads != self.reads {
                self.changed(leads);
            }
            if leads {
                // As long as the lease is fresh: after a long turn it may be another's, who says it then.
                leader.say(&self.state).await;
                self.turn().await;
            } else {
                self.state.ledger.lock().told.forget(now());
            }
        }
    }

    fn changed(&mut self, leads: bool) {
        self.reads = leads;
        self.state.ledger.lock().told.leads = leads;
        if leads {
            // What another console wrote meanwhile is not known here: everything that is there is looked at.
            self.dead = DeadLetters::default();
            self.spool.taken_over(now());
        } else {
            self.dead.settle_all();
            self.keep();
            self.spool.handed_over();
        }
    }

    /// It may be given up wherever it waits: nothing that was taken or found is lost by that.
    async fn turn(&mut self) {
        let (most, bytes) = self.spool.place_for_news();
        let (news, more) = {
            let mut ledger = self.state.ledger.lock();
            (ledger.told.take(most, bytes), ledger.told.waiting() > 0)
        };
        let heard = Heard { more, ..heard_in(&news) };
        self.spool.hear(news);
        if self.state.config.persist.failed {
            self.dead.look_again(self.spool.again());
            let place = self.spool.has_place();
            if let Err(error) = self.dead.look(&self.state, heard, place, &mut self.found).await {
                tracing::debug!(%error, "not all failed lists can be read");
            }
            self.keep();
        }
        let (untold, spooled) = (self.state.ledger.lock().told.lost, self.spool.waiting());
        self.state.archive.progress(|p| (p.untold, p.spooled) = (untold, spooled));
    }

    /// Puts what was found into the spool.
    fn keep(&mut self) {
        // Before what was found: the archive is asked what it knew without it.
        self.dead.suspects().for_each(|suspect| self.spool.suspect(suspect));
        let lost = self.spool.keep(std::mem::take(&mut self.found));
        if lost > 0 {
            tracing::warn!(jobs = lost, "the archive is away or too slow: dead letters were not kept");
            self.state.archive.progress(|p| p.lost += lost);
        }
        self.dead.gaps().for_each(|gap| self.spool.gap(gap));
    }
}

/// Jobs that failed just now. A failure whose queue is unknown may be of any that the worker serves, or of any at all.
fn heard_in(news: &[News]) -> Heard {
    let mut heard = Heard::default();
    for news in news {
        let News::Closed(closed) = news else { continue };
        heard.retried += u64::from(closed.outcome == "retried" && closed.queue.is_none() && closed.serves.is_empty());
        if closed.outcome == "failed" {
            let named = closed.queue.iter().cloned();
            let mut any: Vec<Option<QueueName>> =
                named.chain(closed.serves.iter().filter_map(|q| QueueName::try_from(q.as_str()).ok())).map(Some).collect();
            if any.is_empty() {
                any.push(None);
            }
            heard.failures += 1;
            for queue in any {
                *heard.of.entry(queue).or_insert(0) += 1;
            }
        }
    }
    heard
}
