//! What the sampler asks of Redis, by how many are watching.

use super::{
    console::Console,
    fill,
    redis::Redis,
    table::{Table, against, bytes, count},
    traffic::Traffic,
};
use anyhow::{Result, bail};
use flux_console::model::{ids::QueueName, live::LiveView, query::QueuesQuery};
use futures::StreamExt;
use reqwest::Client;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

const MANY: usize = 20;
const CROWD: usize = 1_000;
/// Twenty streams may cost as much as one; a tick more or less falls into a window.
const AS_MUCH: f64 = 1.1;

/// Bytes and events that all open streams have received.
#[derive(Default)]
struct Received {
    bytes: AtomicU64,
    events: AtomicU64,
}

/// A window of time.
struct Cost {
    /// Per minute.
    commands: f64,
    /// Share of one core.
    cpu: f64,
    /// Per second.
    events: f64,
    bytes: f64,
    /// Bytes in memory at its end.
    resident: u64,
}

pub async fn measure(quick: bool) -> Result<()> {
    let size = fill::M;
    let mut redis = Redis::start()?;
    size.fill(&mut redis.con)?;
    let console = Console::start(redis.url())?;
    // No request comes from here, but the console renders its own pages once when it starts, and a page that was asked for
    // counts as watched for 30 s.
    sleep(Duration::from_secs(31)).await;
    let received = Arc::new(Received::default());
    // Idle ticks are 10 s apart.
    let (idle, watched) = if quick { (10, 5) } else { (30, 20) };
    eprintln!("nobody watches");
    let nobody = window(&mut redis, &console, &received, idle).await?;
    let mut streams = vec![follow(&console, 1, &received)?];
    eprintln!("one stream");
    let one = window(&mut redis, &console, &received, watched).await?;
    for n in streams.len()..MANY {
        streams.push(follow(&console, n, &received)?);
    }
    eprintln!("{MANY} streams");
    let many = window(&mut redis, &console, &received, watched).await?;
    eprintln!("{CROWD} streams");
    for n in streams.len()..CROWD {
        streams.push(follow(&console, n, &received)?);
    }
    let crowd = window(&mut redis, &console, &received, watched).await?;
    if streams.iter().any(JoinHandle::is_finished) {
        bail!("a stream ended while it was watched");
    }
    streams.iter().for_each(JoinHandle::abort);

    let title = format!("Watching, size M ({}; counted over {idle} s and {watched} s)", size.words());
    let mut table = Table::new(
        title,
        &["open streams", "Redis commands a minute", "console, share of a core", "events a second", "sent a second", "resident"],
    );
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and positive")]
    let whole = |n: f64| n.round() as u64;
    for (streams, cost) in [(0, &nobody), (1, &one), (MANY, &many), (CROWD, &crowd)] {
        let commands = count(whole(cost.commands));
        let commands = if streams == MANY { against(commands, cost.commands <= one.commands * AS_MUCH, "what 1 costs") } else { commands };
        table.row(vec![
            streams.to_string(),
            commands,
            format!("{:.1} %", cost.cpu * 100.0),
            format!("{:.1}", cost.events),
            bytes(whole(cost.bytes)),
            bytes(cost.resident),
        ]);
    }
    table.print();
    Ok(())
}

/// Opens a stream and reads it to nowhere: the queue list, the overview, one queue, or the frame alone.
fn follow(console: &Console, n: usize, received: &Arc<Received>) -> Result<JoinHandle<()>> {
    let view = match n % 4 {
        0 => LiveView::Overview,
        1 => LiveView::Queues { query: QueuesQuery::default() },
        2 => LiveView::Queue { name: QueueName::try_from(fill::queue(n % 100)).map_err(anyhow::Error::msg)? },
        _ => LiveView::Frame,
    };
    let view = serde_json::to_string(&view)?;
    // A browser of its own each.
    let request = Client::builder().build()?.get(url::Url::parse_with_params(&console.url("/live"), [("view", view)])?);
    let received = received.clone();
    Ok(tokio::spawn(async move {
        let Ok(answer) = request.send().await else { return };
        let mut body = answer.bytes_stream();
        while let Some(Ok(part)) = body.next().await {
            received.bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
            let events = part.windows(6).filter(|text| text == b"event:").count();
            received.events.fetch_add(events as u64, Ordering::Relaxed);
        }
    }))
}

async fn window(redis: &mut Redis, console: &Console, received: &Received, seconds: u64) -> Result<Cost> {
    // What just opened has arrived.
    sleep(Duration::from_millis(1_500)).await;
    let traffic = Traffic::watch(redis.port())?;
    let (began, cpu) = (Instant::now(), console.cpu()?);
    let (bytes, events) = (received.bytes.load(Ordering::Relaxed), received.events.load(Ordering::Relaxed));
    sleep(Duration::from_secs(seconds)).await;
    let took = began.elapsed().as_secs_f64();
    let (bytes, events) = (received.bytes.load(Ordering::Relaxed) - bytes, received.events.load(Ordering::Relaxed) - events);
    let cpu = (console.cpu()? - cpu).as_secs_f64() / took;
    let commands = traffic.end(&mut redis.con)?.len();
    Ok(Cost {
        commands: commands as f64 * 60.0 / took,
        cpu,
        events: events as f64 / took,
        bytes: bytes as f64 / took,
        resident: console.resident()?,
    })
}
