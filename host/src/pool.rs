//! A bounded pool: work on several threads, results taken strictly in the order of the work.
//! Owns the threads and the reorder window; knows nothing of what is worked on.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Results that may wait for an earlier one, for each thread.
const WAITING_PER_THREAD: usize = 4;

struct State<I, T, E> {
    items: I,
    taken: usize,
    consumed: usize,
    consuming: bool,
    ready: BTreeMap<usize, T>,
    failed: Option<E>,
    /// A thread has panicked: its result will not come.
    abandoned: bool,
}

impl<I, T, E> State<I, T, E> {
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.abandoned
    }
}

/// Lets the others go when its thread panics, or they would wait for a result for ever. The panic itself
/// goes on to the caller.
struct Watch<'a, I, T, E> {
    state: &'a Mutex<State<I, T, E>>,
    changed: &'a Condvar,
}

impl<I, T, E> Drop for Watch<'_, I, T, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.state).abandoned = true;
            self.changed.notify_all();
        }
    }
}

/// Runs `work` over `items` on `threads` threads, each with a scratch of its own, and gives the
/// results to `consume` one at a time, in order. The first error of either ends it all.
pub fn in_order<I, S, T, E>(
    threads: usize,
    items: impl Iterator<Item = I> + Send,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I) -> Result<T, E> + Sync,
    mut consume: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E>
where
    I: Send,
    T: Send,
    E: Send,
{
    if threads <= 1 {
        let mut scratch = scratch();
        let mut items = items;
        return items.try_for_each(|item| consume(work(&mut scratch, item)?));
    }
    let state = State {
        items,
        taken: 0,
        consumed: 0,
        consuming: false,
        ready: BTreeMap::new(),
        failed: None,
        abandoned: false,
    };
    let (state, consume, changed) = (Mutex::new(state), Mutex::new(consume), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let _watch = Watch { state: &state, changed: &changed };
                let mut scratch = scratch();
                while let Some((place, item)) = take(&state, &changed, threads * WAITING_PER_THREAD) {
                    let result = work(&mut scratch, item);
                    hand_over(&state, &changed, &consume, place, result);
                }
            });
        }
    });
    state.into_inner().unwrap_or_else(PoisonError::into_inner).failed.map_or(Ok(()), Err)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next item and its place; waits while too many results wait for an earlier one.
fn take<I, T, E>(
    state: &Mutex<State<impl Iterator<Item = I>, T, E>>,
    changed: &Condvar,
    waiting_max: usize,
) -> Option<(usize, I)> {
    let mut state = lock(state);
    while !state.is_over() && state.taken >= state.consumed + waiting_max {
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    if state.is_over() {
        return None;
    }
    let item = state.items.next()?;
    state.taken += 1;
    Some((state.taken - 1, item))
}

/// Leaves a result, and consumes all that are next in order unless another thread is at it.
fn hand_over<I, T, E>(
    state: &Mutex<State<I, T, E>>,
    changed: &Condvar,
    consume: &Mutex<impl FnMut(T) -> Result<(), E>>,
    place: usize,
    result: Result<T, E>,
) {
    let mut guard = lock(state);
    match result {
        Ok(result) => {
            guard.ready.insert(place, result);
        }
        Err(error) => {
            guard.failed.get_or_insert(error);
        }
    }
    if guard.consuming {
        return;
    }
    guard.consuming = true;
    while !guard.is_over() {
        let next = guard.consumed;
        let Some(result) = guard.ready.remove(&next) else { break };
        drop(guard);
        let outcome = (lock(consume))(result);
        guard = lock(state);
        guard.consumed += 1;
        if let Err(error) = outcome {
            guard.failed.get_or_insert(error);
        }
        changed.notify_all();
    }
    guard.consuming = false;
    changed.notify_all();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            let work = |_: &mut (), i: u64| {
                // Uneven work, so that later items finish first.
                (0..(i * 7919) % 5000).for_each(|step| _ = std::hint::black_box(step));
                Ok::<u64, ()>(i)
            };
            in_order(
                threads,
                0..500,
                || (),
                work,
                |i| {
                    seen.push(i);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_nobody_waits_for_ever() {
        for threads in [1, 3] {
            for (work_at, take_at) in [(20, 1000), (1000, 20)] {
                let work = |_: &mut (), i: u64| {
                    assert!(i != work_at, "planted");
                    Ok::<u64, ()>(i)
                };
                let take = |i| {
                    assert!(i != take_at, "planted");
                    Ok(())
                };
                let run = || in_order(threads, 0..500, || (), work, take);
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
            }
        }
    }

    #[test]
    fn the_first_error_of_work_or_consumer_ends_it() {
        for threads in [1, 3] {
            let fail = |_: &mut (), i: u64| if i == 20 { Err(i) } else { Ok(i) };
            assert_eq!(in_order(threads, 0..1000, || (), fail, |_| Ok(())), Err(20));
            let mut count = 0;
            let stop = |i| {
                count += 1;
                if i == 7 { Err(i) } else { Ok(()) }
            };
            assert_eq!(in_order(threads, 0..1000, || (), |_: &mut (), i| Ok(i), stop), Err(7));
            assert_eq!(count, 8);
        }
    }
}
