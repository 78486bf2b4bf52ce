//! Which database is the archive: from `--archive`, or from the variables of the original console.

use std::path::{Path, PathBuf};

/// `Debug` is not derived: a URL holds a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Setting {
    Off,
    Sqlite(PathBuf),
    /// `mysql://…`, as sqlx reads it; MariaDB as well.
    MySql(String),
    /// `postgres://…`
    Postgres(String),
}

/// Which jobs become rows; the names and their defaults are the original's. They say nothing of runs and lines: all that workers say is
/// kept, and of runs those of jobs that failed, with the success that ends their story (`tasks::archiver`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist {
    /// `PERSIST_ARCHIVE_FAILED`: unless `false`.
    pub failed: bool,
    /// `PERSIST_ARCHIVE_COMPLETED`: only if `true`, for every completed job is a row, and a run.
    pub completed: bool,
    /// `PERSIST_ARCHIVE_ENQUEUED`: only if `true`; what this console pushes itself, as the original does with what it pushes.
    pub enqueued: bool,
}

impl Persist {
    /// As the original reads its variables: any other word, or none, is the default.
    pub fn read(failed: &str, completed: &str, enqueued: &str) -> Self {
        Self { failed: failed.trim() != "false", completed: completed.trim() == "true", enqueued: enqueued.trim() == "true" }
    }
}

impl Default for Persist {
    fn default() -> Self {
        Self { failed: true, completed: false, enqueued: false }
    }
}

/// The original's default file.
const ORIGINAL_FILE: &str = "flux.sqlite";

impl Setting {
    /// `given` is `--archive`; `env` reads a variable, empty ones as absent; `cwd` and `data` are directories.
    ///
    /// # Errors
    /// A sentence with the remedy, without any secret.
    pub fn choose(given: Option<&str>, env: impl Fn(&str) -> Option<String>, cwd: &Path, data: &Path) -> Result<Self, String> {
        if let Some(text) = given {
            return Self::parse(text);
        }
        let host = env("DB_HOST");
        let driver = env("DB_DRIVER").map(|d| d.to_ascii_lowercase());
        let driver = driver.as_deref().or(host.as_ref().map(|_| "mysql"));
        match driver {
            Some("mysql" | "mariadb") => Ok(Self::MySql(server("mysql", "3306", host, &env)?)),
            Some("postgres" | "postgresql") => Ok(Self::Postgres(server("postgres", "5432", host, &env)?)),
            Some("sqlite") => Ok(Self::Sqlite(cwd.join(env("DB_NAME").as_deref().unwrap_or(ORIGINAL_FILE)))),
            Some(other) => Err(format!("DB_DRIVER {other:?} is none of sqlite, mysql and postgres.")),
            None => match env("DB_NAME") {
                Some(name) => Ok(Self::Sqlite(cwd.join(name))),
                // An archive of the original console in this directory goes on being the archive.
                None if cwd.join(ORIGINAL_FILE).is_file() => Ok(Self::Sqlite(cwd.join(ORIGINAL_FILE))),
                None => Ok(Self::Sqlite(data.join("archive.sqlite"))),
            },
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "--archive (FLUX_ARCHIVE) is none of sqlite:PATH, mysql://user:password@host/name, postgres://user:password@host/name and off."
                .to_owned()
        };
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::Sqlite(path.into())) };
        }
        let url = url::Url::parse(text).map_err(|_| wrong())?;
        match url.scheme() {
            "mysql" | "mariadb" => Ok(Self::MySql(text.replacen("mariadb:", "mysql:", 1))),
            "postgres" | "postgresql" => Ok(Self::Postgres(text.to_owned())),
            _ => Err(wrong()),
        }
    }

    /// What the operator reads: where it is, without user and password.
    pub fn name(&self) -> String {
        let place = |kind: &str, url: &str| {
            let url = url::Url::parse(url).ok();
            let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("this machine");
            let port = url.as_ref().and_then(url::Url::port).map(|p| format!(":{p}")).unwrap_or_default();
            let name = url.as_ref().map(|u| u.path().trim_start_matches('/').to_owned()).unwrap_or_default();
            format!("{kind} {name} at {host}{port}")
        };
        match self {
            Self::Off => "off".into(),
            Self::Sqlite(path) => format!("SQLite {}", path.display()),
            Self::MySql(url) => place("MySQL", url),
            Self::Postgres(url) => place("PostgreSQL", url),
        }
    }
}

