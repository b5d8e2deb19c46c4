//! History and observation to verdict.
