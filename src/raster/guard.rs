//! A last line of defence round the decoders of others: what they panic on is a damaged file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::{Error, Result};

/// Runs a decoder; a panic inside becomes an error about the image. Decoders leave nothing half-done behind: their
/// caches hold finished blocks only.
pub(crate) fn guarded<T>(path: &Path, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(Error::image(path, "the decoder gave up on it; the file is probably damaged")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_an_error_about_the_image() {
        let result: Result<()> = guarded(Path::new("a.tif"), || panic!("as a decoder might"));
        assert!(result.unwrap_err().to_string().starts_with("a.tif: "));
    }
}
