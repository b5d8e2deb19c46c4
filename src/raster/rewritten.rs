//! A TIFF as libtiff understands it: where the decoder would refuse a directory that libtiff reads, or take it at its word where
//! libtiff does not, it is shown a directory of its own in place of the file's, and where it does not know a compression, blocks that
//! are decoded already.

use std::sync::Arc;

use tiff_reader::source::{FileSource, TiffSource};
use tiff_reader::{ByteOrder, Ifd, TagValue, TiffError};

use super::big_tiff::big_tiff;
use super::codecs::{Codec, Room};
use super::jpeg_frame;

const TAG_WIDTH: u16 = 256;
const TAG_HEIGHT: u16 = 257;
const TAG_BITS: u16 = 258;
const TAG_COMPRESSION: u16 = 259;
const TAG_PHOTOMETRIC: u16 = 262;
const TAG_FILL_ORDER: u16 = 266;
const TAG_STRIP_OFFSETS: u16 = 273;
const TAG_SAMPLES: u16 = 277;
const TAG_ROWS_PER_STRIP: u16 = 278;
const TAG_STRIP_BYTE_COUNTS: u16 = 279;
const TAG_PLANAR: u16 = 284;
const TAG_T4_OPTIONS: u16 = 292;
const TAG_PREDICTOR: u16 = 317;
const TAG_TILE_WIDTH: u16 = 322;
const TAG_TILE_HEIGHT: u16 = 323;
const TAG_TILE_OFFSETS: u16 = 324;
const TAG_TILE_BYTE_COUNTS: u16 = 325;
const TAG_SAMPLE_FORMAT: u16 = 339;
const TAG_SUBSAMPLING: u16 = 530;
/// What decoding needs besides: white point, tables of JPEG, YCbCr coefficients, position and range, parameters of LERC.
const TAGS_COPIED: [u16; 6] = [318, 347, 529, 531, 532, 50674];
/// LZW, the two Deflates, LZMA, ZSTD: the compressions that have a predictor. With all others, libtiff ignores the tag.
const PREDICTED: [u16; 5] = [5, 8, 32946, 34925, 50000];
const UNCOMPRESSED: u16 = 1;
const JPEG: u16 = 7;
const MIN_IS_BLACK: u64 = 1;
const YCBCR: u64 = 6;
const LAB: u64 = 8;
/// TIFF sample formats: unsigned, signed, float, undefined, complex whole numbers, complex floats.
const UNSIGNED: u64 = 1;
const SIGNED: u64 = 2;
const FLOAT: u64 = 3;
const UNDEFINED: u64 = 4;
const COMPLEX_INTEGER: u64 = 5;
const COMPLEX_FLOAT: u64 = 6;

/// Where the bytes of the file, and decoded blocks, are in what the decoder is shown.
const FILE_AT: u64 = 1 << 48;
const BLOCKS_AT: u64 = 1 << 47;

/// The directory that the decoder is shown, and all that it refers to.
pub(crate) struct Rewritten {
    file: Arc<FileSource>,
    /// A BigTIFF of this directory alone.
    head: Vec<u8>,
    blocks: Option<Blocks>,
}

/// Blocks that are worked on before the decoder sees them.
struct Blocks {
    image: Image,
    work: Work,
}

/// What is done to blocks.
#[derive(Clone, Copy)]
enum Work {
    Decode {
        codec: Codec,
        bits_reversed: bool,
    },
    /// JPEG that is higher than its strip is cut.
    CutJpeg,
}

/// What libtiff makes of a directory's entries.
struct Image {
    width: u32,
    height: u32,
    bits: u64,
    format: u64,
    samples: u64,
    photometric: u64,
    subsampling: [u64; 2],
    planes: u64,
    compression: u16,
    predictor: u64,
    /// Width and height of a tile, or width of the image and height of a strip.
    block: [u32; 2],
    tiled: bool,
    offsets: Vec<u64>,
    counts: Vec<u64>,
    big_endian: bool,
}

impl Rewritten {
    /// The file as the decoder should see it, if not as it is; `None` too if it makes no sense to libtiff either.
    pub(crate) fn new(file: &Arc<FileSource>, order: ByteOrder, ifd: &Ifd) -> Option<Self> {
        let image = Image::of(ifd, order, file.len())?;
        let stated = image.subsampling == [1, 1] || ifd.tag(TAG_SUBSAMPLING).is_some();
        let taken_at_its_word = ifd.raster_layout().is_ok()
            && image.samples == number(ifd, TAG_SAMPLES).unwrap_or(1)
            && image.tables_are_those_of(ifd)
            && u64::from(ifd.predictor()) == image.predictor
            && stated;
        let undecoded = matches!(image.compression, 2..=4 | 34925);
        if taken_at_its_word && !undecoded {
            return None;
        }
        let decode = undecoded || image.is_unusual();
        Self::show(file, ifd, image, decode)
    }

