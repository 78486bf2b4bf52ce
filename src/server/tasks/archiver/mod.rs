//! Writes down what Redis forgets: dead letters before the cap drops them, runs and log lines of the event channel, and the
//! index over all rows. One console at a time does it; whatever ends it, the next one begins by looking at everything that is
//! there, and what was written already is left alone (`archive::record`).

mod dead;

use super::leader::Leader;
use crate::{
    model::{archive::Status, ids::QueueName},
    server::{
        actions::now,
        archive::{
            error::ArchiveError,
            index,
            record::{self, Line, Record, Run},
        },
        ledger::told::News,
        state::AppState,
    },
};
use dead::DeadLetters;
use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_millis(250);
/// The lease is renewed this often (`driver::redis::lease::LEASE_MS`).
const LEAD_EVERY: Duration = Duration::from_secs(2);
/// News of one transaction, and dead letters of one.
const BATCH: usize = 1_000;
/// Read and not written yet, while the database is slow or away.
const SPOOL: usize = 100_000;
const SPOOL_BYTES: usize = 64 * 1024 * 1024;
/// Without new rows the index is asked this often for rows that appeared behind others (`index::LOOK_BACK`).
const LOOK_BACK_EVERY: Duration = Duration::from_secs(10);
/// The index gets this long of a tick: the rest waits for the next one.
const INDEX_FOR: Duration = Duration::from_millis(150);

/// What this console does for the archive.
struct Archiver {
    state: AppState,
    dead: DeadLetters,
    spool: VecDeque<Record>,
    spool_bytes: usize,
    /// News that were taken from the ledger and are not written yet.
    news: Vec<News>,
    /// The first lines after taking over may stand in the archive already.
    took_over: bool,
    /// When rows that appeared late were last looked for.
    looked_back: Option<Instant>,
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    if state.archive.is_off() {
        return Ok(());
    }
    {
        let mut ledger = state.ledger.lock();
        (ledger.told.on, ledger.told.routine) = (true, state.config.persist.completed);
    }
    let leader = Leader::new(&state.driver, "archiver");
    let mut archiver = Archiver::new(&state);
    let (mut leads, mut asked) = (false, None::<Instant>);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tick.tick() => {}
        }
        if asked.is_none_or(|at| at.elapsed() >= LEAD_EVERY) {
            asked = Some(Instant::now());
            let before = leads;
            // While Redis is away nobody can take the lease; what is written twice is written once.
            leads = leader.lead().await.map_or(before, |turn| turn.is_some());
            if leads && !before {
                archiver = Archiver::new(&state);
            }
            state.archive.progress(|p| p.leading = leads);
        }
        if leads {
            archiver.turn().await;
        } else {
            state.ledger.lock().told.forget(now());
        }
    }
    if leads {
        archiver.turn().await;
        leader.leave().await;
    }
    Ok(())
}

impl Archiver {
    fn new(state: &AppState) -> Self {
        Self {
            state: state.clone(),
            dead: DeadLetters::default(),
            spool: VecDeque::new(),
            spool_bytes: 0,
            news: Vec::new(),
            took_over: true,
            looked_back: None,
        }
    }

    async fn turn(&mut self) {
        if self.news.is_empty() {
            self.news = self.state.ledger.lock().told.take(BATCH);
        }
        if self.state.config.persist.failed {
            let failed = self.failed_in();
            match self.dead.look(&self.state, failed).await {
                Ok(found) => self.keep(found),
                Err(error) => tracing::debug!(%error, "failed lists cannot be read"),
            }
        }
        if let Err(error) = self.write().await {
            tracing::debug!(%error, "the archive does not take what there is to write");
        }
        let (told_lost, spooled) = (self.state.ledger.lock().told.lost, self.spool.len() as u64);
        self.state.archive.progress(|p| (p.untold, p.spooled) = (told_lost, spooled));
    }

    /// Queues in which jobs failed just now, with how many; a failure whose queue is unknown may be of any that the worker
    /// serves, or, under `None`, of any at all.
    fn failed_in(&self) -> HashMap<Option<QueueName>, u64> {
        let mut queues = HashMap::new();
        for news in &self.news {
            if let News::Closed(closed) = news
                && closed.outcome == "failed"
            {
                let named = closed.queue.iter().cloned();
                let mut any: Vec<Option<QueueName>> =
                    named.chain(closed.serves.iter().filter_map(|q| QueueName::try_from(q.as_str()).ok())).map(Some).collect();
                if any.is_empty() {
                    any.push(None);
                }
                for queue in any {
                    *queues.entry(queue).or_insert(0) += 1;
                }
            }
        }
        queues
    }

