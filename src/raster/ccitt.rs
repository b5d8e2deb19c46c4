//! Fax codings of black and white images (CCITT T.4 and T.6): rows of runs, or of changes against the row before. Code words are
//! `fax`'s; what does not add up to whole rows is an error here, where fax machines would draw something.

use std::convert::Infallible;

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, ByteReader};

/// How rows are coded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fax {
    /// Runs; every row starts on a new byte (TIFF compression 2).
    Runs,
    /// Runs, or changes where a bit says so, each row after an end-of-line code (TIFF compression 3).
    Group3 {
        /// Whether a bit after each end of line tells rows of runs from rows of changes.
        two_dimensional: bool,
    },
    /// Changes only (TIFF compression 4).
    Group4,
}

/// Columns at which the colour changes, from white on.
type Changes = Vec<u32>;

/// Unpacks rows to one bit per pixel, black ones set, each row filled up to a whole byte; `None` if the codes make no sense.
pub(crate) fn unfax(data: &[u8], fax: Fax, width: u32, rows: usize) -> Option<Vec<u8>> {
    // No code is longer than the zeros behind the end, of which none is made.
    let bytes = data.iter().copied().chain([0; 4]).map(Ok::<u8, Infallible>);
    let Ok(mut reader) = ByteReader::new(bytes);
    let row_bytes = (width as usize).div_ceil(8);
    let mut output = vec![0; row_bytes.checked_mul(rows)?];
    let mut above = Changes::new();
    for line in output.chunks_exact_mut(row_bytes.max(1)) {
        above = match fax {
            Fax::Runs => {
                let changes = runs(&mut reader, width)?;
                let rest = reader.bits_to_byte_boundary();
                let Ok(()) = reader.consume(rest);
                changes
            }
            Fax::Group3 { two_dimensional } => {
                let ended = end_of_line(&mut reader)?;
                match two_dimensional {
                    false => runs(&mut reader, width)?,
                    true if !ended => return None,
                    true if take(&mut reader, 1)? == 1 => runs(&mut reader, width)?,
                    true => changes(&mut reader, &above, width)??,
                }
            }
            Fax::Group4 => match changes(&mut reader, &above, width)? {
                Some(changes) => changes,
                // The rest is white, as in libtiff.
                None => break,
            },
        };
        for pair in above.chunks(2) {
            let end = pair.get(1).copied().unwrap_or(width);
            (pair[0]..end).for_each(|col| line[col as usize / 8] |= 0x80 >> (col % 8));
        }
    }
    Some(output)
}

fn take(reader: &mut impl BitReader<Error = Infallible>, bits: u8) -> Option<u16> {
    let value = reader.peek(bits)?;
    let Ok(()) = reader.consume(bits);
    Some(value)
}

/// Passes an end of line with the zeros before it; whether there was one.
fn end_of_line(reader: &mut impl BitReader<Error = Infallible>) -> Option<bool> {
    // No code of a run begins with more than seven zeros.
    if reader.peek(9) != Some(0) {
        return Some(false);
    }
    while take(reader, 1)? == 0 {}
    Some(true)
}

/// A run of one colour.
fn run(reader: &mut impl BitReader<Error = Infallible>, is_black: bool) -> Option<u32> {
    let mut sum: u32 = 0;
    loop {
        let part = if is_black { black::decode(reader) } else { white::decode(reader) }?;
        sum = sum.checked_add(part.into())?;
        if part < 64 {
            return Some(sum);
        }
    }
}

/// A change, unless it takes the one before it back or lies behind the row.
fn push(changes: &mut Changes, at: u32, width: u32) {
    if changes.last() == Some(&at) {
        changes.pop();
    } else if at < width {
        changes.push(at);
    }
}

/// A row of runs.
fn runs(reader: &mut impl BitReader<Error = Infallible>, width: u32) -> Option<Changes> {
    let (mut found, mut at, mut is_black) = (Changes::new(), 0_u32, false);
    while at < width {
        at = at.checked_add(run(reader, is_black)?).filter(|&at| at <= width)?;
        push(&mut found, at, width);
        is_black = !is_black;
    }
    Some(found)
}

/// A row of changes against the row above; `Some(None)` at the end of the image.
fn changes(reader: &mut impl BitReader<Error = Infallible>, above: &[u32], width: u32) -> Option<Option<Changes>> {
    let (mut found, mut at, mut is_black, mut started) = (Changes::new(), 0_u32, false, false);
    while at < width {
        // The next change above of the other colour, and the one after it. Those before `at` are not looked at again: rows of
        // changes only move on.
        let first = above.partition_point(|&change| change < at || (started && change == at));
        let first = first + usize::from((first % 2 == 1) != is_black);
        let next = |index: usize| above.get(index).copied().unwrap_or(width);
        // The end is spelt out: zeros alone, as behind data that are cut short, are none.
        if reader.peek(7)? == 0 {
            return if !started && reader.peek(12)? == 1 { Some(None) } else { None };
        }
        match mode::decode(reader)? {
            Mode::Pass => at = next(first + 1),
            Mode::Horizontal => {
                for colour in [is_black, !is_black] {
                    at = at.checked_add(run(reader, colour)?).filter(|&at| at <= width)?;
                    push(&mut found, at, width);
                }
            }
            Mode::Vertical(shift) => {
                let to = next(first).checked_add_signed(shift.into()).filter(|&to| to >= at && to <= width)?;
                push(&mut found, to, width);
                (at, is_black) = (to, !is_black);
            }
            Mode::EOF | Mode::Extension => return None,
        }
        started = true;
    }
    Some(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_runs_of_every_length_comes_back() {
        // 3 white, 2 black, 64 + 1 white: 1000 11 11011 000111.
        let data = [0b1000_1111, 0b0110_0011, 0b1000_0000];
        assert_eq!(unfax(&data, Fax::Runs, 70, 1).unwrap(), [0b0001_1000, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(unfax(&data, Fax::Runs, 69, 1), None, "runs that are longer than the row");
        assert_eq!(unfax(&data, Fax::Runs, 71, 1), None, "runs that end before the row does");
    }

    #[test]
    fn rows_of_changes_come_back() {
        use fax::{Color, VecWriter, encoder::Encoder};
        for width in [1_u32, 7, 8, 65, 3001] {
            let mut seed = 7_u32;
            let mut rows: Vec<Vec<bool>> = vec![vec![true; width as usize], vec![false; width as usize]];
            for row in 0..20 {
                let mut line = rows[row].clone();
                for pixel in &mut line {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *pixel ^= seed >> 29 == 0;
                }
                rows.push(line);
            }
            let mut encoder = Encoder::new(VecWriter::new());
            for row in &rows {
                let colours = row.iter().map(|&black| if black { Color::Black } else { Color::White });
                let Ok(()) = encoder.encode_line(colours, width);
            }
            let Ok(writer) = encoder.finish();
            let unpacked = unfax(&writer.finish(), Fax::Group4, width, rows.len()).unwrap();
            for (line, row) in unpacked.chunks_exact((width as usize).div_ceil(8)).zip(&rows) {
                assert!(
                    row.iter().enumerate().all(|(col, &black)| (line[col / 8] >> (7 - col % 8)) & 1 == u8::from(black)),
                    "{width}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_code_is_no_image() {
        for fax in [Fax::Runs, Fax::Group3 { two_dimensional: false }, Fax::Group3 { two_dimensional: true }, Fax::Group4] {
            assert_eq!(unfax(&[], fax, 9, 1), None);
            assert_eq!(unfax(&[0; 99], fax, 9, 1), None);
        }
    }
}
