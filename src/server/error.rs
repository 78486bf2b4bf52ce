//! Failures of the driver, turned once into what the operator reads, and logged once here.

use crate::model::error::ApiError;
use rustls::CertificateError;
use std::{error::Error, io, sync::Arc};

/// What to do about a Redis that takes nothing new.
pub const MAKE_ROOM: &str = "Raise maxmemory, or delete keys with redis-cli.";
/// What to do about one that takes nothing at all.
pub const ASK_THE_PRIMARY: &str = "Give the console the address of the primary.";

/// A job that is gone is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Redis does not answer, or is not ready to (loading).
    #[error("Redis cannot be reached: {0}")]
    Unavailable(redis::RedisError),
    /// Redis does not let the console in.
    #[error("Redis refuses the console's user or password: {0}")]
    LockedOut(redis::RedisError),
    /// Its memory is full, and nothing may be evicted. Nothing was changed.
    #[error("Redis is out of memory: {0}")]
    Full(redis::RedisError),
    /// It is a replica. Nothing was changed.
    #[error("Redis is a read-only replica: {0}")]
    ReadOnly(redis::RedisError),
    /// Redis answered with another refusal, such as NOPERM. Nothing was changed.
    #[error("Redis refused: {0}")]
    Refused(redis::RedisError),
    /// The key holds something else than the protocol says.
    #[error("{key} holds {found}")]
    Corrupt { key: String, found: String },
    #[error("unexpected answer: {0}")]
    Protocol(String),
    /// Others change a list so that no more can be told of it. The sentence is for operators.
    #[error("{0}")]
    Unsteady(&'static str),
    /// A list of jobs was under way: some are done, the one that failed and those behind it are as they were.
    #[error("after {done} of {of}: {cause}")]
    Partly { done: u64, of: usize, cause: Box<DriverError> },
}

impl DriverError {
    /// The failure of one of several jobs, `done` of which were moved before.
    pub fn after(self, done: u64, of: usize) -> Self {
        if done == 0 { self } else { Self::Partly { done, of, cause: Box::new(self) } }
    }

    /// Whether what was asked for last may have been done all the same: its answer was lost, or cannot be read.
    pub fn is_unsure(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Protocol(_) => true,
            Self::Partly { cause, .. } => cause.is_unsure(),
            Self::LockedOut(_) | Self::Full(_) | Self::ReadOnly(_) | Self::Refused(_) | Self::Corrupt { .. } | Self::Unsteady(_) => false,
        }
    }
}

impl From<redis::RedisError> for DriverError {
    fn from(error: redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind};
        // The scripts answer `WRONGTYPE {key} holds a {type}` before they write anything.
        if error.code() == Some("WRONGTYPE") {
            let detail = error.detail().unwrap_or_default();
            let (key, found) = detail.split_once(" holds ").unwrap_or(("of this queue", "another type than the protocol says"));
            return Self::Corrupt { key: key.into(), found: found.into() };
        }
        if error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) {
            return Self::LockedOut(error);
        }
        match unwritable(&error) {
            Some(Unwritable::Full) => return Self::Full(error),
            Some(Unwritable::ReadOnly) => return Self::ReadOnly(error),
            None => {}
        }
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Unavailable(error),
            ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::MasterDown) => {
                Self::Unavailable(error)
            }
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused(error),
            _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => Self::Unavailable(error),
            _ => Self::Protocol(error.to_string()),
        }
    }
}

/// Why a Redis takes no writes.
#[derive(Debug, PartialEq, Eq)]
enum Unwritable {
    Full,
    ReadOnly,
}

/// A transaction is refused as EXECABORT, after the commands that it is refused for; a script of Redis 6 as ERR, with the cause in its text.
fn unwritable(error: &redis::RedisError) -> Option<Unwritable> {
    let said = error.clone().into_server_errors()?;
    said.iter().find_map(|(_, error)| {
        let is = |code: &str| error.code() == code || error.details().is_some_and(|text| text.contains(&format!(": -{code} ")));
        if is("OOM") { Some(Unwritable::Full) } else { is("READONLY").then_some(Unwritable::ReadOnly) }
    })
}

/// Why the certificate that Redis shows is not accepted, in words for operators; `None`: something else is wrong.
pub fn untrusted(error: &redis::RedisError) -> Option<&'static str> {
    // The client holds the cause in an `Arc`, and an I/O error holds what TLS said: `source` alone passes by both.
    let cause = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?.downcast_ref::<io::Error>()?;
    let rustls::Error::InvalidCertificate(why) = cause.get_ref()?.downcast_ref::<rustls::Error>()? else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => {
            "its certificate is of an authority (CA) that the console does not trust; --redis-ca FILE (REDIS_CA) names those to trust"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name than the host in the URL"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "its certificate is not valid yet",
        _ => "its certificate is not accepted; the console's log says why",
    })
}