    /// The file with all blocks decoded here, where the decoder gave up on one.
    pub(crate) fn decoded(file: &Arc<FileSource>, order: ByteOrder, ifd: &Ifd) -> Option<Self> {
        let image = Image::of(ifd, order, file.len())?;
        Self::show(file, ifd, image, true)
    }

    fn show(file: &Arc<FileSource>, ifd: &Ifd, image: Image, decode: bool) -> Option<Self> {
        let fill_order = number(ifd, TAG_FILL_ORDER).unwrap_or(1);
        let work = match Codec::of(image.compression, number(ifd, TAG_T4_OPTIONS).unwrap_or(0)) {
            _ if !decode => None,
            Some(codec) => Some(Work::Decode { codec, bits_reversed: fill_order == 2 }),
            None if image.compression == JPEG => Some(Work::CutJpeg),
            None => return None,
        };
        let head = image.directory(ifd, fill_order, work);
        let blocks = work.map(|work| Blocks { image, work });
        Some(Self { file: file.clone(), head, blocks })
    }

    /// Whether blocks are worked on here: what is shown of them lies nowhere in the file.
    pub(crate) fn decodes(&self) -> bool {
        self.blocks.is_some()
    }
}

impl TiffSource for Rewritten {
    fn len(&self) -> u64 {
        FILE_AT + self.file.len()
    }

    fn read_exact_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, TiffError> {
        if let Some(offset) = offset.checked_sub(FILE_AT) {
            return self.file.read_exact_at(offset, len);
        }
        if let (Some(index), Some(blocks)) = (offset.checked_sub(BLOCKS_AT), &self.blocks) {
            let block = blocks.decode(&self.file, index as usize)?;
            return (block.len() == len).then_some(block).ok_or_else(|| failed(index as usize, "it has another size"));
        }
        let part = usize::try_from(offset).ok().and_then(|start| self.head.get(start..start.checked_add(len)?));
        let bounds = || TiffError::OffsetOutOfBounds { offset, length: len as u64, data_len: self.head.len() as u64 };
        part.map(<[u8]>::to_vec).ok_or_else(bounds)
    }
}

fn failed(index: usize, reason: &str) -> TiffError {
    TiffError::DecompressionFailed { index, reason: reason.to_owned() }
}

