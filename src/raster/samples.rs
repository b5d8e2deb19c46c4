//! Pixel values in the file's own type.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::window::Window;

/// The type of a sample, named as GDAL and NumPy name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SampleType {
    /// Unsigned 8 bits; also 1 to 7 bits, one sample per byte.
    #[serde(rename = "uint8")]
    U8,
    /// Signed 8 bits.
    #[serde(rename = "int8")]
    I8,
    /// Unsigned 16 bits; also 9 to 15 bits.
    #[serde(rename = "uint16")]
    U16,
    /// Signed 16 bits.
    #[serde(rename = "int16")]
    I16,
    /// Unsigned 32 bits; also 17 to 31 bits.
    #[serde(rename = "uint32")]
    U32,
    /// Signed 32 bits.
    #[serde(rename = "int32")]
    I32,
    /// Unsigned 64 bits.
    #[serde(rename = "uint64")]
    U64,
    /// Signed 64 bits.
    #[serde(rename = "int64")]
    I64,
    /// 32-bit float; also 16 and 24 bits.
    #[serde(rename = "float32")]
    F32,
    /// 64-bit float.
    #[serde(rename = "float64")]
    F64,
    /// Complex number of two 32-bit floats; also of two integers.
    #[serde(rename = "complex64")]
    C64,
    /// Complex number of two 64-bit floats.
    #[serde(rename = "complex128")]
    C128,
}

impl SampleType {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::C64 => 8,
            Self::C128 => 16,
        }
    }

    /// The name, as GDAL and NumPy have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::C64 => "complex64",
            Self::C128 => "complex128",
        }
    }
}

/// Samples in the file's own type. In a [`Block`] they are band-sequential: all rows of band 0, then of band 1 ...
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is the sample type of its name")]
pub enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    C64(Vec<[f32; 2]>),
    C128(Vec<[f64; 2]>),
}

/// Runs an expression on the vector inside, whatever its type, and another one where its numbers are complex.
macro_rules! each {
    ($samples:expr, $values:ident => $body:expr, complex => $complex:expr) => {
        match $samples {
            Samples::C64($values) => $complex,
            Samples::C128($values) => $complex,
            Samples::U8($values) => $body,
            Samples::I8($values) => $body,
            Samples::U16($values) => $body,
            Samples::I16($values) => $body,
            Samples::U32($values) => $body,
            Samples::I32($values) => $body,
            Samples::U64($values) => $body,
            Samples::I64($values) => $body,
            Samples::F32($values) => $body,
            Samples::F64($values) => $body,
        }
    };
}

impl Samples {
    /// From native-endian bytes in which the samples of a pixel lie together: `bands` per pixel, of which those in
    /// `wanted` are taken, band after band. A rest that does not fill a pixel is ignored.
    pub fn from_interleaved(kind: SampleType, bytes: &[u8], bands: usize, wanted: std::ops::Range<usize>) -> Self {
        macro_rules! build {
            ($variant:ident, $type:ty) => {
                build!($variant, $type, |sample: &[u8]| Some(<$type>::from_ne_bytes(sample.try_into().ok()?)))
            };
            ($variant:ident, $type:ty, $read:expr) => {{
                const SIZE: usize = size_of::<$type>();
                let pixel = bands.max(1) * SIZE;
                let mut values: Vec<$type> = Vec::with_capacity(bytes.len() / pixel * wanted.len());
                for band in wanted {
                    let samples = bytes.chunks_exact(pixel).filter_map(|pixel| pixel.get(band * SIZE..(band + 1) * SIZE));
                    values.extend(samples.filter_map($read));
                }
                Self::$variant(values)
            }};
        }
        match kind {
            SampleType::U8 => build!(U8, u8),
            SampleType::I8 => build!(I8, i8),
            SampleType::U16 => build!(U16, u16),
            SampleType::I16 => build!(I16, i16),
            SampleType::U32 => build!(U32, u32),
            SampleType::I32 => build!(I32, i32),
            SampleType::U64 => build!(U64, u64),
            SampleType::I64 => build!(I64, i64),
            SampleType::F32 => build!(F32, f32),
            SampleType::F64 => build!(F64, f64),
            SampleType::C64 => build!(C64, [f32; 2], |pair: &[u8]| {
                let (real, imaginary) = pair.split_at(4);
                Some([f32::from_ne_bytes(real.try_into().ok()?), f32::from_ne_bytes(imaginary.try_into().ok()?)])
            }),
            SampleType::C128 => build!(C128, [f64; 2], |pair: &[u8]| {
                let (real, imaginary) = pair.split_at(8);
                Some([f64::from_ne_bytes(real.try_into().ok()?), f64::from_ne_bytes(imaginary.try_into().ok()?)])
            }),
        }
    }

