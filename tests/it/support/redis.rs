//! One redis-server per test: it starts in 10 ms, nobody else writes into it, and it is gone with the test.

use flux_console::server::demo::redis::PrivateRedis;
use redis::{AsyncCommands, aio::MultiplexedConnection};
use std::{collections::BTreeMap, time::Duration};

pub struct TestRedis {
    pub url: String,
    pub con: MultiplexedConnection,
    pub server: PrivateRedis,
}

impl TestRedis {
    /// Fails the test, naming the remedy, where there is no redis-server.
    pub async fn start() -> Self {
        super::with_crypto();
        let server = PrivateRedis::start().unwrap_or_else(|problem| panic!("{problem:#}"));
        let con = connect(&server.url).await;
        Self { url: server.url.clone(), con, server }
    }

    /// Kills the server; its data is lost.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// An empty server on the same port, and a fresh connection to it.
    pub async fn restart(&mut self) {
        self.server.restart().unwrap_or_else(|problem| panic!("{problem:#}"));
        self.con = connect(&self.url).await;
    }

    /// From now on the server speaks TLS only, on the same port, with that certificate of `tests/fixtures/tls`. `con` stays open.
    pub async fn speak_tls(&self, name: &str) {
        let dir = super::recording::fixtures().join("tls");
        let file = |name: &str| dir.join(name).to_str().expect("text").to_owned();
        for (setting, value) in [
            ("tls-cert-file", file(&format!("{name}.pem"))),
            ("tls-key-file", file(&format!("{name}.key"))),
            ("tls-ca-cert-file", file("ca.pem")),
            ("tls-auth-clients", "no".into()),
            // Given up first, so that TLS finds it free.
            ("port", "0".into()),
            ("tls-port", self.server.port.to_string()),
        ] {
            let set = redis::cmd("CONFIG").arg("SET").arg(setting).arg(value).exec_async(&mut self.con.clone()).await;
            set.unwrap_or_else(|problem| panic!("{setting}: {problem}. The tests need a redis-server that is built with TLS."));
        }
    }

    /// RPUSHes raw payloads: the first one becomes the head, the last one the tail, which workers take first.
    pub async fn push_raw<P: AsRef<[u8]>>(&self, key: &str, payloads: impl IntoIterator<Item = P>) {
        let payloads: Vec<P> = payloads.into_iter().collect();
        for chunk in payloads.chunks(1000) {
            let chunk: Vec<&[u8]> = chunk.iter().map(AsRef::as_ref).collect();
            let _: u64 = self.con.clone().rpush(key, chunk).await.expect("RPUSH");
        }
    }

    /// LPUSHes raw payloads before what is there: the first one becomes the head, as with [`Self::push_raw`].
    pub async fn put_before(&self, key: &str, mut payloads: Vec<String>) {
        payloads.reverse();
        let _: () = self.con.clone().lpush(key, payloads).await.expect("LPUSH");
    }

    /// ZADDs raw payloads with their due times, epoch ms.
    pub async fn delay_raw<P: AsRef<[u8]>>(&self, key: &str, payloads: impl IntoIterator<Item = (P, i64)>) {
        for (payload, due) in payloads {
            let _: u64 = self.con.clone().zadd(key, payload.as_ref(), due).await.expect("ZADD");
        }
    }

    /// A list from head to tail.
    pub async fn list(&self, key: &str) -> Vec<Vec<u8>> {
        self.con.clone().lrange(key, 0, -1).await.expect("LRANGE")
    }

    /// A list from head to tail, as text.
    pub async fn texts(&self, key: &str) -> Vec<String> {
        self.con.clone().lrange(key, 0, -1).await.expect("LRANGE")
    }

    /// A sorted set with scores, in order.
    pub async fn zset(&self, key: &str) -> Vec<(Vec<u8>, f64)> {
        self.con.clone().zrange_withscores(key, 0, -1).await.expect("ZRANGE")
    }

    pub async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut self.con.clone()).await.expect("KEYS");
        keys.sort();
        keys
    }

    /// Commands that the server has processed so far, this question included.
    pub async fn commands(&self) -> u64 {
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut self.con.clone()).await.expect("INFO");
        let line = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.and_then(|n| n.trim().parse().ok()).expect("total_commands_processed")
    }

    /// How often every job id occurs in all lists and sorted sets: waiting, delayed, failed, pending, and the console's
    /// trash. Elements without an id count as themselves.
    pub async fn all_ids(&self) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for element in self.all_elements().await.into_values().flatten() {
            *ids.entry(id_of(&element)).or_default() += 1;
        }
        ids
    }

    /// Every job in every list and sorted set, raw, by key; what lies in the trash as it was before.
    pub async fn all_elements(&self) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut all = BTreeMap::new();
        for key in self.keys().await {
            let trash = key.contains(":trash:");
            // Events, schedules, the console's registers: lists and sets, but not of jobs.
            if key.ends_with("logs:history") || key.ends_with(":schedules") || key.starts_with("flux_console:") && !trash {
                continue;
            }
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut self.con.clone()).await.expect("TYPE");
            let elements = match kind.as_str() {
                "list" => self.list(&key).await,
                "zset" => self.con.clone().zrange(&key, 0, -1).await.expect("ZRANGE"),
                _ => continue,
            };
            let unpacked = if trash && key.ends_with(":items") { elements.iter().map(|item| unpack(item)).collect() } else { elements };
            all.insert(key, unpacked);
        }
        all
    }
}

/// The job in a trash item: `[score]\n{bytes of the key}:{key}{raw}`.
fn unpack(item: &[u8]) -> Vec<u8> {
    let after = |of: &[u8], stop: u8| of.iter().position(|b| *b == stop).map(|at| at + 1).expect("a trash item");
    let rest = &item[after(item, b'\n')..];
    let key = after(rest, b':');
    let length: usize = std::str::from_utf8(&rest[..key - 1]).ok().and_then(|n| n.parse().ok()).expect("a length");
    rest[key + length..].to_vec()
}

async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a URL of our own");
    // Generous: other tests load the same two cores.
    let patient = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(20)))
        .set_response_timeout(Some(Duration::from_secs(60)));
    client.get_multiplexed_async_connection_with_config(&patient).await.expect("the private redis-server answers")
}

/// The id of a payload, or the payload itself.
pub fn id_of(element: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(element).ok();
    let id = parsed.as_ref().and_then(|p| p.get("id")).and_then(|id| id.as_str());
    id.map_or_else(|| String::from_utf8_lossy(element).into_owned(), str::to_owned)
}
