//! The simulated application as a whole: producers, workers, and handles to disturb them.

use super::{
    chance::Chance,
    ledger::Ledger,
    load::{Load, WorkerLoad},
    producer,
    wire::Wire,
    worker::Worker,
};
use redis::RedisResult;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// A worker in the middle of its job gets this long to end it when the application stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

pub struct App {
    pub ledger: Arc<Ledger>,
    staff: Arc<Staff>,
    producing: CancellationToken,
    producer: JoinHandle<()>,
    grim: Option<JoinHandle<()>>,
}

/// Everything needed to hire one more worker.
struct Staff {
    url: String,
    load: Arc<Load>,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
    hold: watch::Sender<bool>,
    chance: Mutex<Chance>,
    tasks: Mutex<JoinSet<()>>,
    /// Alive workers and how to kill them.
    alive: Mutex<Vec<(String, WorkerLoad, CancellationToken)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    pub async fn start(url: &str, load: Load) -> RedisResult<Self> {
        let ledger = Arc::new(Ledger::new(load.keep_ids));
        Self::start_with(url, load, ledger).await
    }

    /// Goes on with a ledger that already counts seeded jobs.
    pub async fn start_with(url: &str, load: Load, ledger: Arc<Ledger>) -> RedisResult<Self> {
        let load = Arc::new(load);
        let mut chance = Chance::new(load.seed);
        let wire = Wire::connect(url, &load.prefix, &load.monitor_prefix).await?;
        let producing = CancellationToken::new();
        let producer = tokio::spawn(producer::run(load.clone(), ledger.clone(), wire, chance.fork(), producing.clone()));
        let staff = Arc::new(Staff {
            url: url.to_owned(),
            ledger: ledger.clone(),
            stop: CancellationToken::new(),
            hold: watch::Sender::new(false),
            chance: Mutex::new(chance),
            tasks: Mutex::default(),
            alive: Mutex::default(),
            load: load.clone(),
        });
        for spec in &load.workers {
            staff.hire(spec.clone()).await?;
        }
        let grim = (!load.kill_every.is_zero()).then(|| tokio::spawn(accidents(staff.clone())));
        Ok(Self { ledger, staff, producing, producer, grim })
    }

    /// No run comes to its end until [`App::release`]; workers take one more job each and keep it open.
    pub fn hold(&self) {
        self.staff.hold.send_replace(true);
    }

    pub fn release(&self) {
        self.staff.hold.send_replace(false);
    }

    /// Ids of the workers that are alive.
    pub fn workers(&self) -> Vec<String> {
        lock(&self.staff.alive).iter().map(|(id, ..)| id.clone()).collect()
    }

    /// The worker dies in the middle of the job it holds, or of the next one, and takes it along. Not replaced.
    pub fn kill_worker(&self, id: &str) {
        self.staff.kill(id);
    }

    /// Producers stop; workers go on.
    pub fn stop_producing(&self) {
        self.producing.cancel();
    }

    /// Ends everything in order: no more pushes, every worker finishes its job and says goodbye.
    pub async fn stop(self) {
        self.producing.cancel();
        self.staff.stop.cancel();
        self.release();
        if let Some(grim) = self.grim {
            grim.abort();
        }
        let mut tasks = std::mem::take(&mut *lock(&self.staff.tasks));
        let orderly = async {
            let _ = self.producer.await;
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(STOP_WITHIN, orderly).await.is_err() {
            tracing::debug!("simulated workers were ended in the middle of a job");
        }
    }
}

impl Staff {
    async fn hire(&self, spec: WorkerLoad) -> RedisResult<()> {
        // A connection each, as in life: one worker's slow reply holds up no other.
        let wire = Wire::connect(&self.url, &self.load.prefix, &self.load.monitor_prefix).await?;
        let mut chance = lock(&self.chance).fork();
        let id = format!("worker-{}", chance.base36(6));
        let kill = CancellationToken::new();
        lock(&self.alive).push((id.clone(), spec.clone(), kill.clone()));
        let worker = Worker {
            id,
            spec,
            load: self.load.clone(),
            ledger: self.ledger.clone(),
            wire,
            chance,
            stop: self.stop.clone(),
            kill,
            hold: self.hold.subscribe(),
        };
        lock(&self.tasks).spawn(worker.run());
        Ok(())
    }

    fn kill(&self, id: &str) -> Option<WorkerLoad> {
        let mut alive = lock(&self.alive);
        let at = alive.iter().position(|(name, ..)| name == id)?;
        let (_, spec, kill) = alive.remove(at);
        kill.cancel();
        Some(spec)
    }

    /// Any worker that holds a job now.
    fn busy(&self) -> Option<String> {
        let open = self.ledger.open();
        lock(&self.alive).iter().map(|(id, ..)| id).find(|id| open.contains_key(*id)).cloned()
    }
}

/// Kills a busy worker now and then and hires another in its place half a minute later.
async fn accidents(staff: Arc<Staff>) {
    loop {
        tokio::time::sleep(staff.load.kill_every).await;
        let Some(spec) = staff.busy().and_then(|id| staff.kill(&id)) else { continue };
        tokio::time::sleep(Duration::from_secs(30)).await;
        if let Err(problem) = staff.hire(spec).await {
            tracing::debug!(error = %problem, "no new simulated worker");
        }
    }
}
