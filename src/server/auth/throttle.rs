//! Limits how often passwords are tried.

use crate::model::time::Millis;
use std::{collections::VecDeque, net::IpAddr};

/// Tries count this long.
const WINDOW_MS: i64 = 60_000;
/// A person mistypes a few times a minute.
const PER_ADDRESS: usize = 10;
/// From all addresses together; also the most that is remembered.
const IN_ALL: usize = 100;

/// A sliding window over the tries of the last minute, oldest first.
#[derive(Default)]
pub struct Throttle(VecDeque<(Millis, IpAddr)>);

impl Throttle {
    /// Counts a try before the password is looked at, so that parallel tries count too.
    ///
    /// # Errors
    /// Too many: the seconds until the next try is let through. Refused tries do not count.
    pub fn attempt(&mut self, from: IpAddr, now: Millis) -> Result<(), u64> {
        while self.0.front().is_some_and(|(at, _)| now.0 - at.0 >= WINDOW_MS) {
            self.0.pop_front();
        }
        let from = neighbourhood(from);
        let own: Vec<Millis> = self.0.iter().filter(|(_, ip)| *ip == from).map(|(at, _)| *at).collect();
        let full =
            (own.len() >= PER_ADDRESS).then(|| own[0]).or_else(|| self.0.front().filter(|_| self.0.len() >= IN_ALL).map(|(at, _)| *at));
        match full {
            Some(oldest) => Err(u64::try_from((oldest.0 + WINDOW_MS - now.0 + 999) / 1000).unwrap_or(1).max(1)),
            None => {
                self.0.push_back((now, from));
                Ok(())
            }
        }
    }

    /// The password was right: this address starts afresh.
    pub fn forgive(&mut self, from: IpAddr) {
        let from = neighbourhood(from);
        self.0.retain(|(_, ip)| *ip != from);
    }
}

/// One IPv6 customer has a whole /64.
fn neighbourhood(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_try_of_an_address_waits() {
        let (mut throttle, here, there) = (Throttle::default(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for i in 0..10 {
            assert_eq!(throttle.attempt(here, Millis(i * 1000)), Ok(()));
        }
        assert_eq!(throttle.attempt(here, Millis(10_000)), Err(50));
        assert_eq!(throttle.attempt(there, Millis(10_000)), Ok(()));
        assert_eq!(throttle.attempt(here, Millis(59_999)), Err(1));
        assert_eq!(throttle.attempt(here, Millis(60_000)), Ok(()), "the first try is a minute old");
        throttle.forgive(here);
        assert_eq!(throttle.attempt(here, Millis(60_001)), Ok(()));
    }

    #[test]
    fn many_addresses_share_a_limit_and_little_memory() {
        let mut throttle = Throttle::default();
        let passed = (0..5_000_u32).filter(|i| throttle.attempt(IpAddr::from(i.to_be_bytes()), Millis(0)).is_ok()).count();
        assert_eq!((passed, throttle.0.len()), (IN_ALL, IN_ALL));
        let v6 = |last| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        assert_eq!(neighbourhood(v6(1)), neighbourhood(v6(2)));
    }
}
