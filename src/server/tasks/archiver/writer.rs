//! Takes what waits in the spool to the database, at the database's pace.

use super::{dead::Suspect, spool::Spool};
use crate::{
    model::archive::{Gap, Refusing, Status},
    server::{
        actions::now,
        archive::{
            db::Db,
            error::ArchiveError,
            gaps, index,
            record::{self, Line, Lines, Missed, Record, Run},
            shelf,
            spare::Stamp,
        },
        ledger::told::{Closed, News, Said},
        state::AppState,
    },
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// News of one transaction, and dead letters of one.
const BATCH: usize = 1_000;
/// News of one transaction: until it is written, there are several copies of them.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(100);
/// While the database does not take what there is.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// Without new rows the index is asked this often for rows that appeared behind others (`index::LOOK_BACK`).
const LOOK_BACK_EVERY: Duration = Duration::from_secs(10);
/// Where the files of SQLite say that nobody wrote since all was indexed, it is asked this often all the same.
const REST: Duration = Duration::from_secs(60);
/// The index gets this long of a turn.
const INDEX_FOR: Duration = Duration::from_millis(150);

pub struct Writer {
    state: AppState,
    spool: Arc<Spool>,
    /// Taken out of the spool and not written yet.
    news: Vec<News>,
    lines: Lines,
    /// When rows that appeared late were last looked for.
    looked_back: Option<Instant>,
    /// There may be something left of shelves that were given up.
    clearing: bool,
    /// What the files were like when nothing was found to index, also behind other rows.
    rests: Option<(Stamp, Instant)>,
}

impl Writer {
    pub fn new(state: &AppState, spool: &Arc<Spool>) -> Self {
        Self {
            state: state.clone(),
            spool: spool.clone(),
            news: Vec::new(),
            lines: Lines::default(),
            looked_back: None,
            clearing: false,
            rests: None,
        }
    }

    /// Until it is dropped. Dropped inside of a transaction, that one never was, or is known when it is written again.
    pub async fn run(&mut self) {
        loop {
            let pause = match self.write().await {
                Ok(()) => {
                    self.state.archive.progress(|p| p.refusing = None);
                    PAUSE
                }
                Err(error) => {
                    self.refused(&error);
                    TRY_AGAIN
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// A database that answers questions and takes nothing (full, read-only, no right to write) is said to be so; one that is
    /// away says that itself, and one that had to choose between two transactions takes this one next time.
    fn refused(&self, error: &ArchiveError) {
        if matches!(error, ArchiveError::Off | ArchiveError::Unavailable { .. } | ArchiveError::Away { .. }) || error.is_victim() {
            return;
        }
        let problem = error.problem();
        self.state.archive.progress(|p| match &mut p.refusing {
            Some(known) => known.problem.clone_from(&problem),
            none => {
                tracing::warn!(problem, "the archive does not take what there is to write; it is tried again");
                *none = Some(Refusing { since: now(), problem });
            }
        });
    }

    /// Writes what there is; what could not be written stays and is tried again.
    pub async fn write(&mut self) -> Result<(), ArchiveError> {
        let archive = self.state.archive.clone();
        let db = archive.db()?;
        loop {
            let batch = self.spool.records(BATCH);
            // After the batch was taken: who puts records in says before which of them are to be asked about.
            self.ask_about_suspects(&db).await?;
            if batch.is_empty() {
                break;
            }
            let written = archive.noted(record::records(&db, &batch).await)?;
            self.spool.written();
            archive.progress(|p| {
                p.dead += written.rows;
                p.gaps += written.refused;
                p.spooled = self.spool.waiting();
            });
        }
        while let Some(gap) = self.spool.oldest_gap() {
            archive.noted(gaps::write(&db, &gap).await)?;
            tracing::warn!(queue.name = gap.queue.as_str(), up_to = gap.up_to, "dead letters were dropped before they could be archived");
            archive.progress(|p| p.gaps += 1);
            self.spool.gap_written();
        }
        loop {
            if self.news.is_empty() {
                self.news = self.spool.news(BATCH, BATCH_BYTES);
            }
            if self.news.is_empty() {
                break;
            }
            self.write_news(&db).await?;
        }
        // Who archives indexes too; what is written after that is left to the next one.
        if archive.archiving().leading { self.index(&db).await } else { Ok(()) }
    }

    /// A list that was empty when it was last looked at, and is full of what nobody archived, has dropped some; one that was never
    /// looked at has if others of its queue were archived before, or more failures were heard of than it holds.
    async fn ask_about_suspects(&self, db: &Db) -> Result<(), ArchiveError> {
        while let Some(Suspect { queue, oldest, since, at, .. }) = self.spool.oldest_suspect() {
            let found = self.state.archive.noted(record::missed(db, &queue, &oldest).await)?;
            if let Missed::Maybe { last } = found
                && let Some(from) = since.or(last)
            {
                self.spool.gap(Gap { queue, from: Some(from), until: at, up_to: None });
            }
            self.spool.suspect_asked();
        }
        Ok(())
    }

    async fn index(&mut self, db: &Db) -> Result<(), ArchiveError> {
        let archive = self.state.archive.clone();
        // Before anything is asked: what is written meanwhile has another one.
        let stamp = db.stamp();
        if let (Some(stamp), Some((known, since))) = (&stamp, &self.rests)
            && known == stamp
            && since.elapsed() < REST
        {
            return Ok(());
        }
        self.rests = None;
        if self.clearing {
            // Whatever is in the way, indexing goes on.
            self.clearing = shelf::clear(db).await.unwrap_or_else(|error| {
                tracing::warn!(problem = error.problem(), "a shelf that was given up cannot be cleared away");
                false
            });
        }
        let looks_back = self.looked_back.is_none_or(|at| at.elapsed() >= LOOK_BACK_EVERY);
        if looks_back {
            self.looked_back = Some(Instant::now());
        } else if !archive.noted(index::is_behind(db).await)? {
            return Ok(());
        }
        let since = Instant::now();
        let mut found = 0;
        while since.elapsed() < INDEX_FOR {
            let indexed = archive.noted(index::step(db).await)?;
            archive.progress(|p| p.indexed += indexed as u64);
            found += indexed;
            if indexed == 0 {
                break;
            }
        }
        if looks_back {
            let was_clear = !std::mem::replace(&mut self.clearing, true);
            self.rests = stamp.filter(|stamp| found == 0 && was_clear && stamp.is_settled()).map(|stamp| (stamp, since));
        }
        Ok(())
    }

    async fn write_news(&mut self, db: &Db) -> Result<(), ArchiveError> {
        let archive = self.state.archive.clone();
        let failed = self.failed(db).await?;
        // Of a run that is told twice the later telling knows more.
        let (mut runs, mut order, mut lines, mut completed) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        let mut shared = false;
        for news in &self.news {
            match news {
                News::Closed(closed) if !self.keeps(closed, &failed) => {}
                News::Closed(closed) => {
                    let key = (closed.worker.clone(), closed.job.clone(), closed.started_at);
                    if runs.insert(key.clone(), closed).is_none() {
                        order.push(key);
                    }
                    completed.extend(self.completed(closed));
                }
                News::Said(said) => {
                    shared |= self.spool.is_shared(said.heard_at);
                    lines.push(line_of(said));
                }
            }
        }
        let runs: Vec<Run> = order.iter().filter_map(|key| runs.get(key)).map(|c| run_of(c)).collect();
        // Each is counted when it is written: tried again, it is there.
        let new = archive.noted(record::runs(db, &runs).await)?;
        archive.progress(|p| p.runs += new);
        let jobs = archive.noted(record::records(db, &completed).await)?;
        archive.progress(|p| p.completed += jobs.rows);
        let said = archive.noted(self.lines.write(db, &lines, shared).await)?;
        archive.progress(|p| {
            p.lines += said;
            p.lines_refused = self.lines.refused();
        });
        self.news.clear();
        Ok(())
    }

    /// Jobs of these completions that failed before: their stories end here.
    async fn failed(&self, db: &Db) -> Result<HashSet<String>, ArchiveError> {
        if self.state.config.persist.completed {
            return Ok(HashSet::new());
        }
        let closed = || self.news.iter().filter_map(|news| if let News::Closed(closed) = news { Some(closed) } else { None });
        // What is told with them is not in the archive yet.
        let mut failed: HashSet<String> = closed().filter(|c| c.outcome != "completed").map(|c| c.job.clone()).collect();
        let unsure: HashSet<&str> = closed().filter(|c| !self.keeps(c, &failed)).map(|c| c.job.as_str()).collect();
        let unsure: Vec<&str> = unsure.into_iter().collect();
        failed.extend(self.state.archive.noted(record::failed_before(db, &unsure).await)?);
        Ok(failed)
    }

    /// Whether a run is written down: of jobs that never failed only when completed ones are kept.
    fn keeps(&self, closed: &Closed, failed: &HashSet<String>) -> bool {
        self.state.config.persist.completed
            || closed.outcome != "completed"
            || closed.attempt.is_some_and(|n| n > 1)
            || failed.contains(&closed.job)
    }

    /// A completed job, when those are kept and its payload was seen.
    fn completed(&self, closed: &Closed) -> Option<Record> {
        let (raw, queue) = (closed.raw.as_ref()?, closed.queue.as_ref()?);
        (self.state.config.persist.completed && closed.outcome == "completed").then(|| Record {
            status: Status::Completed,
            queue: queue.clone(),
            id: Some(closed.job.clone()),
            payload: raw.to_vec(),
            at: closed.ended_at,
        })
    }
}

fn line_of(said: &Said) -> Line {
    Line {
        level: said.level.into(),
        message: said.message.clone(),
        worker: said.worker.clone().unwrap_or_else(|| "unknown".into()),
        queue: said.queue.as_ref().map(ToString::to_string),
        at: said.at,
    }
}

fn run_of(closed: &Closed) -> Run {
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
