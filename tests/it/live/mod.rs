//! What runs, how fast, how long: compared with what really happened.

mod frames;
mod gaps;
mod lost;
mod recordings;
mod replicas;
mod truth;

use redis::AsyncCommands;

use crate::support::TestRedis;
use flux_console::model::time::Millis;

impl TestRedis {
    /// One event on the library's default channel of the demos, published and kept as the library does.
    async fn say(&self, worker: &str, job: Option<&str>, message: &str) {
        self.say_at(worker, job, message, flux_console::server::actions::now()).await;
    }

    async fn say_at(&self, worker: &str, job: Option<&str>, message: &str, at: Millis) {
        let mut event = serde_json::json!({ "level": "info", "message": message, "workerId": worker, "timestamp": at.iso() });
        if let Some(job) = job {
            event["jobId"] = job.into();
        }
        let text = event.to_string();
        let mut con = self.con.clone();
        con.publish::<_, _, ()>("flux_console:logs", &text).await.expect("PUBLISH");
        con.lpush::<_, _, ()>("flux_console:logs:history", &text).await.expect("LPUSH");
        con.ltrim::<_, ()>("flux_console:logs:history", 0, 99).await.expect("LTRIM");
    }

    async fn beat(&self, worker: &str, queues: &[&str], ttl_ms: u64) {
        let beat = serde_json::json!({ "id": worker, "status": "online", "hostname": "host", "pid": 1, "uptime": 5, "queues": queues });
        let _: () = self.con.clone().pset_ex(format!("flux_console:worker:{worker}"), beat.to_string(), ttl_ms).await.expect("PSETEX");
    }
}