    /// The type of the samples.
    pub fn sample_type(&self) -> SampleType {
        match self {
            Self::U8(_) => SampleType::U8,
            Self::I8(_) => SampleType::I8,
            Self::U16(_) => SampleType::U16,
            Self::I16(_) => SampleType::I16,
            Self::U32(_) => SampleType::U32,
            Self::I32(_) => SampleType::I32,
            Self::U64(_) => SampleType::U64,
            Self::I64(_) => SampleType::I64,
            Self::F32(_) => SampleType::F32,
            Self::F64(_) => SampleType::F64,
            Self::C64(_) => SampleType::C64,
            Self::C128(_) => SampleType::C128,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        each!(self, values => values.len(), complex => values.len())
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of the samples as 32-bit floats, complex ones by their amplitude; parts that do not exist are left out.
    pub fn to_f32(&self, range: std::ops::Range<usize>) -> Vec<f32> {
        #[allow(clippy::unnecessary_cast, reason = "one of the types is f32 itself")]
        fn convert<T: Copy>(values: &[T], range: std::ops::Range<usize>, f: impl Fn(T) -> f32) -> Vec<f32> {
            let end = range.end.min(values.len());
            values.get(range.start..end).unwrap_or_default().iter().map(|&value| f(value)).collect()
        }
        #[allow(clippy::unnecessary_cast, reason = "one of the types is f32 itself")]
        {
            each!(
                self,
                values => convert(values, range, |value| value as f32),
                complex => convert(values, range, |[real, imaginary]| real.hypot(imaginary) as f32)
            )
        }
    }

    /// One sample as a 64-bit float, a complex one by its amplitude.
    pub fn get(&self, index: usize) -> Option<f64> {
        #[allow(clippy::unnecessary_cast, reason = "one of the types is f64 itself")]
        {
            each!(
                self,
                values => values.get(index).map(|&value| value as f64),
                complex => values.get(index).map(|&[real, imaginary]| (real as f64).hypot(imaginary as f64))
            )
        }
    }

    /// Feeds a part of the samples to a hash, little-endian, in order.
    pub(crate) fn hash_into(&self, hash: &mut Sha256, range: std::ops::Range<usize>) {
        const CHUNK: usize = 8192;
        macro_rules! hash {
            ($values:ident, $value:ident => $bytes:expr) => {{
                let mut bytes = Vec::with_capacity(CHUNK * 16);
                for chunk in $values.get(range).unwrap_or_default().chunks(CHUNK) {
                    bytes.clear();
                    chunk.iter().for_each(|$value| bytes.extend_from_slice(&$bytes));
                    hash.update(&bytes);
                }
            }};
        }
        each!(
            self,
            values => hash!(values, value => value.to_le_bytes()),
            complex => hash!(values, value => value.map(|part| part.to_le_bytes()).concat())
        )
    }

    /// Calls `f` with the index of every sample that is the nodata value (NaN means NaN); of a complex one the real part is compared, as in
    /// GDAL.
    pub(crate) fn for_each_nodata(&self, nodata: f64, mut f: impl FnMut(usize)) {
        // A value that the type cannot hold is in no pixel; a float is compared in the image's own precision.
        macro_rules! integers {
            ($values:ident, $type:ty) => {{
                if nodata.fract() == 0.0 && nodata >= <$type>::MIN as f64 && nodata <= <$type>::MAX as f64 {
                    let wanted = nodata as $type;
                    $values.iter().enumerate().filter(|&(_, &value)| value == wanted).for_each(|(index, _)| f(index));
                }
            }};
        }
        macro_rules! floats {
            ($values:ident, $type:ty) => {{
                let wanted = nodata as $type;
                let same = |value: $type| value == wanted || (wanted.is_nan() && value.is_nan());
                $values.iter().enumerate().filter(|&(_, &value)| same(value)).for_each(|(index, _)| f(index));
            }};
        }
        match self {
            Self::U8(values) => integers!(values, u8),
            Self::I8(values) => integers!(values, i8),
            Self::U16(values) => integers!(values, u16),
            Self::I16(values) => integers!(values, i16),
            Self::U32(values) => integers!(values, u32),
            Self::I32(values) => integers!(values, i32),
            Self::U64(values) => integers!(values, u64),
            Self::I64(values) => integers!(values, i64),
            Self::F32(values) => floats!(values, f32),
            Self::F64(values) => floats!(values, f64),
            Self::C64(values) => Self::F32(values.iter().map(|value| value[0]).collect()).for_each_nodata(nodata, f),
            Self::C128(values) => Self::F64(values.iter().map(|value| value[0]).collect()).for_each_nodata(nodata, f),
        }
    }
}

/// A window of an image, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Where it lies in the image.
    pub window: Window,
    /// Number of bands, alpha included.
    pub bands: usize,
    /// The samples, band-sequential, rows from top to bottom: index `(band * height + row) * width + col`.
    pub samples: Samples,
    /// Which pixels may be used: `height * width`, row-major. A pixel is left out by nodata (in all bands), by the
    /// file's mask, by an alpha of zero, or because one of its samples is not a finite number.
    pub valid: Vec<bool>,
    /// Pixels that nodata, mask and alpha leave valid, but that are not finite numbers: they are not in `valid`.
    pub not_finite: usize,
}

impl Block {
    /// One band as 32-bit floats, row-major; empty if there is no such band.
    pub fn band_f32(&self, band: usize) -> Vec<f32> {
        let pixels = self.window.pixels();
        if band >= self.bands {
            return Vec::new();
        }
        self.samples.to_f32(band * pixels..(band + 1) * pixels)
    }

