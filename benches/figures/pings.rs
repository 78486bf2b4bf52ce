//! Another client that wants its answers: what it feels while the console works.

use anyhow::{Context, Result, bail};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Often enough to fall into any pause that matters, seldom enough to be no load.
const EVERY: Duration = Duration::from_micros(300);

pub struct Pings {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Duration>>>,
}

impl Pings {
    /// PINGs over a connection of its own until [`Self::end`].
    pub fn start(port: u16) -> Result<Self> {
        let mut line = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot reach the private redis-server")?;
        line.set_nodelay(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut times = Vec::new();
            let mut pong = [0; 7];
            while !stopped.load(Ordering::Relaxed) {
                let sent = Instant::now();
                line.write_all(b"PING\r\n")?;
                line.read_exact(&mut pong)?;
                times.push(sent.elapsed());
                thread::sleep(EVERY);
            }
            Ok(times)
        });
        Ok(Self { stop, thread })
    }

    pub fn end(self) -> Result<Vec<Duration>> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(times) => times,
            Err(_) => bail!("the pinging client panicked"),
        }
    }
}