    fn keep(&mut self, found: Vec<Record>) {
        let mut lost = 0;
        for record in found {
            if self.spool.len() >= SPOOL || self.spool_bytes + record.payload.len() > SPOOL_BYTES.max(record.payload.len()) {
                lost += 1;
                continue;
            }
            self.spool_bytes += record.payload.len();
            self.spool.push_back(record);
        }
        if lost > 0 {
            tracing::warn!(jobs = lost, "the archive is too slow: dead letters were not kept");
            self.state.archive.progress(|p| p.lost += lost);
        }
    }

    /// Writes what there is; what could not be written stays and is tried again.
    async fn write(&mut self) -> Result<(), ArchiveError> {
        let archive = self.state.archive.clone();
        let db = archive.db()?;
        while !self.spool.is_empty() {
            let n = self.spool.len().min(BATCH);
            let written = archive.noted(record::records(&db, &self.spool.make_contiguous()[..n]).await)?;
            self.spool_bytes -= self.spool.drain(..n).map(|r| r.payload.len()).sum::<usize>();
            archive.progress(|p| p.dead += written);
        }
        while let Some(gap) = self.dead.oldest_gap() {
            archive.noted(record::gap(&db, &gap.queue, gap.from, gap.until, gap.up_to).await)?;
            tracing::warn!(queue.name = gap.queue.as_str(), up_to = gap.up_to, "dead letters were dropped before they could be archived");
            archive.progress(|p| p.gaps += 1);
            self.dead.gap_written();
        }
        if !self.news.is_empty() {
            self.write_news(&db).await?;
        }
        if self.looked_back.is_none_or(|at| at.elapsed() >= LOOK_BACK_EVERY) {
            self.looked_back = Some(Instant::now());
        } else if !archive.noted(index::is_behind(&db).await)? {
            return Ok(());
        }
        let since = Instant::now();
        while since.elapsed() < INDEX_FOR {
            let indexed = archive.noted(index::step(&db).await)?;
            archive.progress(|p| p.indexed += indexed as u64);
            if indexed == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn write_news(&mut self, db: &crate::server::archive::db::Db) -> Result<(), ArchiveError> {
        let archive = self.state.archive.clone();
        // Of a run that is told twice the later telling knows more.
        let (mut runs, mut order, mut lines, mut completed) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        for news in &self.news {
            match news {
                News::Closed(closed) => {
                    let key = (closed.worker.clone(), closed.job.clone(), closed.started_at);
                    if runs.insert(key.clone(), closed).is_none() {
                        order.push(key);
                    }
                    if let (true, "completed", Some(raw), Some(queue)) =
                        (self.state.config.persist.completed, closed.outcome, &closed.raw, &closed.queue)
                    {
                        completed.push(Record {
                            status: Status::Completed,
                            queue: queue.clone(),
                            id: Some(closed.job.clone()),
                            payload: raw.to_vec(),
                            at: closed.ended_at,
                        });
                    }
                }
                News::Said(said) => lines.push(Line {
                    level: said.level.into(),
                    message: said.message.clone(),
                    worker: said.worker.clone().unwrap_or_else(|| "unknown".into()),
                    queue: said.queue.as_ref().map(ToString::to_string),
                    at: said.at,
                }),
            }
        }
        let runs: Vec<Run> = order.iter().filter_map(|key| runs.get(key)).map(|c| run_of(c)).collect();
        archive.noted(record::runs(db, &runs).await)?;
        let jobs = archive.noted(record::records(db, &completed).await)?;
        let said = archive.noted(record::lines(db, &lines, self.took_over).await)?;
        archive.progress(|p| {
            p.runs += runs.len() as u64;
            p.completed += jobs;
            p.lines += said;
        });
        self.news.clear();
        self.took_over = false;
        Ok(())
    }
}

fn run_of(closed: &crate::server::ledger::told::Closed) -> Run {
    Run {
        job: closed.job.clone(),
        queue: closed.queue.clone(),
        worker: closed.worker.clone(),
        class: closed.class.clone(),
        attempt: closed.attempt,
        started_at: closed.started_at,
        ended_at: closed.ended_at,
        wait_ms: closed.wait_ms,
        outcome: closed.outcome,
        error: closed.error.clone(),
    }
}
