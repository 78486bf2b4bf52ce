//! Quasar agents (stream-protocol.md, 2): what their heartbeats say, who listens for commands, and how one is sent. Their keys
//! and channels are global: they lie outside of every queue prefix.

use super::RedisDriver;
use crate::model::{
    node::{NodeBeat, NodeQueue},
    shorten::shortened,
    time::Millis,
};
use crate::server::error::DriverError;
use redis::{AsyncCommands, Value};
use serde_json::Value as Json;

pub const NODES: &str = "gravito:quasar:node:";
/// A heartbeat that is not renewed is gone after this.
pub const TTL_S: u64 = 30;
/// A heartbeat larger than this is none.
const LARGEST: usize = 256 * 1024;
/// Queues of one node that are followed.
const QUEUES: usize = 50;
/// Texts are cut here.
const TEXT: usize = 200;
/// Percent beyond this are no percent.
const MOST_PERCENT: f64 = 100_000.0;

pub fn key(service: &str, id: &str) -> String {
    format!("{NODES}{service}:{id}")
}

/// The channel that this node alone is subscribed to by name.
pub fn channel(service: &str, id: &str) -> String {
    format!("gravito:quasar:cmd:{service}:{id}")
}

/// Service and id of a key. Either may hold a `:`; then the heartbeat itself tells where the service ends, as far as the key agrees.
pub fn name_of(key: &str, says: Option<&(String, String)>) -> Option<(String, String)> {
    let rest = key.strip_prefix(NODES)?;
    if let Some((service, id)) = says
        && rest.strip_prefix(service.as_str()).and_then(|r| r.strip_prefix(':')) == Some(id)
    {
        return Some((service.clone(), id.clone()));
    }
    let (service, id) = rest.split_once(':')?;
    (!service.is_empty() && !id.is_empty()).then(|| (service.into(), id.into()))
}

/// A heartbeat as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    pub beat: NodeBeat,
    /// Service and id that it names.
    pub says: Option<(String, String)>,
}

/// `None` when the key is not there, or holds no text. What cannot be read still is a node, of which nothing is known.
pub fn heard(value: &Value) -> Option<Heard> {
    let Value::BulkString(bytes) = value else { return None };
    let problem = |what: &str| Heard { beat: NodeBeat { problem: Some(what.into()), ..NodeBeat::default() }, says: None };
    if bytes.len() > LARGEST {
        return Some(problem("Its heartbeat is larger than 256 kB and was not read."));
    }
    Some(match serde_json::from_slice::<Json>(bytes) {
        Ok(json) if json.is_object() => {
            let says = Option::zip(json["service"].as_str(), json["id"].as_str()).map(|(s, i)| (s.to_owned(), i.to_owned()));
            Heard { beat: read(&json), says }
        }
        Ok(_) => problem("Its heartbeat is JSON but not an object."),
        Err(_) => problem("Its heartbeat is not JSON."),
    })
}

fn read(json: &Json) -> NodeBeat {
    let at = |path: &str| json.pointer(path);
    let text = |path: &str| at(path).and_then(Json::as_str).filter(|t| !t.is_empty()).map(cut);
    let percent = |path: &str| at(path).and_then(number).filter(|n| *n <= MOST_PERCENT);
    let whole = |path: &str| at(path).and_then(number).map(natural);
    let (queues, more_queues) = queues(at("/queues"));
    let total = whole("/memory/system/total");
    NodeBeat {
        language: text("/language"),
        version: text("/version"),
        pid: whole("/pid"),
        hostname: text("/hostname"),
        platform: text("/platform"),
        cpu_system: percent("/cpu/system"),
        cpu_process: percent("/cpu/process"),
        cores: whole("/cpu/cores"),
        memory_total: total,
        // Some agents leave out what the other two tell.
        memory_used: whole("/memory/system/used").or_else(|| total?.checked_sub(whole("/memory/system/free")?)),
        rss: whole("/memory/process/rss"),
        heap_used: whole("/memory/process/heapUsed"),
        heap_total: whole("/memory/process/heapTotal"),
        queues,
        more_queues,
        uptime_seconds: whole("/runtime/uptime"),
        framework: text("/runtime/framework"),
        laravel_workers: whole("/meta/laravel/workerCount"),
        #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
        timestamp: at("/timestamp").and_then(number).and_then(|ms| Millis::checked(ms as i64)),
        problem: None,
    }
}