impl Blocks {
    fn decode(&self, file: &FileSource, index: usize) -> Result<Vec<u8>, TiffError> {
        let image = &self.image;
        let place = image.offsets.get(index).zip(image.counts.get(index));
        let (&offset, &count) = place.ok_or_else(|| failed(index, "there is no such block"))?;
        let Work::Decode { codec, bits_reversed } = self.work else {
            let mut stored = file.read_exact_at(offset, count as usize)?;
            jpeg_frame::cut_to(image.rows(index), &mut stored);
            return Ok(stored);
        };
        let room = image.room(index).ok_or_else(|| failed(index, "its size makes no sense"))?;
        // Compressed samples take no more room than a few times the decoded ones.
        let count = count.min((room.bytes as u64).saturating_mul(4).saturating_add(1 << 16));
        let mut stored = file.read_exact_at(offset, count as usize)?;
        if bits_reversed {
            stored.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        let decoded = codec.decode(&stored, room).map_err(|reason| failed(index, &reason))?;
        Ok(if image.is_unusual() { image.unpack(&decoded, room.rows) } else { decoded })
    }
}

impl Image {
    fn of(ifd: &Ifd, order: ByteOrder, file_length: u64) -> Option<Self> {
        let (width, height) = (number(ifd, TAG_WIDTH)?, number(ifd, TAG_HEIGHT)?);
        let [width, height] = [width, height].map(|size| u32::try_from(size).unwrap_or(0));
        let samples = number(ifd, TAG_SAMPLES).unwrap_or(1);
        let compression = u16::try_from(number(ifd, TAG_COMPRESSION).unwrap_or(1)).ok()?;
        let (mut bits, mut format) = (common(ifd, TAG_BITS, samples)?, common(ifd, TAG_SAMPLE_FORMAT, samples)?);
        let mut parts = 1;
        if let COMPLEX_INTEGER | COMPLEX_FLOAT = format {
            // A complex number is shown as two samples side by side.
            (parts, bits, format) = (2, bits / 2, if format == COMPLEX_INTEGER { SIGNED } else { FLOAT });
        }
        let planes = match number(ifd, TAG_PLANAR).unwrap_or(1) {
            1 => 1,
            2 if parts == 1 || samples == 1 => samples,
            _ => return None,
        };
        let samples = samples.saturating_mul(parts);
        let tiled = ifd.is_tiled();
        let block = if tiled {
            [number(ifd, TAG_TILE_WIDTH)?, number(ifd, TAG_TILE_HEIGHT)?].map(|size| u32::try_from(size).unwrap_or(0))
        } else {
            let rows = number(ifd, TAG_ROWS_PER_STRIP).unwrap_or(u64::from(height));
            [width, u32::try_from(rows).unwrap_or(u32::MAX).min(height)]
        };
        if [width, height, block[0], block[1]].contains(&0) || !(1..=65535).contains(&samples) {
            return None;
        }
        let stated = number(ifd, TAG_PHOTOMETRIC).unwrap_or(MIN_IS_BLACK);
        // Only these are more to the decoder than so many samples.
        let photometric = if (stated == YCBCR || stated == LAB) && samples == 3 { stated } else { MIN_IS_BLACK };
        let subsampling = match ifd.tag(TAG_SUBSAMPLING).and_then(|tag| tag.value.as_u64_vec()).as_deref() {
            _ if photometric != YCBCR || compression == JPEG => [1, 1],
            Some(&[across, down]) => [across, down],
            // Where nothing is said, differences are shared by four pixels.
            _ => [2, 2],
        };
        let predictor = if PREDICTED.contains(&compression) { number(ifd, TAG_PREDICTOR).unwrap_or(1) } else { 1 };
        let (bits, format) = understood(bits, format, predictor).filter(|_| parts == 1 || predictor == 1)?;
        let big_endian = order == ByteOrder::BigEndian;
        let mut image = Self {
            width,
            height,
            bits,
            format,
            samples,
            photometric,
            subsampling,
            planes,
            compression,
            predictor,
            block,
            tiled,
            offsets: Vec::new(),
            counts: Vec::new(),
            big_endian,
        };
        image.find_blocks(ifd, file_length)?;
        Some(image)
    }

    /// Finds the blocks; `None` if the tables are shorter than the image.
    fn find_blocks(&mut self, ifd: &Ifd, file_length: u64) -> Option<()> {
        let [at, length] =
            if self.tiled { [TAG_TILE_OFFSETS, TAG_TILE_BYTE_COUNTS] } else { [TAG_STRIP_OFFSETS, TAG_STRIP_BYTE_COUNTS] };
        let expected = self.across().checked_mul(self.down())?.checked_mul(self.planes)?;
        let expected = usize::try_from(expected).ok()?;
        let table = |tag| ifd.tag(tag).and_then(|tag| tag.value.as_u64_vec());
        let mut offsets = table(at).filter(|offsets| offsets.len() >= expected)?;
        offsets.truncate(expected);
        let rest = |offset: u64| file_length.saturating_sub(offset);
        let mut counts = match table(length) {
            Some(counts) if counts.len() < expected => return None,
            Some(counts) => counts,
            // None are stated: a block ends where the next begins, or is as long as its samples.
            None => {
                let mut starts = offsets.clone();
                starts.sort_unstable();
                let next = |offset: u64| starts.get(starts.partition_point(|&start| start <= offset)).copied();
                let estimate = |(index, &offset): (usize, &u64)| match self.compression {
                    UNCOMPRESSED => self.room(index).map(|room| room.bytes as u64),
                    _ => Some(next(offset).map_or(rest(offset), |next| next - offset)),
                };
                offsets.iter().enumerate().map(estimate).collect::<Option<_>>()?
            }
        };
        counts.truncate(expected);
        for (&offset, count) in offsets.iter().zip(&mut counts) {
            *count = (*count).min(rest(offset));
        }
        self.offsets = offsets;
        // The length of an only strip is no less than what it holds: as in libtiff, what lies in the file decides. A strip of length
        // zero would else be taken for one that is not stored, and be black.
        if let (false, [offset], [count]) = (self.tiled, self.offsets.as_slice(), counts.as_mut_slice())
            && *offset > 0
        {
            let needed = self.room(0)?.bytes as u64;
            let plain = self.compression == UNCOMPRESSED;
            if plain && *count < needed && needed <= rest(*offset) {
                *count = needed;
            } else if !plain && *count == 0 {
                *count = rest(*offset);
            }
        }
        self.counts = counts;
        Some(())
    }

    fn across(&self) -> u64 {
        u64::from(self.width.div_ceil(self.block[0]))
    }

    fn down(&self) -> u64 {
        u64::from(self.height.div_ceil(self.block[1]))
    }

