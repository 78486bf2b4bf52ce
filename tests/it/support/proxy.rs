//! A stretch of network before a database, or Redis. It can lose one answer: what was done is done, and nobody hears of it. And others can
//! do something in Redis just before a command gets there.

use redis::{Pipeline, aio::MultiplexedConnection};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Duration, sleep},
};

/// Of what a client sent since its last COMMIT, so much is remembered.
const REMEMBERED: usize = 64 * 1024;
/// By then a server has done what it was sent.
const DONE: Duration = Duration::from_millis(300);

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// The next COMMIT behind a statement with this text has its answer lost.
    text: Mutex<Option<&'static str>>,
    /// The same for the next thing that is sent with this text.
    any: Mutex<Option<&'static str>>,
    lost: AtomicUsize,
    /// What others do meanwhile.
    busy: Mutex<Busy>,
}

/// What is sent with all of these texts is counted, and from that one on this is done in Redis before each reaches it.
#[derive(Default)]
struct Busy {
    texts: Vec<String>,
    from: usize,
    met: usize,
    meanwhile: Pipeline,
    con: Option<MultiplexedConnection>,
}

impl Proxy {
    /// Before the server at this port of this machine. What goes through must not be encrypted.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::<Shared>::default();
        let all = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = all.clone();
                // When one side breaks, so does the other.
                tokio::spawn(async move { carry(client, to, &shared).await });
            }
        });
        Self { port, shared, task }
    }

    /// Once: the database commits what has this text in it, its answer is swallowed, and the connection is cut.
    pub fn lose_answer_to_commit_of(&self, text: &'static str) {
        *self.shared.text.lock().expect("no panic") = Some(text);
    }

    /// Once: the server does what it is sent with this text in it, its answer is swallowed, and the connection is cut.
    pub fn lose_answer_to(&self, text: &'static str) {
        *self.shared.any.lock().expect("no panic") = Some(text);
    }

    /// Before each command that is sent with all of these texts, from that one on, others do this on a connection of their own.
    pub fn before(&self, texts: Vec<String>, from: usize, meanwhile: Pipeline, con: MultiplexedConnection) {
        *self.shared.busy.lock().expect("no panic") = Busy { texts, from, met: 0, meanwhile, con: Some(con) };
    }

    /// How many were met since; none is any more.
    pub fn met(&self) -> usize {
        std::mem::take(&mut *self.shared.busy.lock().expect("no panic")).met
    }

    /// Answers that were lost.
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn has(sent: &[u8], text: &str) -> bool {
    sent.windows(text.len()).any(|part| part == text.as_bytes())
}

impl Busy {
    /// What is to be done before this is sent on.
    fn due(&mut self, sent: &[u8]) -> Option<(Pipeline, MultiplexedConnection)> {
        if self.texts.is_empty() || !self.texts.iter().all(|text| has(sent, text)) {
            return None;
        }
        self.met += 1;
        self.con.clone().filter(|_| self.met >= self.from).map(|con| (self.meanwhile.clone(), con))
    }
}

impl Shared {
    /// Whether the answer to what was sent is to be lost.
    fn takes(wanted: &Mutex<Option<&'static str>>, sent: &[u8]) -> bool {
        let mut text = wanted.lock().expect("no panic");
        let met = text.is_some_and(|text| has(sent, text));
        if met {
            *text = None;
        }
        met
    }
}

async fn carry(mut client: TcpStream, to: u16, shared: &Shared) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
    let (mut asked, mut answered) = (vec![0_u8; 64 * 1024], vec![0_u8; 64 * 1024]);
    let mut sent: Vec<u8> = Vec::new();
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                let due = shared.busy.lock().expect("no panic").due(&asked[..n]);
                if let Some((meanwhile, mut con)) = due {
                    meanwhile.query_async::<()>(&mut con).await.expect("done");
                }
                server.write_all(&asked[..n]).await?;
                if Shared::takes(&shared.any, &asked[..n]) {
                    sleep(DONE).await;
                    shared.lost.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                sent.extend_from_slice(&asked[..n]);
                // MySQL sends the text as it is, PostgreSQL with a NUL behind it.
                if sent.ends_with(b"COMMIT") || sent.ends_with(b"COMMIT\0") {
                    if Shared::takes(&shared.text, &sent) {
                        // Once it answers, it has done it.
                        if server.read(&mut answered).await? > 0 {
                            shared.lost.fetch_add(1, Ordering::SeqCst);
                        }
                        return Ok(());
                    }
                    sent.clear();
                }
                let over = sent.len().saturating_sub(REMEMBERED);
                sent.drain(..over);
            }
            read = server.read(&mut answered) => {
                let n = read?;
                if n == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..n]).await?;
            }
        }
    }
}
