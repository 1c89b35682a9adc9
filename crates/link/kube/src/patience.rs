//! How long a server is waited for, by all who ask it together.
//!
//! A control plane that restarts is away for some seconds, and what is asked meanwhile waits.
//! What waited in vain is remembered, so that a hundred requests to a server that is gone, or
//! that fails every list, do not each wait as long.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long is waited in vain: a control plane that restarts takes 5 to 20 s.
const LIMIT: Duration = Duration::from_secs(20);
/// The longest that a server is waited for which says how long (`Retry-After`).
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(60);
/// After the first attempt; twice as long after each other, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(40);
/// The same, at least, of one that is made again, and of one to a server that is gone.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(5);
/// A server that is gone is not asked again before that.
const GONE_FOR: Duration = Duration::from_secs(2);
/// Who says nothing for so long, while it is waited for, is silent.
const SILENCE: Duration = Duration::from_secs(10);
/// So long after the last that was in vain the patience with a server that speaks is whole
/// again.
const FORGETS: Duration = Duration::from_secs(10);
/// Whoever waits longer says so, but not more often.
const UNTOLD: Duration = Duration::from_secs(3);
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The patience with one server.
pub(crate) struct Patience {
    state: Mutex<State>,
    /// Held by the one who asks a server that is gone; others wait for what becomes of it.
    probe: tokio::sync::Mutex<()>,
}

/// A request, as far as patience goes.
pub(crate) struct Asking {
    began: Instant,
    pause: Duration,
    is_again: bool,
}

impl Asking {
    /// A request begins.
    pub(crate) fn new() -> Asking {
        Asking { began: Instant::now(), pause: FIRST_PAUSE, is_again: false }
    }
}

/// Leave to ask; while it is held nobody else asks a server that is gone.
pub(crate) type Leave<'p> = Option<tokio::sync::MutexGuard<'p, ()>>;

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience {
            state: Mutex::new(State::new(Instant::now())),
            probe: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to ask.
    ///
    /// # Errors
    /// Why a server that is gone did not answer somebody else a moment ago.
    pub(crate) async fn leave(&self) -> Result<Leave<'_>, String> {
        if !self.state().is_doubtful(Instant::now())? {
            return Ok(None);
        }
        let probe = self.probe.lock().await;
        Ok(self.state().is_doubtful(Instant::now())?.then_some(probe))
    }

    /// How long its next attempt may take.
    pub(crate) fn attempt(&self, asking: &Asking) -> Duration {
        self.state().attempt(asking.began, Instant::now(), asking.is_again)
    }

    /// The server spoke; `answered` unless it only says that it cannot answer now.
    pub(crate) fn heard(&self, answered: bool) {
        self.state().heard(answered, Instant::now());
    }

    /// How long to wait before a request that failed is made again; `told` is how long the
    /// server says. None when it is not worth it; `why` is remembered then.
    pub(crate) fn wait(
        &self,
        asking: &mut Asking,
        told: Option<Duration>,
        why: &str,
    ) -> Option<Duration> {
        let wait = self.state().wait(asking.began, Instant::now(), asking.pause, told, why)?;
        asking.is_again = true;
        asking.pause = (asking.pause * 2).min(LONGEST_PAUSE);
        Some(wait)
    }

    /// Whether it should be said that a request waits.
    pub(crate) fn tells(&self, asking: &Asking, wait: Duration) -> bool {
        self.state().tells(asking.began, Instant::now(), wait)
    }
}

/// What became of the requests so far. Times are given, so that tests need not wait.
struct State {
    /// How long was waited in vain, times that several waited counted once.
    lost: Duration,
    /// When somebody last gave up.
    lost_to: Instant,
    /// When the server last said anything.
    heard: Instant,
    /// Until when it said that it needs rest.
    rests: Instant,
    /// When somebody was last told.
    told: Option<Instant>,
    /// Why the last request was in vain.
    why: String,
}

impl State {
    fn new(now: Instant) -> State {
        let (lost, told, why) = (Duration::ZERO, None, String::new());
        State { lost, lost_to: now, heard: now, rests: now, told, why }
    }

    /// How long was waited in vain if the request that began then is given up now.
    fn in_vain(&self, began: Instant, now: Instant) -> Duration {
        self.lost + now.saturating_duration_since(began.max(self.lost_to))
    }

    /// How long an attempt may take. One that is made again has what is left of our
    /// patience, unless the server spoke a moment ago: then it is not what is waited for.
    fn attempt(&self, began: Instant, now: Instant, is_again: bool) -> Duration {
        let speaks = now < self.heard + SILENCE;
        if !self.is_gone() && (speaks || !is_again) {
            return ATTEMPT;
        }
        LIMIT.saturating_sub(self.in_vain(began, now)).max(SHORTEST_ATTEMPT)
    }

    /// Whether it said nothing while it was last waited for.
    fn was_silent(&self) -> bool {
        self.heard + SILENCE <= self.lost_to
    }

    /// Whether it was waited for long enough, and said nothing.
    fn is_gone(&self) -> bool {
        self.lost >= LIMIT && self.was_silent()
    }