    /// Whether samples have a number of bits that the decoder does not know, and are shown as wider ones.
    fn is_unusual(&self) -> bool {
        matches!(self.bits, 17..=31)
    }

    fn tables_are_those_of(&self, ifd: &Ifd) -> bool {
        let [at, length] =
            if self.tiled { [TAG_TILE_OFFSETS, TAG_TILE_BYTE_COUNTS] } else { [TAG_STRIP_OFFSETS, TAG_STRIP_BYTE_COUNTS] };
        let count = |tag| ifd.tag(tag).map(|tag| tag.count as usize);
        let only = match (self.counts.as_slice(), ifd.tag(length).and_then(|tag| tag.value.as_u64())) {
            (&[count], stated) if !self.tiled => Some(count) == stated || count == stated.unwrap_or(0),
            _ => true,
        };
        only && count(at) == Some(self.offsets.len()) && count(length) == Some(self.counts.len())
    }

    /// Rows of a block. The last strip may be shorter; tiles never are.
    fn rows(&self, index: usize) -> u32 {
        let row = index as u64 % self.down();
        if self.tiled { self.block[1] } else { self.block[1].min(self.height - row as u32 * self.block[1]) }
    }

    /// What a block takes as it is stored, decompressed.
    fn room(&self, index: usize) -> Option<Room> {
        let rows = self.rows(index);
        let width = self.block[0];
        let samples = if self.planes == 1 { self.samples } else { 1 };
        let bits = if self.subsampling == [1, 1] {
            u64::from(width).checked_mul(samples)?.checked_mul(self.bits)?.div_ceil(8).checked_mul(rows.into())?
        } else {
            let [across, down] = self.subsampling;
            let unit = across.checked_mul(down)?.checked_add(2)?.checked_mul(self.bits)?.div_ceil(8);
            u64::from(width).div_ceil(across.max(1)).checked_mul(u64::from(rows).div_ceil(down.max(1)))?.checked_mul(unit)?
        };
        Some(Room { bytes: usize::try_from(bits).ok()?, width, rows: rows as usize })
    }

    /// Samples of 17 to 31 bits as ones of 32, in the file's byte order.
    fn unpack(&self, packed: &[u8], rows: usize) -> Vec<u8> {
        let samples = if self.planes == 1 { self.samples } else { 1 } as usize;
        let row_samples = self.block[0] as usize * samples;
        let bits = self.bits as usize;
        let store = |value: u32| if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut output = Vec::with_capacity(rows * row_samples * 4);
        for row in packed.chunks_exact((row_samples * bits).div_ceil(8).max(1)) {
            if bits == 24 {
                // Whole bytes: floats are in the file's order, whole numbers in the other one, as in GDAL.
                for sample in row.chunks_exact(3) {
                    let [a, b, c] = [sample[0], sample[1], sample[2]].map(u32::from);
                    let is_float = self.format == FLOAT;
                    let value = if self.big_endian == is_float { (a << 16) | (b << 8) | c } else { (c << 16) | (b << 8) | a };
                    output.extend(store(if is_float { from_float24(value) } else { value }));
                }
                continue;
            }
            let (mut waiting, mut held) = (0_u64, 0);
            let mut bytes = row.iter();
            for _ in 0..row_samples {
                while held < bits {
                    waiting = (waiting << 8) | u64::from(bytes.next().copied().unwrap_or_default());
                    held += 8;
                }
                held -= bits;
                output.extend(store((waiting >> held) as u32));
                waiting &= (1 << held) - 1;
            }
        }
        output
    }

