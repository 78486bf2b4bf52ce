//! Simulated Quasar agents: two of a shop's API that listen to nobody by name, and a Laravel service that takes commands.

use super::chance::Chance;
use crate::server::actions::now;
use futures::StreamExt;
use redis::{AsyncCommands, RedisResult};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(10);
const TTL_S: u64 = 30;
const GIB: u64 = 1 << 30;

/// What an agent is; its figures wander around these.
struct Agent {
    service: &'static str,
    id: &'static str,
    language: &'static str,
    version: &'static str,
    framework: &'static str,
    cpu: f64,
    cores: u64,
    memory: u64,
    used: f64,
    rss: u64,
    /// Subscribed to its own channel, with a Laravel queue of its own.
    laravel: bool,
}

const AGENTS: [Agent; 3] = [
    Agent {
        service: "shop-api",
        id: "api-1-2117",
        language: "bun",
        version: "1.3.4",
        framework: "Quasar",
        cpu: 34.0,
        cores: 8,
        memory: 16 * GIB,
        used: 0.58,
        rss: 212 << 20,
        laravel: false,
    },
    Agent {
        service: "shop-api",
        id: "api-2-1984",
        language: "bun",
        version: "1.3.4",
        framework: "Quasar",
        cpu: 71.0,
        cores: 8,
        memory: 16 * GIB,
        used: 0.83,
        rss: 341 << 20,
        laravel: false,
    },
    Agent {
        service: "legacy-billing",
        id: "billing-1-402",
        language: "php",
        version: "8.4.2",
        framework: "Laravel",
        cpu: 12.0,
        cores: 4,
        memory: 8 * GIB,
        used: 0.41,
        rss: 64 << 20,
        laravel: true,
    },
];

/// Failed and waiting jobs of the Laravel queue.
#[derive(Default)]
struct Laravel {
    failed: AtomicU64,
    waiting: AtomicU64,
}

/// Until `stop`; what it cannot do it tries again with the next heartbeat.
pub async fn run(url: String, prefix: String, mut chance: Chance, stop: CancellationToken) {
    let laravel = Arc::new(Laravel { failed: AtomicU64::new(7), waiting: AtomicU64::new(2) });
    tokio::join!(beats(&url, &prefix, &laravel, &mut chance, &stop), listens(&url, &laravel, &stop));
}

async fn beats(url: &str, prefix: &str, laravel: &Laravel, chance: &mut Chance, stop: &CancellationToken) {
    let began = Instant::now();
    let Ok(client) = redis::Client::open(url) else { return };
    let Ok(mut con) = client.get_connection_manager().await else { return };
    loop {
        if let Err(problem) = beat(&mut con, prefix, laravel, chance, began.elapsed()).await {
            tracing::debug!(error = %problem, "no simulated node heartbeats");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn beat(
    con: &mut redis::aio::ConnectionManager,
    prefix: &str,
    laravel: &Laravel,
    chance: &mut Chance,
    up: Duration,
) -> RedisResult<()> {
    // As a plain probe: what waits is counted, the rest is written as 0.
    let (orders, mail): (u64, u64) = redis::pipe().llen(format!("{prefix}orders")).llen(format!("{prefix}emails")).query_async(con).await?;
    let plain = |name: &str, waiting: u64| json!({"name": format!("{prefix}{name}"), "driver": "redis", "size": {"waiting": waiting, "active": 0, "failed": 0, "delayed": 0}});
    for agent in &AGENTS {
        let around = |chance: &mut Chance, mean: f64, by: f64| (mean + (chance.unit() - 0.5) * by * 2.0).clamp(0.0, 100.0);
        let cpu = around(chance, agent.cpu, 14.0);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a simulated figure")]
        let used = (agent.memory as f64 * around(chance, agent.used * 100.0, 3.0) / 100.0) as u64;
        let mut json = json!({
            "id": agent.id, "service": agent.service, "language": agent.language, "version": agent.version, "pid": 2117,
            "hostname": agent.id.rsplit_once('-').map(|(host, _)| host), "platform": "linux",
            "cpu": {"system": round(cpu), "process": round(cpu / 6.0), "cores": agent.cores},
            "memory": {
                "system": {"total": agent.memory, "free": agent.memory - used, "used": used},
                "process": {"rss": agent.rss, "heapTotal": agent.rss / 2, "heapUsed": agent.rss / 3},
            },
            "queues": [plain("orders", orders), plain("emails", mail)],
            "runtime": {"uptime": 86_400 * 3 + up.as_secs(), "framework": agent.framework},
            "timestamp": now().0,
        });
        if agent.laravel {
            let (failed, waiting) = (laravel.failed.load(Ordering::Relaxed), laravel.waiting.swap(2, Ordering::Relaxed));
            json["queues"] = json!([{"name": "default", "driver": "laravel", "size": {"waiting": waiting, "active": 1, "failed": failed, "delayed": 0}, "throughput": {"in": 14, "out": 14}}]);
            json["meta"] = json!({"laravel": {"workerCount": 3, "roots": ["/var/www/billing"]}});
            // One fails now and then.
            if failed < 40 && chance.unit() < 0.2 {
                laravel.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        let _: () = con.set_ex(format!("gravito:quasar:node:{}:{}", agent.service, agent.id), json.to_string(), TTL_S).await?;
    }
    Ok(())
}

fn round(n: f64) -> f64 {
    (n * 100.0).round() / 100.0
}

/// The Laravel service takes commands on its own channel.
async fn listens(url: &str, laravel: &Laravel, stop: &CancellationToken) {
    let Some(agent) = AGENTS.iter().find(|a| a.laravel) else { return };
    let Ok(client) = redis::Client::open(url) else { return };
    while !stop.is_cancelled() {
        let subscribed = async {
            let mut channel = client.get_async_pubsub().await?;
            channel.subscribe(format!("gravito:quasar:cmd:{}:{}", agent.service, agent.id)).await?;
            RedisResult::Ok(channel)
        };
        if let Ok(mut channel) = subscribed.await {
            let mut messages = channel.on_message();
            loop {
                let message = tokio::select! {
                    () = stop.cancelled() => return,
                    message = messages.next() => message,
                };
                let Some(message) = message else { break };
                obey(laravel, &message.get_payload::<String>().unwrap_or_default());
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

fn obey(laravel: &Laravel, message: &str) {
    let json: Value = serde_json::from_str(message).unwrap_or_default();
    if json["type"] == "LARAVEL_ACTION" && json["payload"]["action"] == "retry-all" {
        let retried = laravel.failed.swap(0, Ordering::Relaxed);
        laravel.waiting.fetch_add(retried, Ordering::Relaxed);
    }
}
