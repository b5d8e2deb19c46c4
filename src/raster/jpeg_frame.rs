//! What the frame header of a JPEG stream says, and what a TIFF may overrule.

/// Where the frame's content begins: bits, height, width, number of components and their sampling.
fn frame(jpeg: &[u8]) -> Option<usize> {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = jpeg.get(at..at + 4) {
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            return Some(at + 4);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    None
}

/// Lowers the height that a JPEG states to that of its strip: the rows below are not decoded.
pub(crate) fn cut_to(rows: u32, jpeg: &mut [u8]) {
    let height = frame(jpeg).and_then(|at| jpeg.get_mut(at + 1..at + 3));
    if let (Some(height), Ok(rows)) = (height, u16::try_from(rows))
        && u16::from_be_bytes([height[0], height[1]]) > rows
    {
        height.copy_from_slice(&rows.to_be_bytes());
    }
}

/// Whether pixels share samples of a component: those of the first are then denser than those of others.
pub(crate) fn is_subsampled(jpeg: &[u8]) -> bool {
    const DENSE: u8 = 0x11;
    frame(jpeg).and_then(|at| jpeg.get(at + 7)).is_some_and(|&sampling| sampling != DENSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_found_behind_other_segments() {
        let mut jpeg =
            vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 17, 8, 0, 29, 0, 37, 3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x11, 1];
        assert!(is_subsampled(&jpeg));
        cut_to(30, &mut jpeg);
        assert_eq!(jpeg[14], 29);
        cut_to(20, &mut jpeg);
        assert_eq!(jpeg[14], 20);
        jpeg[19] = 0x11;
        assert!(!is_subsampled(&jpeg));
        assert!(!is_subsampled(&jpeg[..12]) && !is_subsampled(&[]));
    }
}