    /// A BigTIFF with one directory; blocks are those of the file, or worked on.
    fn directory(&self, ifd: &Ifd, fill_order: u64, work: Option<Work>) -> Vec<u8> {
        let decode = matches!(work, Some(Work::Decode { .. }));
        let shown = |(index, (&offset, &count)): (usize, (&u64, &u64))| {
            if offset == 0 || count == 0 {
                (0, 0)
            } else if decode {
                let bytes =
                    self.room(index).map_or(0, |room| if self.is_unusual() { self.unpacked(room) } else { room.bytes as u64 });
                (BLOCKS_AT + index as u64, bytes)
            } else if work.is_some() {
                (BLOCKS_AT + index as u64, count)
            } else {
                (FILE_AT.saturating_add(offset), count)
            }
        };
        let (offsets, counts): (Vec<u64>, Vec<u64>) = self.offsets.iter().zip(&self.counts).enumerate().map(shown).unzip();
        let bits = if self.is_unusual() { 32 } else { self.bits };
        let mut entries = vec![
            (TAG_WIDTH, TagValue::Long(vec![self.width])),
            (TAG_HEIGHT, TagValue::Long(vec![self.height])),
            (TAG_BITS, short(bits)),
            (TAG_COMPRESSION, TagValue::Short(vec![if decode { UNCOMPRESSED } else { self.compression }])),
            (TAG_PHOTOMETRIC, short(self.photometric)),
            (TAG_FILL_ORDER, short(if decode { 1 } else { fill_order })),
            (TAG_SAMPLES, short(self.samples)),
            (TAG_PLANAR, short(if self.planes > 1 { 2 } else { 1 })),
            (TAG_PREDICTOR, short(self.predictor)),
            (TAG_SAMPLE_FORMAT, short(self.format)),
            (
                TAG_SUBSAMPLING,
                TagValue::Short(self.subsampling.iter().map(|&part| u16::try_from(part).unwrap_or(u16::MAX)).collect()),
            ),
        ];
        if self.tiled {
            entries.push((TAG_TILE_WIDTH, TagValue::Long(vec![self.block[0]])));
            entries.push((TAG_TILE_HEIGHT, TagValue::Long(vec![self.block[1]])));
            entries.push((TAG_TILE_OFFSETS, TagValue::Long8(offsets)));
            entries.push((TAG_TILE_BYTE_COUNTS, TagValue::Long8(counts)));
        } else {
            entries.push((TAG_ROWS_PER_STRIP, TagValue::Long(vec![self.block[1]])));
            entries.push((TAG_STRIP_OFFSETS, TagValue::Long8(offsets)));
            entries.push((TAG_STRIP_BYTE_COUNTS, TagValue::Long8(counts)));
        }
        entries.extend(TAGS_COPIED.iter().filter_map(|&code| Some((code, ifd.tag(code)?.value.clone()))));
        entries.sort_by_key(|&(code, _)| code);
        big_tiff(&entries, self.big_endian)
    }

    /// Bytes of a block whose samples are shown as ones of 32 bits.
    fn unpacked(&self, room: Room) -> u64 {
        let samples = if self.planes == 1 { self.samples } else { 1 };
        u64::from(room.width).saturating_mul(samples).saturating_mul(4).saturating_mul(room.rows as u64)
    }
}

/// Bits and format of samples as they are shown; `None` for those that neither libtiff nor the decoder makes sense of.
fn understood(bits: u64, format: u64, predictor: u64) -> Option<(u64, u64)> {
    let format = if format == UNDEFINED { UNSIGNED } else { format };
    match (bits, format) {
        // As in GDAL, which has no sign for them.
        (1..=7 | 9..=15 | 17..=31, 1 | 2) if predictor == 1 => Some((bits, UNSIGNED)),
        (8 | 16 | 32 | 64, 1 | 2) if predictor <= 2 => Some((bits, format)),
        (24, FLOAT) if predictor == 1 => Some((bits, format)),
        (16 | 32 | 64, FLOAT) => Some((bits, format)),
        _ => None,
    }
}

/// A 32-bit float of a 24-bit one: 7 bits of exponent, 16 of mantissa. What a NaN carries is kept, as in GDAL.
fn from_float24(bits: u32) -> u32 {
    let sign = (bits & 0x80_0000) << 8;
    let (exponent, mantissa) = ((bits >> 16) & 0x7F, bits & 0xFFFF);
    match (exponent, mantissa) {
        (0, 0) => sign,
        (0, _) => {
            // As small as 24 bits have them; 32 bits have room for one before the point.
            let shift = mantissa.leading_zeros() - 15;
            sign | ((127 - 63 + 1 - shift) << 23) | (((mantissa << shift) & 0xFFFF) << 7)
        }
        (0x7F, _) => sign | 0x7F80_0000 | (mantissa << 7),
        _ => sign | ((exponent + 127 - 63) << 23) | (mantissa << 7),
    }
}

/// The first number of an entry, whatever its width.
fn number(ifd: &Ifd, code: u16) -> Option<u64> {
    ifd.tag(code)?.value.as_u64_vec()?.first().copied()
}

/// What all samples have in common, 1 where nothing is said: libtiff takes the first value for all that are not stated.
fn common(ifd: &Ifd, code: u16, samples: u64) -> Option<u64> {
    let Some(tag) = ifd.tag(code) else { return Some(1) };
    let values = tag.value.as_u64_vec()?;
    let first = *values.first()?;
    values.iter().take(samples as usize).all(|&value| value == first).then_some(first)
}

fn short(value: u64) -> TagValue {
    TagValue::Short(vec![u16::try_from(value).unwrap_or(u16::MAX)])
}
