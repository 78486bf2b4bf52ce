//! A worker of the simulated application: the library's consumer, one job at a time.

use super::{
    chance::Chance,
    job::Job,
    ledger::Ledger,
    load::{Load, QueueLoad, WorkerLoad},
    wire::{Popped, Wire},
};
use crate::{
    model::{log::Level, time::Millis},
    server::actions::now,
};
use redis::RedisResult;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Attempts of a job that says nothing about them.
const MAX_ATTEMPTS: u32 = 3;

/// A job that failed once mostly fails again: broken input stays broken.
const FAILS_AGAIN: f64 = 0.75;

pub struct Worker {
    pub id: String,
    pub spec: WorkerLoad,
    pub load: Arc<Load>,
    pub ledger: Arc<Ledger>,
    pub wire: Wire,
    pub chance: Chance,
    /// Ends the worker after its job, as SIGTERM does.
    pub stop: CancellationToken,
    /// Ends it in the middle of the next job it holds, as SIGKILL does.
    pub kill: CancellationToken,
    /// While true, no run comes to its end.
    pub hold: watch::Receiver<bool>,
}

enum End {
    Done,
    Killed,
}

impl Worker {
    pub async fn run(mut self) {
        let heart = beat(self.wire.share(), self.id.clone(), self.spec.clone(), self.load.clone(), self.chance.fork());
        tokio::select! {
            () = heart => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        let queues = self.spec.queues.join(", ");
        self.say(Level::Info, &format!("Consumer started on [{queues}]"), None, now()).await.ok();
        while !self.stop.is_cancelled() {
            match self.turn().await {
                Ok(Some(End::Done)) => {}
                Ok(Some(End::Killed)) => return,
                Ok(None) => self.rest(self.load.poll).await,
                Err(problem) => {
                    // What it held is lost, as with the library when Redis goes away between RPOP and completion.
                    self.ledger.broken(&self.id);
                    tracing::debug!(worker.id = self.id, error = %problem, "the simulated worker lost Redis");
                    self.rest(Duration::from_millis(500)).await;
                }
            }
        }
        self.say(Level::Info, "Consumer stopped", None, now()).await.ok();
    }

    async fn rest(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Polls the queues in order and runs the first job found.
    async fn turn(&mut self) -> RedisResult<Option<End>> {
        let load = self.load.clone();
        for queue in &self.spec.queues.clone() {
            let Some(Popped { raw, doubled }) = self.wire.pop(queue, now()).await? else { continue };
            self.ledger.popped();
            let Some(job) = Job::popped(&raw) else {
                self.ledger.unreadable();
                return Ok(Some(End::Done));
            };
            if doubled {
                self.ledger.doubled(&job.id);
            }
            let of = load.queues.iter().find(|q| q.name == *queue);
            return self.attempt(job, of).await.map(Some);
        }
        Ok(None)
    }

    async fn attempt(&mut self, mut job: Job, of: Option<&QueueLoad>) -> RedisResult<End> {
        let attempt = job.attempts.filter(|n| *n > 0).unwrap_or(1);
        job.attempts = Some(attempt);
        let began = now();
        self.say(Level::Info, &format!("Processing job: {}", job.id), Some(&job.id), began).await?;
        self.ledger.started(&self.id, &job.id);

        let mean = of.map_or(Duration::from_millis(50), |q| q.run);
        let run = mean.mul_f64(0.5 + 1.5 * self.chance.unit().powi(2));
        let released = async {
            tokio::time::sleep(run).await;
            // The sender is gone only when the application is; then there is nothing to wait for.
            let _ = self.hold.wait_for(|held| !held).await;
        };
        tokio::select! {
            biased;
            () = self.kill.cancelled() => {
                self.ledger.killed(&self.id, &job.id);
                return Ok(End::Killed);
            }
            () = released => {}
        }

        let failure = of.map_or(0.0, |q| if attempt > 1 { q.failure.signum() * FAILS_AGAIN.max(q.failure) } else { q.failure });
        if self.chance.is(failure) {
            let error = self.error(&job, of);
            self.fail(&mut job, attempt, &error, began).await?;
        } else {
            let ended = now();
            self.say(Level::Success, &format!("Completed job: {}", job.id), Some(&job.id), ended).await?;
            self.ledger.completed(&self.id, &job.id, between(began, ended));
        }
        // Whatever became of it, the library completes the job in a `finally`.
        self.wire.complete(&job).await?;
        Ok(End::Done)
    }

    async fn fail(&mut self, job: &mut Job, attempt: u32, error: &str, began: Millis) -> RedisResult<()> {
        let ended = now();
        self.say(Level::Error, &format!("Job failed: {} - {error}", job.id), Some(&job.id), ended).await?;
        self.ledger.failed(&self.id, between(began, ended));
        let most = job.max_attempts.unwrap_or(MAX_ATTEMPTS);
        if attempt < most {
            let coming = attempt + 1;
            let delay = job.backoff_seconds(coming);
            job.attempts = Some(coming);
            job.delay_seconds = Some(delay);
            self.wire.push(job, None, now()).await?;
            self.ledger.retried();
            self.say(Level::Warning, &format!("Job retrying in {delay}s (Attempt {coming}/{most})"), Some(&job.id), now()).await
        } else {
            self.wire.fail(job, error, now()).await?;
            self.ledger.dead(&job.id);
            Ok(())
        }
    }

    fn error(&mut self, job: &Job, of: Option<&QueueLoad>) -> String {
        let kind = of.and_then(|q| q.kinds.iter().find(|k| k.class == job.class));
        kind.map_or_else(|| format!("Error: {} has no handler", job.class), |k| (k.error)(&mut self.chance))
    }

    async fn say(&mut self, level: Level, message: &str, job: Option<&str>, at: Millis) -> RedisResult<()> {
        self.wire.event(level, message, &self.id, job, at).await
    }
}

fn between(began: Millis, ended: Millis) -> Duration {
    Duration::from_millis(u64::try_from(ended.0 - began.0).unwrap_or(0))
}

/// Heartbeats until dropped; the key then expires by itself.
async fn beat(mut wire: Wire, id: String, spec: WorkerLoad, load: Arc<Load>, mut chance: Chance) {
    let began = Instant::now();
    let pid = chance.between(100, 32_000);
    let mut rss = chance.between(70, 120);
    tokio::time::sleep(load.first_heartbeat).await;
    loop {
        rss = (rss + chance.between(0, 6)).saturating_sub(3).clamp(60, 400);
        let cpu = chance.between(20, 260);
        let text = json_in_order(&id, &spec, pid, began.elapsed().as_secs(), rss, cpu);
        if let Err(problem) = wire.heartbeat(&id, &text).await {
            tracing::debug!(worker.id = id, error = %problem, "no heartbeat");
        }
        tokio::time::sleep(load.heartbeat).await;
    }
}

/// Written by hand because the order of the fields is the library's.
fn json_in_order(id: &str, spec: &WorkerLoad, pid: u64, uptime: u64, rss: u64, cpu: u64) -> String {
    format!(
        "{{\"id\":{},\"status\":\"online\",\"hostname\":{},\"pid\":{pid},\"uptime\":{uptime},\"last_ping\":\"{}\",\"queues\":{},\"metrics\":{{\"cpu\":{}.{:02},\"cores\":2,\"ram\":{{\"rss\":{rss},\"heapUsed\":{},\"total\":24105}}}}}}",
        json!(id),
        json!(spec.hostname),
        now().iso(),
        json!(spec.queues),
        cpu / 100,
        cpu % 100,
        rss / 3,
    )
}
