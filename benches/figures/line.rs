//! A longer way to Redis: every answer arrives later, so that round trips can be told apart.

use anyhow::{Context, Result};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// The answers to a whole pipeline fit, so that they are delayed once.
const CHUNK: usize = 1 << 20;

pub struct Line {
    port: u16,
    delay_ms: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

impl Line {
    /// A port that leads to `to`; without delay at first.
    pub fn to(to: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a port on 127.0.0.1")?;
        let line = Self { port: listener.local_addr()?.port(), delay_ms: Arc::default(), closed: Arc::default() };
        let (delay_ms, closed) = (line.delay_ms.clone(), line.closed.clone());
        thread::spawn(move || {
            for near in listener.incoming() {
                if closed.load(Ordering::Relaxed) {
                    return;
                }
                // A console that cannot connect says so itself.
                if let Ok(near) = near {
                    let _ = join(near, to, &delay_ms);
                }
            }
        });
        Ok(line)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub fn delay(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn join(near: TcpStream, to: u16, delay_ms: &Arc<AtomicU64>) -> io::Result<()> {
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let none = Arc::new(AtomicU64::new(0));
    for (from, into, delay_ms) in [(near.try_clone()?, far.try_clone()?, none), (far, near, delay_ms.clone())] {
        thread::spawn(move || pass_on(from, into, &delay_ms));
    }
    Ok(())
}

fn pass_on(mut from: TcpStream, mut into: TcpStream, delay_ms: &AtomicU64) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(n) = from.read(&mut chunk) {
        thread::sleep(Duration::from_millis(delay_ms.load(Ordering::Relaxed)));
        if n == 0 || into.write_all(&chunk[..n]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(std::net::Shutdown::Both);
}
