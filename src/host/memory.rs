//! A bound for the memory of this process, for work on what others have written. Whoever takes more is
//! ended by an abort, and the machine goes on.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Holds until it is dropped. Children that are started meanwhile inherit it.
#[derive(Debug)]
pub struct MemoryBound {
    before: Rlimit,
}

/// Bounds what this process may write to, to `most` bytes, or to what it is bounded to already. The address space
/// is no measure: allocators reserve much of it for each thread. Source: setrlimit(2), `RLIMIT_DATA`.
///
/// # Errors
/// If the system does not let it.
pub fn bound_memory(most: u64) -> io::Result<MemoryBound> {
    let before = getrlimit(Resource::Data);
    let current = before.current.map_or(most, |current| current.min(most));
    setrlimit(Resource::Data, Rlimit { current: Some(current), ..before })?;
    Ok(MemoryBound { before })
}

impl Drop for MemoryBound {
    fn drop(&mut self) {
        // Back to what was allowed before, which cannot be refused; if it were, less is no harm.
        _ = setrlimit(Resource::Data, self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_until_it_is_dropped() {
        // Far more than any test takes.
        const MOST: u64 = 1 << 44;
        let before = getrlimit(Resource::Data);
        let bound = bound_memory(MOST).expect("a bound");
        assert!(getrlimit(Resource::Data).current.is_some_and(|current| current <= MOST));
        drop(bound);
        assert_eq!(getrlimit(Resource::Data), before);
    }
}
