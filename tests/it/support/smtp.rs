//! A small real SMTP server (RFC 5321, without TLS): it takes mail and writes it down.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Default, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// As it came, dots unstuffed.
    pub text: String,
    /// What was said with AUTH PLAIN, still in base 64.
    pub auth: Option<String>,
}

/// How it differs from a server that takes everything.
#[derive(Clone, Default)]
pub struct Manners {
    /// Recipients that get a 550.
    pub unknown: Vec<&'static str>,
    /// Said to the first so many MAIL commands: `451 4.3.0 Try later`.
    pub busy: Arc<Mutex<u32>>,
}

pub struct Smtp {
    pub at: SocketAddr,
    mails: Arc<Mutex<Vec<Taken>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Smtp {
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let mails = Arc::<Mutex<Vec<Taken>>>::default();
        let all = mails.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that breaks off is its own affair.
                tokio::spawn(talk(stream, manners.clone(), all.clone()));
            }
        });
        Self { at, mails, server }
    }

    pub fn mails(&self) -> Vec<Taken> {
        self.mails.lock().expect("no panic").clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn path(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned()).unwrap_or_default()
}

async fn talk(stream: TcpStream, manners: Manners, mails: Arc<Mutex<Vec<Taken>>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Taken::default();
    write.write_all(b"220 test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let said = match verb.as_str() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
            "AUTH" => {
                mail.auth = line.split(' ').nth(2).map(str::to_owned);
                "235 2.7.0 Welcome".into()
            }
            "MAIL" => {
                let mut busy = manners.busy.lock().expect("no panic");
                if *busy > 0 {
                    *busy -= 1;
                    "451 4.3.0 Try later".into()
                } else {
                    mail = Taken { from: path(&line), auth: mail.auth.clone(), ..Taken::default() };
                    "250 2.1.0 Ok".into()
                }
            }
            "RCPT" if manners.unknown.contains(&path(&line).as_str()) => "550 5.1.1 No such user here".into(),
            "RCPT" => {
                mail.to.push(path(&line));
                "250 2.1.5 Ok".into()
            }
            "DATA" => {
                write.write_all(b"354 Go on\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.text += line.strip_prefix('.').unwrap_or(&line);
                    mail.text += "\n";
                }
                mails.lock().expect("no panic").push(mail.clone());
                format!("250 2.0.0 Ok: queued as {}", mails.lock().expect("no panic").len())
            }
            "QUIT" => {
                write.write_all(b"221 2.0.0 Bye\r\n").await?;
                return Ok(());
            }
            _ => "250 2.0.0 Ok".into(),
        };
        write.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
    Ok(())
}
