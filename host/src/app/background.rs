//! Threads whose work can wait: they tidy, run and build while others answer.

/// How far such a thread steps back, of 19: it gets a third of what another gets where both want all.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Lets threads that answer and append go before this one and those that it will start. Where the system knows
/// no priority of a thread, nothing changes.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    {
        // Who may not even step back works as before.
        _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    }
}
