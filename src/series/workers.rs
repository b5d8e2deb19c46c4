//! Several images at a time: a few threads take images from a list, one thread receives what they make of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::{Error, Result};

/// How often the receiving thread looks whether it was interrupted.
const LOOK_UP: Duration = Duration::from_millis(50);
/// Decoders recurse little, but image crates keep tables on the stack.
const STACK_BYTES: usize = 8 << 20;

/// Does `work` on every item in up to `workers` threads and gives each result to `done` in this one, in the order in which they
/// are ready. A panic in `work` becomes `Err` with what it said.
///
/// # Errors
/// [`Error::Interrupted`] as soon as `interrupt` is set: unfinished work is abandoned to threads that end with the program.
/// Whatever `done` returns as an error ends the work likewise.
pub fn in_parallel<Item, Made>(
    items: Vec<Item>,
    workers: usize,
    interrupt: &Arc<AtomicBool>,
    work: impl Fn(&Item) -> Made + Send + Sync + 'static,
    mut done: impl FnMut(&Item, std::result::Result<Made, String>) -> Result<()>,
) -> Result<()>
where
    Item: Send + Sync + 'static,
    Made: Send + 'static,
{
    let items = Arc::new(items);
    let work = Arc::new(work);
    let next = Arc::new(AtomicUsize::new(0));
    // Nothing is kept waiting: a worker that is done hands its result over before it takes the next image.
    let (sender, receiver) = sync_channel(0);
    for _ in 0..workers.clamp(1, items.len().max(1)) {
        let (items, work, next, sender, interrupt) =
            (Arc::clone(&items), Arc::clone(&work), Arc::clone(&next), sender.clone(), Arc::clone(interrupt));
        let run = move || {
            while !interrupt.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                let made = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|panic| words(panic.as_ref()));
                if sender.send((index, made)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(run)
            .map_err(|e| Error::Setting(format!("no thread can be started ({e}); try --jobs 1")))?;
    }
    drop(sender);
    loop {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        match receiver.recv_timeout(LOOK_UP) {
            Ok((index, made)) => {
                // Indices come from this very list.
                if let Some(item) = items.get(index) {
                    done(item, made)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("internal error ({}); please report it with this image", text.unwrap_or_else(|| "no message".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_and_a_panic_is_only_its_own() {
        let mut results = Vec::new();
        in_parallel(
            (0..20).collect(),
            3,
            &Arc::default(),
            |&n: &i32| if n == 7 { panic!("seven is odd") } else { n * n },
            |&n, made| {
                results.push((n, made));
                Ok(())
            },
        )
        .unwrap();
        results.sort_by_key(|r| r.0);
        assert_eq!(results.len(), 20);
        assert!(results[7].1.as_ref().unwrap_err().contains("seven is odd"));
        assert_eq!(results[8].1, Ok(64));
    }

    #[test]
    fn an_interrupt_ends_the_work_although_an_image_takes_for_ever() {
        let interrupt = Arc::new(AtomicBool::new(false));
        let setter = Arc::clone(&interrupt);
        let result = in_parallel(
            vec![0, 1],
            2,
            &interrupt,
            move |&n: &i32| {
                if n == 0 {
                    setter.store(true, Ordering::Relaxed);
                } else {
                    std::thread::sleep(Duration::from_secs(3600));
                }
            },
            |_, _| Ok(()),
        );
        assert!(matches!(result, Err(Error::Interrupted)));
    }
}
