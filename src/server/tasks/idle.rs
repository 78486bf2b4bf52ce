//! Memory while nobody looks.
//!
//! The program's file and those of its libraries are mapped, not read: what is used of them is resident, with the 64 kB around it, and
//! stays so. A start and the pages that somebody read use most of the code; a console that only waits uses a sixth of it. So all of it is
//! given back once nobody looks: it is still in the system's cache of files as long as there is room, and what is used comes back by
//! itself. So is what SQLite and the allocator keep for pages that may come. While nobody looks, what was used meanwhile (a night's
//! retention, a thousand dead letters) is given back again now and then.

use crate::server::{actions::now, state::AppState};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(10);
const AGAIN_EVERY: Duration = Duration::from_secs(600);

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut given_back: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if state.watching.anybody(now()) {
            given_back = None;
        } else if given_back.is_none_or(|at| at.elapsed() >= AGAIN_EVERY) {
            // An archive that is away has nothing to give.
            if let Ok(db) = state.archive.db()
                && let Err(error) = db.give_back().await
            {
                tracing::debug!(problem = error.problem(), "the archive keeps what it has in memory");
            }
            give_back();
            trim();
            given_back = Some(Instant::now());
        }
    }
}

/// Memory that was freed. Only the C library of GNU keeps much.
fn trim() {
    // SAFETY: it only looks at free memory, under the allocator's own locks.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Where code and the program's constants are mapped: nothing ever writes there.
fn give_back() {
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return };
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (from, to) in maps.lines().filter_map(|line| constant(line, &program)) {
        // SAFETY: the range is a private mapping of a file that was never written to, so each of its pages is read from the file again
        // when it is used next. The kernel refuses a range that is none.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_DONTNEED) };
    }
}

/// The range of a line of `/proc/self/maps`, when it is code, or the program's constants: those begin with its file. What is read only
/// behind the code was written to when the program was loaded, and is not in the file as it is here.
fn constant(line: &str, program: &Path) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights, offset) = (words.next()?, words.next()?, words.next()?);
    let file = words.nth(2)?;
    let code = rights == "r-xp" && file.starts_with('/');
    let constants = rights == "r--p" && Path::new(file) == program && offset.bytes().all(|b| b == b'0');
    if !code && !constants {
        return None;
    }
    let (from, to) = range.split_once('-')?;
    Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_in_the_file_is_given_back() {
        let of = |line: &str| constant(line, Path::new("/opt/flux-console"));
        assert_eq!(of("1000-3000 r--p 00000000 fe:00 77                  /opt/flux-console"), Some((0x1000, 0x3000)));
        assert_eq!(of("3000-9000 r-xp 00002000 fe:00 77                  /opt/flux-console"), Some((0x3000, 0x9000)));
        assert_eq!(of("9000-a000 r--p 00008000 fe:00 77                  /opt/flux-console"), None, "written to by the loader");
        assert_eq!(of("a000-b000 rw-p 00009000 fe:00 77                  /opt/flux-console"), None);
        assert_eq!(of("c000-d000 r-xp 00001000 fe:00 78                  /lib/libc.so.6"), Some((0xc000, 0xd000)));
        assert_eq!(of("c000-d000 r--p 00000000 fe:00 78                  /lib/libc.so.6"), None);
        assert_eq!(of("f000-ffff r-xp 00000000 00:00 0                   [vdso]"), None);
        assert_eq!(of("d000-e000 rw-p 00000000 00:00 0"), None);
        assert_eq!(of(""), None);
    }
}