impl From<DriverError> for ApiError {
    fn from(error: DriverError) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        match error {
            DriverError::Unavailable(cause) => {
                tracing::warn!(error.id = id, error = %cause, "redis unavailable");
                // Who is not trusted was sent nothing.
                let detail = match untrusted(&cause) {
                    Some(why) => format!("Redis cannot be reached: {why}. Nothing was changed."),
                    None => "Redis cannot be reached. It is unknown whether the last step of this request was carried out; a repeated action does no harm. Try again when the connection is back.".into(),
                };
                Self::Unavailable { detail }
            }
            DriverError::LockedOut(cause) => {
                tracing::warn!(error.id = id, error = %cause, "redis refuses user or password");
                Self::Unavailable { detail: "Redis refuses the user or the password in the console's URL. Nothing was changed.".into() }
            }
            DriverError::Full(cause) => {
                tracing::warn!(error.id = id, error = %cause, "redis is out of memory");
                Self::Unavailable {
                    detail: format!(
                        "Redis is out of memory: it takes nothing new, and the console notes every action in it. Nothing was changed. {MAKE_ROOM}"
                    ),
                }
            }
            DriverError::ReadOnly(cause) => {
                tracing::warn!(error.id = id, error = %cause, "redis is a read-only replica");
                Self::Unavailable { detail: format!("This Redis is a read-only replica. Nothing was changed. {ASK_THE_PRIMARY}") }
            }
            DriverError::Refused(cause) => {
                let code = cause.code().unwrap_or("an error").to_owned();
                tracing::warn!(error.id = id, error = %cause, "redis refused");
                Self::Conflict {
                    detail: format!("Redis answered {code}. Nothing was changed. The console's log has the whole answer under {id}."),
                }
            }
            DriverError::Corrupt { key, found } => {
                tracing::warn!(error.id = id, key, found, "unexpected data");
                Self::Conflict { detail: format!("The key {key} holds {found}. Nothing was changed.") }
            }
            DriverError::Unsteady(why) => {
                tracing::warn!(error.id = id, why, "the list is changed by others");
                Self::Conflict { detail: why.into() }
            }
            DriverError::Partly { done, of, cause } => {
                tracing::warn!(error.id = id, done, of, error = %cause, "stopped in between");
                let why = match *cause {
                    DriverError::Full(_) => format!("Redis was out of memory. The others are as they were. {MAKE_ROOM}"),
                    DriverError::ReadOnly(_) => {
                        format!("this Redis was a read-only replica. The others are as they were. {ASK_THE_PRIMARY}")
                    }
                    DriverError::Unavailable(_)
                    | DriverError::LockedOut(_)
                    | DriverError::Refused(_)
                    | DriverError::Corrupt { .. }
                    | DriverError::Protocol(_)
                    | DriverError::Unsteady(_)
                    | DriverError::Partly { .. } => format!(
                        "Redis stopped answering as expected. Of the one it stopped at it is unknown, the others are as they were. A repeated action does no harm. The console's log has the cause under {id}."
                    ),
                };
                Self::Conflict { detail: format!("{done} of {of} jobs were done, then {why}") }
            }
            DriverError::Protocol(what) => {
                tracing::error!(error.id = id, what, "unexpected answer");
                Self::Internal { detail: format!("Redis answered something unexpected. The console's log has it under {id}."), id }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Redis 6 answers a script, which hides the cause in its text; newer ones are asked by the integration tests.
    #[test]
    fn a_script_of_an_older_redis_is_refused_for_the_same_reasons() {
        let of = |detail: &str| redis::make_extension_error("ERR".into(), Some(detail.into()));
        let full = of(
            "Error running script (call to f_1): @user_script:5: @user_script: 5: -OOM command not allowed when used memory > 'maxmemory'.",
        );
        assert_eq!(unwritable(&full), Some(Unwritable::Full));
        let replica = of(
            "Error running script (call to f_1): @user_script:5: @user_script: 5: -READONLY You can't write against a read only replica.",
        );
        assert_eq!(unwritable(&replica), Some(Unwritable::ReadOnly));
        assert_eq!(unwritable(&of("unknown command 'OOM'")), None);
        let begun = DriverError::from(full).after(3, 5);
        let ApiError::Conflict { detail } = ApiError::from(begun) else { panic!("a part was done") };
        assert_eq!(
            detail,
            "3 of 5 jobs were done, then Redis was out of memory. The others are as they were. Raise maxmemory, or delete keys with redis-cli."
        );
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_found_in_the_error() {
        let of = |why: CertificateError| -> redis::RedisError {
            io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(why)).into()
        };
        assert!(untrusted(&of(CertificateError::UnknownIssuer)).is_some_and(|why| why.contains("--redis-ca")));
        assert_eq!(untrusted(&of(CertificateError::Expired)), Some("its certificate has expired"));
        let ended = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(untrusted(&ended.into()), None);
        assert_eq!(untrusted(&io::Error::from(io::ErrorKind::ConnectionRefused).into()), None);
    }
}
