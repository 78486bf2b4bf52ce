//! Every command that clients send, as MONITOR shows it: who sent it, and when. What scripts call is left out, as it costs
//! no round trip. MONITOR slows Redis down, so nothing is timed meanwhile.

use anyhow::{Context, Result, bail};
use redis::Connection;
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Sent by us when a window closes; all that came before has been seen by then.
const END: &str = "end-of-figures-window";

pub struct Command {
    /// Seconds; only differences mean anything.
    pub at: f64,
    /// The connection: its port on the client's side.
    pub from: u16,
    pub name: String,
    /// The name and the first argument: a key, or which script it is.
    pub what: String,
}

pub struct Traffic {
    thread: JoinHandle<Result<Vec<Command>>>,
}

impl Traffic {
    pub fn watch(port: u16) -> Result<Self> {
        let mut line = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot reach the private redis-server")?;
        line.write_all(b"MONITOR\r\n")?;
        let mut lines = BufReader::with_capacity(1 << 20, line);
        let mut text = Vec::new();
        lines.read_until(b'\n', &mut text)?;
        if text != b"+OK\r\n" {
            bail!("MONITOR was refused: {}", String::from_utf8_lossy(&text).trim());
        }
        let thread = thread::spawn(move || {
            let mut commands = Vec::new();
            loop {
                text.clear();
                if lines.read_until(b'\n', &mut text)? == 0 {
                    bail!("MONITOR ended early");
                }
                let Some(command) = read(&String::from_utf8_lossy(&text)) else { continue };
                if command.name == "ECHO" && text.windows(END.len()).any(|part| part == END.as_bytes()) {
                    return Ok(commands);
                }
                commands.push(command);
            }
        });
        Ok(Self { thread })
    }

    /// What was sent since [`Self::watch`], on all connections but `con`.
    pub fn end(self, con: &mut Connection) -> Result<Vec<Command>> {
        redis::cmd("ECHO").arg(END).exec(con)?;
        match self.thread.join() {
            Ok(commands) => commands,
            Err(_) => bail!("reading MONITOR panicked"),
        }
    }
}

/// `+1795432801.819000 [0 127.0.0.1:50312] "LLEN" "queue:mail"`; scripts are `[0 lua]`.
fn read(line: &str) -> Option<Command> {
    let (at, rest) = line.strip_prefix('+')?.split_once(" [")?;
    let (client, rest) = rest.split_once("] \"")?;
    let from = client.rsplit_once(':')?.1.parse().ok()?;
    let what = rest.splitn(3, "\" \"").take(2).collect::<Vec<_>>().join(" ");
    Some(Command { at: at.parse().ok()?, from, name: rest.split_once('"')?.0.to_uppercase(), what })
}

/// The connection of the sampler: the one that asks for DBSIZE, first thing in every tick.
pub fn sampler(commands: &[Command]) -> Result<u16> {
    let asks = commands.iter().find(|command| command.name == "DBSIZE");
    asks.map(|command| command.from).context("the console did not tick while it was watched")
}

/// Whole ticks: the commands of each, and in how many round trips, when an answer takes `line` at least.
pub fn ticks(commands: &[Command], line: Duration) -> Result<Vec<(usize, usize)>> {
    let from = sampler(commands)?;
    let sent: Vec<&Command> = commands.iter().filter(|command| command.from == from).collect();
    let starts: Vec<usize> = (0..sent.len()).filter(|i| sent[*i].name == "DBSIZE").collect();
    let whole = starts.windows(2).map(|pair| &sent[pair[0]..pair[1]]);
    // Whoever waits for an answer before sending on leaves a gap of about `line`.
    let gap = line.as_secs_f64() / 2.0;
    let trips = |tick: &[&Command]| 1 + tick.windows(2).filter(|pair| !line.is_zero() && pair[1].at - pair[0].at > gap).count();
    let ticks: Vec<_> = whole.map(|tick| (tick.len(), trips(tick))).collect();
    if ticks.is_empty() { bail!("no whole tick was seen") } else { Ok(ticks) }
}
