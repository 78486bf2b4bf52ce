//! A small real SMTP server (RFC 5321; RFC 3207 with a certificate): it takes mail and writes it down.

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Default, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// As it came, dots unstuffed.
    pub text: String,
    /// What was said with AUTH PLAIN, still in base 64.
    pub auth: Option<String>,
    /// It came over TLS.
    pub secured: bool,
}

/// The certificates are of a CA of the tests' own, `tests/fixtures/tls/ca.pem`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the start.
    Implicit,
    /// After STARTTLS, which is offered.
    Offered,
}

/// How it differs from a server that takes everything.
#[derive(Clone, Default)]
pub struct Manners {
    /// Recipients that get a 550.
    pub unknown: Vec<&'static str>,
    /// Said to the first so many MAIL commands: `451 4.3.0 Try later`.
    pub busy: Arc<Mutex<u32>>,
    /// Recipients that get a 450 so many times.
    pub full: Arc<Mutex<BTreeMap<&'static str, u32>>>,
    /// How it is protected, and the name in the certificate; `None`: not at all.
    pub tls: Option<(Tls, &'static str)>,
}

fn acceptor(name: &str) -> TlsAcceptor {
    let dir = super::recording::fixtures().join("tls");
    let chain = CertificateDer::pem_file_iter(dir.join(format!("{name}.pem"))).expect("a file").map(|c| c.expect("PEM")).collect();
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{name}.key"))).expect("a key");
    super::with_crypto();
    TlsAcceptor::from(Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a certificate")))
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
                tokio::spawn(serve(stream, manners.clone(), all.clone()));
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

fn take_one(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn path(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned()).unwrap_or_default()
}

async fn serve(stream: TcpStream, manners: Manners, mails: Arc<Mutex<Vec<Taken>>>) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let acceptor = manners.tls.map(|(_, name)| acceptor(name));
    if let Some(acceptor) = acceptor.as_ref().filter(|_| manners.tls.is_some_and(|(tls, _)| tls == Tls::Implicit)) {
        let mut secured = BufStream::new(acceptor.accept(stream.into_inner()).await?);
        return greet_and_talk(&mut secured, &manners, &mails, true).await.map(drop);
    }
    // It ends here, or is asked to go on over TLS.
    let secure = greet_and_talk(&mut stream, &manners, &mails, false).await?;
    if let Some(acceptor) = acceptor.filter(|_| secure) {
        let mut secured = BufStream::new(acceptor.accept(stream.into_inner()).await?);
        talk(&mut secured, &manners, &mails, true).await?;
    }
    Ok(())
}

async fn greet_and_talk<S: AsyncBufRead + AsyncWrite + Unpin>(
    stream: &mut S,
    manners: &Manners,
    mails: &Mutex<Vec<Taken>>,
    secured: bool,
) -> io::Result<bool> {
    stream.write_all(b"220 test ESMTP\r\n").await?;
    stream.flush().await?;
    talk(stream, manners, mails, secured).await
}

async fn line<S: AsyncBufRead + Unpin>(stream: &mut S) -> io::Result<Option<String>> {
    let mut line = String::new();
    let some = stream.read_line(&mut line).await? > 0;
    Ok(some.then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether it is to go on over TLS.
async fn talk<S: AsyncBufRead + AsyncWrite + Unpin>(
    stream: &mut S,
    manners: &Manners,
    mails: &Mutex<Vec<Taken>>,
    secured: bool,
) -> io::Result<bool> {
    let mut mail = Taken::default();
    let offers = manners.tls.is_some_and(|(tls, _)| tls == Tls::Offered) && !secured;
    while let Some(line) = self::line(stream).await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let said = match verb.as_str() {
            "EHLO" if offers => "250-test\r\n250-STARTTLS\r\n250 8BITMIME".to_owned(),
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
            "STARTTLS" if offers => {
                stream.write_all(b"220 2.0.0 Go on\r\n").await?;
                stream.flush().await?;
                return Ok(true);
            }
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
                    mail = Taken { from: path(&line), auth: mail.auth.clone(), secured, ..Taken::default() };
                    "250 2.1.0 Ok".into()
                }
            }
            "RCPT" if manners.unknown.contains(&path(&line).as_str()) => "550 5.1.1 No such user here".into(),
            "RCPT" if manners.full.lock().expect("no panic").get_mut(path(&line).as_str()).is_some_and(take_one) => {
                "450 4.2.2 Mailbox full".into()
            }
            "RCPT" => {
                mail.to.push(path(&line));
                "250 2.1.5 Ok".into()
            }
            "DATA" => {
                stream.write_all(b"354 Go on\r\n").await?;
                stream.flush().await?;
                while let Some(line) = self::line(stream).await?.filter(|line| line != ".") {
                    mail.text += line.strip_prefix('.').unwrap_or(&line);
                    mail.text += "\n";
                }
                mails.lock().expect("no panic").push(mail.clone());
                format!("250 2.0.0 Ok: queued as {}", mails.lock().expect("no panic").len())
            }
            "QUIT" => {
                stream.write_all(b"221 2.0.0 Bye\r\n").await?;
                stream.flush().await?;
                return Ok(false);
            }
            _ => "250 2.0.0 Ok".into(),
        };
        stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        stream.flush().await?;
    }
    Ok(false)
}
