//! A BigTIFF of one directory and nothing else, to be shown to the decoder.

use tiff_reader::{ByteOrder, TagValue};

/// The bytes of a BigTIFF that holds nothing but a directory.
pub(super) fn big_tiff(entries: &[(u16, TagValue)], big_endian: bool) -> Vec<u8> {
    let order = if big_endian { ByteOrder::BigEndian } else { ByteOrder::LittleEndian };
    let long8 = |value: u64| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let short = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut head = if big_endian { b"MM".to_vec() } else { b"II".to_vec() };
    [43, 8, 0].iter().for_each(|&value| head.extend(short(value)));
    head.extend(long8(16));
    head.extend(long8(entries.len() as u64));
    let values_at = head.len() + 20 * entries.len() + 8;
    let mut values = Vec::new();
    for (code, value) in entries {
        head.extend(short(*code));
        head.extend(short(value.tag_type().to_code()));
        head.extend(long8(value.count()));
        let mut bytes = value.encode(order);
        if bytes.len() > 8 {
            head.extend(long8((values_at + values.len()) as u64));
            values.extend(bytes);
        } else {
            bytes.resize(8, 0);
            head.extend(bytes);
        }
    }
    head.extend(long8(0));
    head.extend(values);
    head
}