fn queues(json: Option<&Json>) -> (Vec<NodeQueue>, u64) {
    let Some(Json::Array(all)) = json else { return (Vec::new(), 0) };
    let mut queues = Vec::new();
    let mut more = 0;
    for json in all {
        let Some(name) = json["name"].as_str() else { continue };
        // A cut name would name another queue.
        if queues.len() >= QUEUES || name.len() > 1_024 {
            more += 1;
            continue;
        }
        let size = |what: &str| json["size"].get(what).and_then(number).map(natural);
        let driver = json["driver"].as_str().map(cut);
        let mut queue = NodeQueue {
            name: name.into(),
            waiting: size("waiting"),
            active: size("active"),
            delayed: size("delayed"),
            failed: size("failed"),
            throughput_in: json.pointer("/throughput/in").and_then(number).map(natural),
            throughput_out: json.pointer("/throughput/out").and_then(number).map(natural),
            driver,
        };
        // The plain probe writes 0 for all three without looking. One that has any other figure looked.
        if queue.driver.as_deref() == Some("redis") && [queue.active, queue.delayed, queue.failed] == [Some(0); 3] {
            (queue.active, queue.delayed, queue.failed) = (None, None, None);
        }
        queues.push(queue);
    }
    (queues, more)
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64().filter(|n| n.is_finite() && *n >= 0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
fn natural(n: f64) -> u64 {
    n.round() as u64
}

fn cut(text: &str) -> String {
    shortened(text, TEXT)
}

impl RedisDriver {
    /// The heartbeat of the console itself.
    pub async fn beat_as_node(&self, service: &str, id: &str, json: &str) -> Result<(), DriverError> {
        Ok(self.requests.clone().set_ex(key(service, id), json, TTL_S).await?)
    }

    pub async fn leave_as_node(&self, service: &str, id: &str) -> Result<(), DriverError> {
        Ok(self.requests.clone().del(key(service, id)).await?)
    }

    /// Agents subscribed to the node's own channel. Those that listen to the whole service do not count: all of them do.
    pub async fn listeners(&self, service: &str, id: &str) -> Result<u64, DriverError> {
        let channel = channel(service, id);
        let answer: (String, u64) = redis::cmd("PUBSUB").arg("NUMSUB").arg(channel).query_async(&mut self.requests.clone()).await?;
        Ok(answer.1)
    }

    /// What PUBLISH answers proves nothing, so it is not told.
    pub async fn send_command(&self, service: &str, id: &str, message: &str) -> Result<(), DriverError> {
        let channel = channel(service, id);
        let _: i64 = redis::cmd("PUBLISH").arg(channel).arg(message).query_async(&mut self.requests.clone()).await?;
        Ok(())
    }

    /// Whether this Redis has a key of exactly this name.
    pub async fn has_key(&self, key: &str) -> Result<bool, DriverError> {
        Ok(self.requests.clone().exists(key).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Heard {
        heard(&Value::BulkString(text.into())).unwrap()
    }

    #[test]
    fn the_key_names_the_node() {
        let says = |s: &str, i: &str| Some((s.to_owned(), i.to_owned()));
        let key = "gravito:quasar:node:shop:eu:api-1";
        assert_eq!(name_of(key, None), says("shop", "eu:api-1"));
        assert_eq!(name_of(key, says("shop:eu", "api-1").as_ref()), says("shop:eu", "api-1"));
        assert_eq!(name_of(key, says("bank", "api-1").as_ref()), says("shop", "eu:api-1"), "the key decides");
        assert_eq!(name_of("gravito:quasar:node:alone", None), None);
        assert_eq!(name_of("queue:mail", None), None);
    }

    #[test]
    fn a_hostile_heartbeat_is_a_node_of_which_little_is_known() {
        for text in ["", "nope", "[1]", "null", "\"x\"", "{\"cpu\":"] {
            let heard = of(text);
            assert!(heard.beat.problem.is_some() && heard.says.is_none(), "{text}");
        }
        let odd = of(
            r#"{"id":7,"service":[],"language":{},"pid":-1,"cpu":{"system":"much","process":1e300,"cores":1e400},"memory":7,"queues":[1,{"name":5},{"name":"a","size":[]},{"name":"b","driver":7,"size":{"waiting":-1,"failed":"3"}}],"runtime":null,"meta":{"laravel":[]},"timestamp":1e300}"#,
        );
        // 1e400 is not JSON that a number can hold.
        assert!(odd.beat.problem.is_some());
        let odd = of(
            r#"{"id":7,"service":[],"language":{},"pid":-1,"cpu":{"system":"much","process":1e300,"cores":null},"memory":7,"queues":[1,{"name":5},{"name":"a","size":[]},{"name":"b","driver":7,"size":{"waiting":-1,"failed":"3"}}],"runtime":null,"meta":{"laravel":[]},"timestamp":1e300}"#,
        );
        let names: Vec<_> = odd.beat.queues.iter().map(|q| (q.name.as_str(), q.waiting, q.failed)).collect();
        assert_eq!(names, [("a", None, None), ("b", None, None)]);
        assert_eq!(NodeBeat { queues: Vec::new(), ..odd.beat }, NodeBeat::default());
        assert_eq!(heard(&Value::Nil), None);
        let long = of(&format!(r#"{{"hostname":"{}"}}"#, "h".repeat(5_000)));
        assert_eq!(long.beat.hostname.map(|h| h.chars().count()), Some(TEXT + 1));
        let many: Vec<String> = (0..70).map(|i| format!(r#"{{"name":"q{i}"}}"#)).collect();
        let many = of(&format!(r#"{{"queues":[{}]}}"#, many.join(","))).beat;
        assert_eq!((many.queues.len(), many.more_queues), (50, 20));
    }

    #[test]
    fn what_a_plain_probe_did_not_count_is_unknown() {
        let size = |driver: &str, size: &str| {
            let beat = of(&format!(r#"{{"queues":[{{"name":"q","driver":"{driver}","size":{size}}}]}}"#)).beat;
            let q = &beat.queues[0];
            (q.waiting, q.active, q.delayed, q.failed)
        };
        let zeros = r#"{"waiting":4,"active":0,"failed":0,"delayed":0}"#;
        assert_eq!(size("redis", zeros), (Some(4), None, None, None));
        assert_eq!(size("laravel", zeros), (Some(4), Some(0), Some(0), Some(0)));
        assert_eq!(size("redis", r#"{"waiting":0,"active":1,"failed":2,"delayed":0}"#), (Some(0), Some(1), Some(0), Some(2)));
    }
}
