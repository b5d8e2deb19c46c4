//! A TIFF as libtiff understands it: entries that it overrules are corrected on the way from the file to the decoder, which takes
//! every entry at its word and would decode other pixels without an error.

use std::sync::Arc;

use tiff_reader::source::{FileSource, TiffSource};
use tiff_reader::{ByteOrder, Ifd, TiffError, TiffFile};

const TAG_PHOTOMETRIC: u16 = 262;
const TAG_STRIP_BYTE_COUNTS: u16 = 279;
const TAG_PREDICTOR: u16 = 317;
/// LZW, the two Deflates, LZMA, ZSTD: the compressions that have a predictor. With all others, libtiff ignores the tag.
const PREDICTED: [u16; 5] = [5, 8, 32946, 34925, 50000];
const UNCOMPRESSED: u16 = 1;
/// Photometric codes that the decoder knows, or that are refused by name.
const KNOWN_COLOURS: [u16; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 32844, 32845];

/// A file, some bytes of which are shown as others.
pub(crate) struct CorrectedSource {
    file: Arc<FileSource>,
    /// Where, and what is there instead.
    corrections: Vec<(u64, Vec<u8>)>,
}

impl CorrectedSource {
    /// The file as the decoder should see it, if its first directory holds entries that libtiff overrules.
    pub(crate) fn new(file: &Arc<FileSource>, tiff: &TiffFile, ifd: &Ifd) -> Result<Option<Arc<Self>>, TiffError> {
        let mut wanted = Vec::new();
        if ifd.predictor() != 1 && !PREDICTED.contains(&ifd.compression()) {
            wanted.push((TAG_PREDICTOR, 1));
        }
        if ifd.photometric_interpretation().is_some_and(|code| !KNOWN_COLOURS.contains(&code)) {
            wanted.push((TAG_PHOTOMETRIC, 1));
        }
        wanted.extend(only_strip(ifd, file.len()).map(|count| (TAG_STRIP_BYTE_COUNTS, count)));
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut corrections = Vec::new();
        for (tag, value) in wanted {
            corrections.extend(entry_value(file, tiff, ifd, tag, value)?);
        }
        Ok(Some(Arc::new(Self { file: file.clone(), corrections })))
    }
}

impl TiffSource for CorrectedSource {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_exact_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, TiffError> {
        let mut bytes = self.file.read_exact_at(offset, len)?;
        for (at, correct) in &self.corrections {
            for (place, &byte) in (*at..).zip(correct) {
                let index = place.checked_sub(offset).and_then(|index| usize::try_from(index).ok());
                if let Some(shown) = index.and_then(|index| bytes.get_mut(index)) {
                    *shown = byte;
                }
            }
        }
        Ok(bytes)
    }
}

/// The length of an image's only strip, where the tag's is none or too small for uncompressed rows: as in libtiff, what lies in the
/// file decides. A strip of length zero would else be taken for one that is not stored, and be black.
fn only_strip(ifd: &Ifd, file_length: u64) -> Option<u64> {
    let (offsets, counts) = (ifd.strip_offsets()?, ifd.strip_byte_counts()?);
    let (&[offset], &[count]) = (offsets.as_slice(), counts.as_slice()) else { return None };
    let rest = file_length.checked_sub(offset).filter(|&rest| offset > 0 && rest > 0)?;
    if ifd.is_tiled() || ifd.compression() != UNCOMPRESSED {
        return (count == 0 && !ifd.is_tiled()).then_some(rest);
    }
    let layout = ifd.raster_layout().ok()?;
    let row = if layout.is_bit_packed() { layout.checked_packed_row_bytes() } else { layout.checked_row_bytes() };
    let needed = (row.ok()? as u64).checked_mul(layout.height as u64)?;
    (count < needed && needed <= rest && layout.planar_configuration == 1).then_some(needed)
}

/// Place and bytes of an entry's only value, if it has one in the entry itself that is wide enough.
fn entry_value(file: &FileSource, tiff: &TiffFile, ifd: &Ifd, tag: u16, value: u64) -> Result<Option<(u64, Vec<u8>)>, TiffError> {
    let big_endian = tiff.byte_order() == ByteOrder::BigEndian;
    let number = |bytes: &[u8]| {
        let fold = |number: u64, &byte: &u8| (number << 8) | u64::from(byte);
        if big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    };
    // Entries of 12 or 20 bytes (tag, type, count, value) follow their number.
    let (head, entry, at_value) = if tiff.is_bigtiff() { (8, 20, 12) } else { (2, 12, 8) };
    let count = number(&file.read_exact_at(ifd.offset(), head)?) as usize;
    // The decoder has read this many entries: the product is small.
    let entries = file.read_exact_at(ifd.offset() + head as u64, count.saturating_mul(entry))?;
    let Some((index, found)) = entries.chunks_exact(entry).enumerate().find(|(_, entry)| number(&entry[..2]) == u64::from(tag))
    else {
        return Ok(None);
    };
    let width = match number(&found[2..4]) {
        3 => 2,
        4 => 4,
        16 if tiff.is_bigtiff() => 8,
        _ => return Ok(None),
    };
    if number(&found[4..at_value]) != 1 || (width < 8 && value >> (8 * width) != 0) {
        return Ok(None);
    }
    let mut bytes = value.to_le_bytes()[..width].to_vec();
    if big_endian {
        bytes.reverse();
    }
    Ok(Some((ifd.offset() + (head + index * entry + at_value) as u64, bytes)))
}
