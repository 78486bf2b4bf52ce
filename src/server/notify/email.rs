//! E-mail by SMTP: one mail for all recipients, over a connection to checked addresses. A server is reached at the ports for
//! mail only, unless private networks are allowed, so that nobody is made to speak to something else.

use super::{
    Again, Answer, Failure, Outside, Refusal, address,
    config::Email,
    post::shown,
    words::{cut, facts, title},
};
use crate::model::alert::{channel::Security, message::Message};
use lettre::{
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
        response::Response,
    },
};

/// Relay, TLS, submission, and what hosters open where 25 is closed.
const PORTS: [u16; 4] = [25, 465, 587, 2525];
const TLS_PORT: u16 = 465;
/// More is a mailing list's work.
const MOST_RECIPIENTS: usize = 50;
/// A subject that is read at a glance, characters.
const SUBJECT: usize = 200;

type Wrong = (&'static str, String);

/// Whether it can be sent with these settings; what is off may have gaps.
///
/// # Errors
/// The field that is wrong, and a sentence.
pub fn check(to: &Email, allow_private: bool) -> Result<(), Wrong> {
    if !allow_private && !PORTS.contains(&to.port) {
        let sentence = "Mail goes to port 25, 465, 587 or 2525. Start the console with --allow-private-webhooks to allow others.";
        return Err(("email.smtpPort", sentence.into()));
    }
    if to.host.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@')) {
        return Err(("email.smtpHost", "This is the name of a server alone: smtp.example.com.".into()));
    }
    if to.enabled && to.host.is_empty() {
        return Err(("email.smtpHost", "A channel that is on needs a server.".into()));
    }
    if to.enabled || !to.from.is_empty() {
        sender(to)?;
    }
    if to.enabled || !to.to.is_empty() {
        recipients(to)?;
    }
    Ok(())
}

fn sender(to: &Email) -> Result<Mailbox, Wrong> {
    to.from.parse().map_err(|_| ("email.from", "This is no address. Write ops@example.com or Flux <ops@example.com>.".into()))
}

fn recipients(to: &Email) -> Result<Vec<Mailbox>, Wrong> {
    let wrong = |sentence: String| Err(("email.to", sentence));
    let parts: Vec<&str> = to.to.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.len() > MOST_RECIPIENTS {
        return wrong(format!("1 to {MOST_RECIPIENTS} addresses, with commas between them."));
    }
    let mut found = Vec::with_capacity(parts.len());
    for part in parts {
        match part.parse() {
            Ok(one) => found.push(one),
            Err(_) => return wrong(format!("`{}` is no address.", cut(part, 80))),
        }
    }
    Ok(found)
}

pub async fn send(outside: &Outside, to: &Email, message: &Message) -> Result<Answer, Failure> {
    check(&Email { enabled: true, ..to.clone() }, outside.allow_private).map_err(|(_, sentence)| Failure::never(sentence))?;
    let mail = written(to, message)?;
    let sent = tokio::time::timeout(outside.within, talk(outside, to, mail.envelope(), &mail.formatted())).await;
    let came = sent.unwrap_or_else(|_| Err(Failure::later(format!("No answer within {} s.", outside.within.as_secs_f32()))));
    let hide = |text: String| if to.pass.len() >= 4 { text.replace(&to.pass, "…") } else { text };
    match came {
        Ok(Answer { said, code, refused }) => {
            let refused = refused.into_iter().map(|one| Refusal { said: hide(one.said), ..one }).collect();
            Ok(Answer { said: hide(said), code, refused })
        }
        Err(Failure { said, again, code }) => Err(Failure { said: hide(said), again, code }),
    }
}

fn written(to: &Email, message: &Message) -> Result<lettre::Message, Failure> {
    let wrong = |(_, sentence): Wrong| Failure::never(sentence);
    // A line break in a rule's name would begin another header.
    let subject: String = title(message).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let id: String = message.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let mut builder = lettre::Message::builder()
        .from(sender(to).map_err(wrong)?)
        .subject(cut(&subject, SUBJECT))
        // The same whenever it is sent again, so that a mailbox may know it.
        .message_id(Some(format!("<{id}@flux-console.invalid>")))
        .date_now()
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
        .header(ContentType::TEXT_PLAIN);
    for one in recipients(to).map_err(wrong)? {
        builder = builder.to(one);
    }
    let facts: Vec<String> = facts(message).iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let body = format!("{}\n\nRule: {}\n{}", message.text, message.rule, facts.concat());
    builder.body(body).map_err(|error| Failure::never(format!("The mail cannot be written: {error}.")))
}

fn tls(host: &str) -> Result<TlsParameters, Failure> {
    // Mozilla's roots, and the machine's own, where a company has its.
    let mut builder = TlsParameters::builder(host.into());
    for certificate in rustls_native_certs::load_native_certs().certs {
        if let Ok(known) = Certificate::from_der(certificate.to_vec()) {
            builder = builder.add_root_certificate(known);
        }
    }
    builder.build_rustls().map_err(|error| Failure::never(format!("TLS cannot be set up: {error}.")))
}