    /// Builds the block, deciding which pixels are valid. `mask` is what the file's mask says, row-major, 0 = not valid.
    pub(crate) fn new(
        window: Window,
        bands: usize,
        samples: Samples,
        nodata: Option<f64>,
        alpha: Option<usize>,
        mask: Option<&[u8]>,
    ) -> Self {
        let pixels = window.pixels();
        let mut valid = vec![true; pixels];
        if let Some(nodata) = nodata {
            // Bands that are nodata at each pixel; alpha does not count as one.
            let mut hits = vec![0_u16; pixels];
            samples.for_each_nodata(nodata, |index| {
                if Some(index / pixels) != alpha {
                    hits[index % pixels] += 1;
                }
            });
            let all = bands - usize::from(alpha.is_some_and(|alpha| alpha < bands));
            valid.iter_mut().zip(&hits).for_each(|(valid, &hits)| *valid = (hits as usize) < all.max(1));
        }
        if let Some(alpha) = alpha {
            samples.for_each_nodata(0.0, |index| {
                if index / pixels == alpha {
                    valid[index % pixels] = false;
                }
            });
        }
        valid.iter_mut().zip(mask.unwrap_or_default()).for_each(|(valid, &mask)| *valid &= mask != 0);
        let mut block = Self { window, bands, samples, valid, not_finite: 0 };
        block.drop_not_finite();
        block
    }

    fn drop_not_finite(&mut self) {
        let pixels = self.window.pixels().max(1);
        let valid = &mut self.valid;
        let mut dropped = 0;
        let mut drop = |index: usize| dropped += usize::from(std::mem::replace(&mut valid[index % pixels], false));
        match &self.samples {
            Samples::F32(values) => {
                values.iter().enumerate().filter(|(_, value)| !value.is_finite()).for_each(|(index, _)| drop(index));
            }
            Samples::F64(values) => {
                values.iter().enumerate().filter(|(_, value)| !value.is_finite()).for_each(|(index, _)| drop(index));
            }
            Samples::C64(values) => {
                let finite = |value: &[f32; 2]| value.iter().all(|part| part.is_finite());
                values.iter().enumerate().filter(|(_, value)| !finite(value)).for_each(|(index, _)| drop(index));
            }
            Samples::C128(values) => {
                let finite = |value: &[f64; 2]| value.iter().all(|part| part.is_finite());
                values.iter().enumerate().filter(|(_, value)| !finite(value)).for_each(|(index, _)| drop(index));
            }
            _ => {}
        }
        self.not_finite = dropped;
    }
}
