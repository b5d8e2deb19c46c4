//! Blocks of a TIFF that the decoder does not decode, or not as libtiff does: fax codings, LZMA, LZW as it was before TIFF 6, and blocks
//! with more bytes than belong to them. All stop when the block is full, whatever follows.

use std::io::Read;

use lzma_rust2::Lzma2Reader;
use ruzstd::decoding::StreamingDecoder;
use weezl::BitOrder;
use weezl::decode::Configuration;

use super::ccitt::{Fax, unfax};

/// Larger dictionaries do not help to decode a block and would cost memory: LZMA's own presets have 64 MiB at most.
const MAX_DICTIONARY_BYTES: u32 = 64 << 20;

/// How a block is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Codec {
    Stored,
    Fax(Fax),
    Lzw,
    Deflate,
    PackBits,
    Lzma,
    Zstd,
}

/// The place that a decoded block fills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub bytes: usize,
    /// Pixels of a row, and rows: what fax codings are about.
    pub width: u32,
    pub rows: usize,
}

impl Codec {
    /// The codec of a TIFF compression; `t4` are the tag's `T4Options`.
    pub(crate) fn of(compression: u16, t4: u64) -> Option<Self> {
        Some(match compression {
            1 => Self::Stored,
            2 => Self::Fax(Fax::Runs),
            3 => Self::Fax(Fax::Group3 { two_dimensional: t4 & 1 == 1 }),
            4 => Self::Fax(Fax::Group4),
            5 => Self::Lzw,
            8 | 32946 => Self::Deflate,
            32773 => Self::PackBits,
            34925 => Self::Lzma,
            50000 => Self::Zstd,
            _ => return None,
        })
    }

    /// Decodes a block; an error says why it cannot be.
    pub(crate) fn decode(self, data: &[u8], room: Room) -> Result<Vec<u8>, String> {
        let decoded = match self {
            Self::Stored => data.get(..room.bytes).map(<[u8]>::to_vec).ok_or("it ends too early")?,
            Self::Fax(fax) => unfax(data, fax, room.width, room.rows).ok_or("its fax codes make no sense")?,
            Self::Lzw => unlzw(data, room.bytes)?,
            Self::Deflate => fill(flate2::read::ZlibDecoder::new(data), room.bytes)?,
            Self::PackBits => unpack_bits(data, room.bytes),
            Self::Lzma => unlzma(data, room.bytes)?,
            Self::Zstd => fill(StreamingDecoder::new(data).map_err(|error| error.to_string())?, room.bytes)?,
        };
        if decoded.len() == room.bytes { Ok(decoded) } else { Err("it ends too early".to_owned()) }
    }
}

/// As many bytes as there is room for.
fn fill(reader: impl Read, bytes: usize) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
    match reader.take(limit).read_to_end(&mut decoded) {
        Err(error) if decoded.len() < bytes => Err(error.to_string()),
        _ => Ok(decoded),
    }
}

fn unlzw(data: &[u8], bytes: usize) -> Result<Vec<u8>, String> {
    // As libtiff tells them apart: before TIFF 6, codes began with their lowest bit, and grew one code later.
    let is_old = data.len() >= 2 && data[0] == 0 && data[1] & 1 == 1;
    let configuration =
        if is_old { Configuration::new(BitOrder::Lsb, 8) } else { Configuration::with_tiff_size_switch(BitOrder::Msb, 8) };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let mut decoded = vec![0; bytes];
    let (mut from, mut to) = (0, 0);
    while to < bytes {
        let result = decoder.decode_bytes(&data[from..], &mut decoded[to..]);
        (from, to) = (from + result.consumed_in, to + result.consumed_out);
        if to < bytes {
            result.status.map_err(|error| error.to_string())?;
            if (result.consumed_in, result.consumed_out) == (0, 0) {
                break;
            }
        }
    }
    decoded.truncate(to);
    Ok(decoded)
}

fn unpack_bits(data: &[u8], bytes: usize) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = data;
    while let Some((&head, tail)) = rest.split_first()
        && decoded.len() < bytes
    {
        let free = bytes - decoded.len();
        rest = match head {
            0..=127 => {
                let (literal, rest) = tail.split_at((usize::from(head) + 1).min(tail.len()));
                decoded.extend_from_slice(&literal[..literal.len().min(free)]);
                rest
            }
            128 => tail,
            _ => {
                let Some((&value, rest)) = tail.split_first() else { break };
                decoded.resize(decoded.len() + (257 - usize::from(head)).min(free), value);
                rest
            }
        };
    }
    decoded
}

/// A file of XZ's format with one block, as libtiff writes it: differences between bytes (if so) in LZMA2.
fn unlzma(data: &[u8], bytes: usize) -> Result<Vec<u8>, String> {
    let (distance, dictionary, start) = xz_block(data).ok_or("its LZMA header is not understood")?;
    // What lies further back than the block is long is never looked at.
    let needed = u32::try_from(bytes).unwrap_or(u32::MAX).max(4096);
    let dictionary = dictionary.min(needed).min(MAX_DICTIONARY_BYTES);
    let mut decoded = fill(Lzma2Reader::new(&data[start..], dictionary, None), bytes)?;
    if let Some(distance) = distance {
        for index in distance..decoded.len() {
            decoded[index] = decoded[index].wrapping_add(decoded[index - distance]);
        }
    }
    Ok(decoded)
}

/// Distance of the differences, if there are any, bytes of the dictionary, and where the LZMA2 data begin.
fn xz_block(data: &[u8]) -> Option<(Option<usize>, u32, usize)> {
    const STREAM_HEADER: usize = 12;
    const DELTA: u8 = 3;
    const LZMA2: u8 = 0x21;
    if !data.starts_with(b"\xFD7zXZ\0") {
        return None;
    }
    let length = (usize::from(*data.get(STREAM_HEADER)?) + 1) * 4;
    let header = data.get(STREAM_HEADER..STREAM_HEADER + length)?;
    let flags = *header.get(1)?;
    let mut rest = header.get(2..)?;
    // Sizes, of seven bits a byte.
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            let last = rest.iter().position(|byte| byte & 0x80 == 0)?;
            rest = &rest[last + 1..];
        }
    }
    let mut distance = None;
    for _ in 0..=flags & 3 {
        let &[id, 1, property, ..] = rest else { return None };
        rest = &rest[3..];
        match id {
            DELTA if distance.is_none() => distance = Some(usize::from(property) + 1),
            LZMA2 => {
                let bits = u32::from(property);
                let dictionary = if bits >= 40 { u32::MAX } else { (2 | (bits & 1)) << (bits / 2 + 11) };
                return Some((distance, dictionary, STREAM_HEADER + length));
            }
            _ => return None,
        }
    }
    None
}