async fn talk(outside: &Outside, to: &Email, envelope: &Envelope, mail: &[u8]) -> Result<Answer, Failure> {
    let addresses = address::resolve(outside, &to.host, to.port).await?;
    let hello = ClientId::default();
    let wrapped = to.security == Security::Tls || to.security == Security::Auto && to.port == TLS_PORT;
    let parameters = if wrapped { Some(tls(&to.host)?) } else { None };
    // To what was judged; the name is for the certificate only.
    let mut smtp = AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(outside.within), &hello, parameters, None).await?;
    if !wrapped && to.security != Security::None {
        if smtp.can_starttls() {
            smtp.starttls(tls(&to.host)?, &hello).await?;
        } else if to.security == Security::Starttls || !to.user.is_empty() {
            // Automatic protection lets mail go in the clear, as it goes between servers, but never a password.
            smtp.abort().await;
            return Err(Failure::never(if to.security == Security::Starttls {
                "The server offers no STARTTLS, and nothing is sent without it."
            } else {
                "The server offers no STARTTLS, and no password is sent in the clear unless the protection is set to none."
            }));
        }
    }
    if !to.user.is_empty() {
        smtp.auth(&[Mechanism::Plain, Mechanism::Login], &Credentials::new(to.user.clone(), to.pass.clone())).await?;
    }
    let answer = deliver(&mut smtp, envelope, mail).await;
    smtp.abort().await;
    answer
}

/// A recipient that is refused does not keep the mail from the others.
async fn deliver(smtp: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8]) -> Result<Answer, Failure> {
    let mut options = Vec::new();
    let ascii = |address: &lettre::Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope.from().into_iter().chain(envelope.to()).all(ascii) {
        if !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::never("The server takes no addresses with letters beyond ASCII."));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    smtp.command(Mail::new(envelope.from().cloned(), options)).await?;
    let (mut refused, mut code) = (Vec::new(), 0);
    for one in envelope.to() {
        match smtp.command(Rcpt::new(one.clone(), Vec::new())).await.map_err(Failure::from) {
            Ok(_) => {}
            Err(why) if why.code > 0 => {
                // Of several, the one that may pass says more.
                if code == 0 || why.again != Again::Never {
                    code = why.code;
                }
                refused.push(Refusal { recipient: one.to_string(), said: format!("{one}: {}", why.said), again: why.again });
            }
            Err(broken) => return Err(broken),
        }
    }
    if refused.len() == envelope.to().len() {
        // Later, if one of them may take it later.
        refused.sort_by_key(|one| one.again == Again::Never);
        let Refusal { said, again, .. } = refused.swap_remove(0);
        return Err(Failure { said, again, code });
    }
    smtp.command(Data).await?;
    let taken = smtp.message(mail).await?;
    let but: Vec<&str> = refused.iter().map(|one| one.said.as_str()).collect();
    let but = if but.is_empty() { String::new() } else { format!(", but not for {}", but.join("; ")) };
    Ok(Answer { said: format!("{}{but}", said(&taken)), code: u16::from(taken.code()), refused })
}

/// `250 2.0.0 Ok: queued as 12345`
fn said(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    shown(&format!("{} {}", response.code(), text.join(" ")))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use std::error::Error as _;
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        match error.status() {
            Some(status) => {
                let said = shown(&format!("{status} {cause}"));
                let code = u16::from(status);
                if error.is_permanent() { Self { code, ..Self::never(said) } } else { Self { code, ..Self::later(said) } }
            }
            None if error.is_client() => Self::never(shown(&format!("The mail was not sent: {cause}"))),
            None => Self::later(shown(&format!("The connection failed: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::example, *};

    fn email(to: &str) -> Email {
        Email {
            enabled: true,
            host: "smtp.example.com".into(),
            port: 587,
            from: "Flux <flux@example.com>".into(),
            to: to.into(),
            ..Email::default()
        }
    }

    #[test]
    fn a_name_cannot_begin_a_header() {
        let message = Message { rule: "x\r\nBcc: evil@example.com\r\n\r\nbody".into(), ..example() };
        let mail =
            String::from_utf8(written(&email("a@example.com, B <b@example.com>"), &message).expect("written").formatted()).expect("text");
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        for line in ["To: a@example.com, B <b@example.com>", "Message-ID: <m-1@flux-console.invalid>", "Auto-Submitted: auto-generated"] {
            assert!(head.contains(line), "{line}: {head}");
        }
    }

    #[test]
    fn settings_are_checked() {
        assert!(check(&email("a@example.com; b@example.com"), false).is_ok());
        let wrong = |change: fn(&mut Email)| {
            let mut to = email("a@example.com");
            change(&mut to);
            check(&to, false).err().map(|(field, _)| field)
        };
        assert_eq!(wrong(|e| e.port = 6379), Some("email.smtpPort"));
        assert_eq!(wrong(|e| e.to = "nobody".into()), Some("email.to"));
        assert_eq!(wrong(|e| e.to = " ".into()), Some("email.to"));
        assert_eq!(wrong(|e| e.from = "a@b\r\nBcc: c@d".into()), Some("email.from"));
        assert_eq!(wrong(|e| e.host = "smtp.example.com/x".into()), Some("email.smtpHost"));
        assert_eq!(wrong(|e| *e = Email { port: 25, ..Email::default() }), None, "what is off may be empty");
    }
}
