//! What is read of heartbeats.

use super::{SOON, node};
use crate::support::{
    TestRedis, eventually, now_ms,
    recording::{Recording, fixtures},
};
use redis::AsyncCommands;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_recording_is_read_exactly() {
    let redis = TestRedis::start().await;
    Recording::read(&fixtures().join("quasar.json")).load(&redis).await;
    let console = redis.console().await;

    let api = node(&console, "api", "api-1-23881").await;
    assert_eq!(api["freshness"], "late", "recorded long ago, and nobody renews it");
    let beat = &api["beat"];
    let written_by_hand = json!({
        "language": "bun", "version": "1.3.4", "pid": 23881, "hostname": "api-1", "platform": "linux",
        "cpuSystem": 100.0, "cpuProcess": 6.08, "cores": 2,
        "memoryTotal": 25_276_502_016_u64, "memoryUsed": 7_087_607_808_u64,
        "rss": 86_777_856, "heapUsed": 28_535_640, "heapTotal": 7_727_104,
        "queues": [
            // The plain probe writes 0 for what it does not count.
            {"name": "queue:mail", "driver": "redis", "waiting": 4, "active": null, "delayed": null, "failed": null, "throughputIn": null, "throughputOut": null},
            {"name": "default", "driver": "redis", "waiting": 1, "active": 1, "delayed": 1, "failed": 0, "throughputIn": null, "throughputOut": null},
            {"name": "video", "driver": "redis", "waiting": 0, "active": 1, "delayed": 1, "failed": 2, "throughputIn": null, "throughputOut": null},
        ],
        "moreQueues": 0, "uptimeSeconds": 1, "framework": "Quasar", "laravelWorkers": null,
        "timestamp": "2026-11-23T11:24:55.722Z", "problem": null,
    });
    assert_eq!(beat, &written_by_hand);

    let worker = node(&console, "worker-svc", "vm-23881").await;
    assert_eq!(
        (&worker["beat"]["cpuProcess"], &worker["beat"]["queues"], &worker["beat"]["rss"]),
        (&json!(5.25), &json!([]), &json!(86_908_928))
    );

    // Alerts read these.
    let snapshot = console.state.snapshot();
    let api = snapshot.nodes.iter().find(|n| n.id == "api-1-23881").expect("in the snapshot");
    assert_eq!(api.beat.cpu_process, Some(6.08));
    let near = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 0.01, "{found:?}");
    near(api.beat.process_ram_percent(), 0.34);
    near(api.beat.ram_percent(), 28.04);
    // Keys of nodes and of other queue libraries are no queues.
    assert_eq!(snapshot.queues.iter().map(|q| q.name.as_str()).collect::<Vec<_>>(), ["mail"]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_heartbeats_are_harmless() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let set = async |key: &str, value: &str| {
        let _: () = redis.con.clone().set_ex(key, value, 60).await.unwrap();
    };
    set("gravito:quasar:node:svc:broken", "{\"id\":").await;
    set("gravito:quasar:node:svc:array", "[1,2]").await;
    set(
        "gravito:quasar:node:svc:liar",
        r#"{"service":"bank","id":"vault","hostname":"<script>alert(1)</script>","cpu":{"system":-5},"queues":"all"}"#,
    )
    .await;
    set("gravito:quasar:node:svc:<img src=x onerror=alert(1)>", r#"{"pid":1e999,"timestamp":"now"}"#).await;
    set("gravito:quasar:node:", "{}").await;
    set("gravito:quasar:node:alone", "{}").await;
    set(&format!("gravito:quasar:node:svc:{}", "x".repeat(300)), &format!(r#"{{"hostname":"{}"}}"#, "h".repeat(300_000))).await;
    let _: () = con.lpush("gravito:quasar:node:svc:list", "no text").await.unwrap();
    let _: () = con.set("queue:mail", "x").await.unwrap();
    let console = redis.console().await;
    assert_eq!(node(&console, "svc", "broken").await["beat"]["problem"], "Its heartbeat is not JSON.");
    assert_eq!(node(&console, "svc", "array").await["beat"]["problem"], "Its heartbeat is JSON but not an object.");
    let liar = node(&console, "svc", "liar").await;
    assert_eq!((&liar["beat"]["hostname"], &liar["beat"]["cpuSystem"]), (&json!("<script>alert(1)</script>"), &Value::Null));
    node(&console, "svc", "<img src=x onerror=alert(1)>").await;
    let list = console.json("/api/v1/nodes").await;
    let ids: Vec<&str> =
        list["nodes"].as_array().unwrap().iter().filter(|n| n["service"] == "svc").map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(list["nodes"].as_array().unwrap().iter().all(|n| n["service"] != "bank"), "the key says which node it is");
    let page = console.get("/workers").await.text().await.unwrap();
    assert!(!page.contains("<script>alert(1)") && !page.contains("<img src=x"), "nothing of it is markup");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_comes_goes_and_stays_listed_as_gone() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let mut con = redis.con.clone();
    let beat = |at: i64| json!({"id": "n-1", "service": "late", "cpu": {"system": 41.6, "cores": 4}, "timestamp": at}).to_string();
    let _: () = con.set_ex("gravito:quasar:node:late:n-1", beat(now_ms()), 30).await.unwrap();
    let found = node(&console, "late", "n-1").await;
    assert_eq!(found["freshness"], "fresh");
    assert_eq!(found["cpuHistory"].as_array().unwrap().last(), Some(&json!(42)));
    assert_eq!(found["memoryHistory"].as_array().unwrap().last(), Some(&Value::Null), "unknown is not 0");
    let _: () = con.del("gravito:quasar:node:late:n-1").await.unwrap();
    eventually("it is gone, and listed", SOON, async || node(&console, "late", "n-1").await["freshness"] == "gone").await;
    let _: () = con.set_ex("gravito:quasar:node:late:n-1", beat(now_ms()), 30).await.unwrap();
    eventually("it is back", SOON, async || node(&console, "late", "n-1").await["freshness"] == "fresh").await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_reports_itself_truly() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let id = {
        let mut id = String::new();
        eventually("the console is a node", SOON, async || {
            let list = console.json("/api/v1/nodes").await;
            let own = list["nodes"].as_array().unwrap().iter().find(|n| n["service"] == "flux-console").cloned();
            id = own.map(|n| n["id"].as_str().unwrap().to_owned()).unwrap_or_default();
            !id.is_empty()
        })
        .await;
        id
    };
    let key = format!("gravito:quasar:node:flux-console:{id}");
    let mut con = redis.con.clone();
    let (raw, ttl): (String, i64) = redis::pipe().get(&key).ttl(&key).query_async(&mut con).await.unwrap();
    assert!((20..=30).contains(&ttl), "{ttl} s");
    let json: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(
        (&json["service"], &json["language"], &json["version"]),
        (&json!("flux-console"), &json!("other"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert_eq!((&json["id"], &json["pid"]), (&json!(id), &json!(std::process::id())));
    assert!((json["timestamp"].as_i64().unwrap() - now_ms()).abs() < 30_000);
    if cfg!(target_os = "linux") {
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo
            .lines()
            .find_map(|l| l.strip_prefix("MemTotal:"))
            .and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        assert_eq!(json["memory"]["system"]["total"].as_u64(), total.map(|kb| kb * 1_024));
        let rss = json["memory"]["process"]["rss"].as_u64().unwrap();
        assert!((1 << 20..16 << 30).contains(&rss), "{rss}");
        assert!(json["memory"]["process"].get("heapUsed").is_none(), "unknown is absent");
        // After the second heartbeat there are two readings to compare.
        eventually("the load is known", SOON, async || node(&console, "flux-console", &id).await["beat"]["cpuSystem"].is_number()).await;
        let beat = node(&console, "flux-console", &id).await["beat"].clone();
        for part in ["cpuSystem", "cpuProcess"] {
            assert!((0.0..=100.0).contains(&beat[part].as_f64().unwrap()), "{beat}");
        }
    }
    assert!(console.state.snapshot().queues.is_empty(), "it is no queue");
    console.stop().await;
    let left: bool = con.exists(&key).await.unwrap();
    assert!(!left, "a console that stopped does not look late");
}