fn server(scheme: &str, port: &str, host: Option<String>, env: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let host = host.unwrap_or_else(|| "localhost".into());
    let port = env("DB_PORT").unwrap_or_else(|| port.into());
    let mut url = url::Url::parse(&format!("{scheme}://{host}:{port}/"))
        .map_err(|_| "DB_HOST and DB_PORT are no host and port. Write DB_HOST=db.internal DB_PORT=3306.".to_owned())?;
    url.set_path(&env("DB_NAME").unwrap_or_else(|| "flux".into()));
    let refused = |()| "DB_USER or DB_PASSWORD cannot stand in an address.".to_owned();
    url.set_username(env("DB_USER").as_deref().unwrap_or("root")).map_err(refused)?;
    url.set_password(env("DB_PASSWORD").as_deref()).map_err(refused)?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn chosen(given: Option<&str>, vars: &[(&str, &str)], cwd: &Path) -> Result<Setting, String> {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        Setting::choose(given, |name| vars.get(name).map(|v| (*v).to_owned()), cwd, Path::new("/data"))
    }

    #[test]
    fn nothing_said_is_a_file_in_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        assert!(chosen(None, &[], dir.path()) == Ok(Setting::Sqlite("/data/archive.sqlite".into())));
        std::fs::write(dir.path().join("flux.sqlite"), "").unwrap();
        assert!(chosen(None, &[], dir.path()) == Ok(Setting::Sqlite(dir.path().join("flux.sqlite"))), "the original's file is adopted");
    }

    #[test]
    fn the_originals_variables_are_read() {
        let cwd = Path::new("/app");
        let mysql = chosen(None, &[("DB_HOST", "db"), ("DB_USER", "u@x"), ("DB_PASSWORD", "p:/?#ß")], cwd);
        assert!(mysql == Ok(Setting::MySql("mysql://u%40x:p%3A%2F%3F%23%C3%9F@db:3306/flux".into())));
        assert_eq!(mysql.ok().unwrap().name(), "MySQL flux at db:3306");
        assert!(
            chosen(None, &[("DB_DRIVER", "sqlite"), ("DB_HOST", "db"), ("DB_NAME", "x.db")], cwd)
                == Ok(Setting::Sqlite("/app/x.db".into()))
        );
        assert!(chosen(None, &[("DB_DRIVER", "oracle")], cwd).is_err());
    }

    #[test]
    fn what_is_kept_is_read_as_the_original_reads_it() {
        assert_eq!(Persist::read("", "", ""), Persist::default());
        assert_eq!(Persist::read("1", "1", "1"), Persist::default());
        assert_eq!(Persist::read("false", "true", "false"), Persist { failed: false, completed: true, enqueued: false });
        assert_eq!(Persist::read("true", "false", " true"), Persist { enqueued: true, ..Persist::default() });
    }

    #[test]
    fn the_flag_wins_and_a_wrong_one_is_not_repeated() {
        let cwd = Path::new("/app");
        assert!(chosen(Some("off"), &[("DB_HOST", "db")], cwd) == Ok(Setting::Off));
        assert!(chosen(Some("sqlite:/x/y.db"), &[], cwd) == Ok(Setting::Sqlite("/x/y.db".into())));
        assert!(chosen(Some("postgres://u:p@h/n"), &[], cwd).is_ok_and(|s| s.name() == "PostgreSQL n at h"));
        let refused = chosen(Some("oracle://u:s3cret@h/n"), &[], cwd).err().unwrap();
        assert!(!refused.contains("s3cret"), "{refused}");
    }
}