    /// Whether it must be tried first whether the server is there again.
    fn is_doubtful(&self, now: Instant) -> Result<bool, String> {
        match self.is_gone() {
            true if now < self.lost_to + GONE_FOR => Err(self.why.clone()),
            is_gone => Ok(is_gone),
        }
    }

    fn heard(&mut self, answered: bool, now: Instant) {
        // After silence an answer shows that all is well. A server that spoke all along, and
        // failed some, must fail none for a while.
        if answered && (self.was_silent() || now >= self.lost_to + FORGETS) {
            self.lost = Duration::ZERO;
        }
        self.heard = now;
    }

    fn wait(
        &mut self,
        began: Instant,
        now: Instant,
        pause: Duration,
        told: Option<Duration>,
        why: &str,
    ) -> Option<Duration> {
        let wait = told.unwrap_or_default().max(pause);
        let in_vain = self.in_vain(began, now);
        let granted = match told {
            Some(told) if told > LONGEST_REST => false,
            // What the server says goes beyond our patience, but not again and again.
            Some(_) => in_vain < LIMIT || now + wait <= self.rests,
            None => in_vain + wait < LIMIT,
        };
        if !granted {
            (self.lost, self.lost_to) = (in_vain, now);
            why.clone_into(&mut self.why);
            return None;
        }
        if told.is_some() && in_vain < LIMIT {
            self.rests = self.rests.max(now + wait + FIRST_PAUSE);
        }
        Some(wait)
    }

    fn tells(&mut self, began: Instant, now: Instant, wait: Duration) -> bool {
        let is_long = now + wait >= began + UNTOLD;
        let is_told = self.told.is_some_and(|told| now < told + TOLD_EVERY);
        if is_long && !is_told {
            self.told = Some(now);
        }
        is_long && !is_told
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{FIRST_PAUSE, State};

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Whether a request that began then, and failed now, is made again.
    fn goes_on(state: &mut State, began: Instant, now: Instant) -> bool {
        state.wait(began, now, FIRST_PAUSE, None, "why").is_some()
    }

    #[test]
    fn what_all_wait_in_vain_is_counted_once() {
        let t = Instant::now();
        let mut state = State::new(t);
        assert!(goes_on(&mut state, t, t + s(19)));
        assert!(!goes_on(&mut state, t, t + s(20)));
        // Who waited at the same time is not waiting anew, nor is who comes next.
        assert!(!goes_on(&mut state, t + s(10), t + s(20)));
        assert_eq!(state.lost, s(20));
        assert!(!goes_on(&mut state, t + s(25), t + s(25)));
        assert!(state.is_gone());
        assert_eq!(state.is_doubtful(t + s(26)), Err("why".to_owned()));
        assert_eq!(state.is_doubtful(t + s(28)), Ok(true));
    }

    #[test]
    fn an_answer_after_silence_makes_the_patience_whole() {
        let t = Instant::now();
        let mut state = State::new(t);
        assert!(!goes_on(&mut state, t, t + s(20)));
        state.heard(true, t + s(21));
        assert!(!state.is_gone());
        assert!(goes_on(&mut state, t + s(22), t + s(41)));
    }

    #[test]
    fn a_server_that_fails_some_is_asked_on_but_not_waited_for_each() {
        let t = Instant::now();
        let mut state = State::new(t);
        state.heard(true, t + s(15));
        assert!(!goes_on(&mut state, t, t + s(20)));
        assert!(!state.is_gone());
        // The next kind: its rights are told, and its list fails.
        for later in 20..40 {
            state.heard(true, t + s(later));
            assert!(!goes_on(&mut state, t + s(later), t + s(later)), "{later}");
        }
        state.heard(true, t + s(50));
        assert!(goes_on(&mut state, t + s(51), t + s(70)));
    }

    #[test]
    fn a_server_that_says_how_long_is_waited_for_so_long_once() {
        let t = Instant::now();
        let mut state = State::new(t);
        let mut wait =
            |began, now, told| state.wait(t + s(began), t + s(now), FIRST_PAUSE, Some(s(told)), "");
        assert_eq!(wait(0, 0, 61), None);
        assert_eq!(wait(0, 1, 60), Some(s(60)));
        assert_eq!(wait(0, 30, 31), Some(s(31)), "not longer than it said");
        assert_eq!(wait(0, 30, 40), None);
        assert_eq!(wait(0, 61, 1), None);
    }

    #[test]
    fn a_server_that_speaks_has_its_time_for_an_answer() {
        let t = Instant::now();
        let mut state = State::new(t);
        assert_eq!(state.attempt(t, t, false), s(40));
        // It asked for rest, which was given.
        state.heard(false, t + s(1));
        assert_eq!(state.attempt(t, t + s(10), true), s(40));
        assert_eq!(state.attempt(t, t + s(13), true), s(7));
        assert_eq!(state.attempt(t, t + s(19), true), s(5));
    }

    #[test]
    fn who_waits_long_says_so_once() {
        let t = Instant::now();
        let mut state = State::new(t);
        assert!(!state.tells(t, t + s(1), s(1)));
        assert!(state.tells(t, t + s(2), s(1)));
        assert!(!state.tells(t, t + s(5), s(30)));
        assert!(state.tells(t + s(70), t + s(70), s(30)));
    }
}
