//! The last net: every value that this process has read, for whoever writes something out at the very end. What
//! gets here should hold no value any more; this is for what was forgotten.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use super::vault::Vault;
use crate::source::{is_token_character, shown_tokens};

static KNOWN: RwLock<Vec<Vault>> = RwLock::new(Vec::new());

/// Takes note of values that no output may have from now on.
pub fn watch_for(vault: &Vault) {
    if !vault.is_empty() {
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).push(vault.clone());
    }
}

/// The text as it may be put out: `(secret NAME)` for tokens, `***` for values.
pub fn covered(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut covered =
        if text.contains(is_token_character) { shown_tokens(text) } else { Cow::Borrowed(text) };
    for vault in known.iter() {
        if vault.hidden().is_in(&covered) {
            covered = Cow::Owned(vault.hidden().replaced_in(&covered));
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::token;

    #[test]
    fn what_was_read_is_covered_in_every_text() {
        let value = Zeroizing::new("net-of-tests-1".to_owned());
        watch_for(&Vault::new([("a".to_owned(), value)].into()));
        assert_eq!(covered("is net-of-tests-1?"), "is ***?");
        assert_eq!(covered(&token("b")), "(secret b)");
        assert!(matches!(covered("pg://u:x@h"), Cow::Borrowed("pg://u:x@h")));
    }
}
