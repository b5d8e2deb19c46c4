//! World files (`.pgw`, `.jgw`, `.tfw`, `.wld` ...): six numbers that tie a picture to the ground.

use std::path::{Path, PathBuf};

use super::beside::{find_beside, read_text};
use crate::error::{Error, Result};

/// Six lines of numbers take less than this.
const MAX_BYTES: u64 = 4096;

/// Parses the text of a world file into a geotransform in GDAL's order.
///
/// # Errors
/// A sentence that says which number is wrong.
pub fn parse_world_file(text: &str) -> Result<[f64; 6], String> {
    let mut numbers = [0.0; 6];
    let mut words = text.split_whitespace();
    for (index, number) in numbers.iter_mut().enumerate() {
        let word = words.next().ok_or_else(|| format!("a world file holds six numbers, this one {index}"))?;
        // Some programs write a decimal comma.
        *number = word.replace(',', ".").parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            format!("number {} of the world file is not a number: {shown}", index + 1)
        })?;
    }
    let [a, d, b, e, c, f] = numbers;
    if a * e - b * d == 0.0 {
        return Err("the world file gives pixels without a size".to_owned());
    }
    // World files give the centre of the top-left pixel, geotransforms its outer corner.
    Ok([c - 0.5 * (a + b), a, b, f - 0.5 * (d + e), d, e])
}

/// The world file beside an image, if there is one, and its geotransform.
///
/// # Errors
/// When there is one that cannot be read or makes no sense.
pub(crate) fn beside(image: &Path) -> Result<Option<(PathBuf, [f64; 6])>> {
    let extension = image.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let mut endings = Vec::new();
    // `.png` -> `.pgw`: first and last letter, then `w`; `.png` -> `.pngw`; and `.wld` for all.
    if let (Some(first), Some(last)) = (extension.chars().next(), extension.chars().last()) {
        endings.push(format!("{first}{last}w"));
        endings.push(format!("{extension}w"));
    }
    endings.push("wld".to_owned());
    for ending in endings {
        if let Some(path) = find_beside(image, &ending) {
            let text = read_text(&path, MAX_BYTES)?;
            return parse_world_file(&text)
                .map(|transform| Some((path.clone(), transform)))
                .map_err(|reason| Error::document(path, reason));
        }
    }
    Ok(None)
}
