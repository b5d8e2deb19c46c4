//! Things by column and row of a grid. The maps are asked for every point of every line, and the standard library's hash, which nobody who chooses
//! the keys can make collide, would take longer than all else there.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Things, by two numbers that say where they are.
pub type PlaceMap<T> = HashMap<(i64, i64), T, BuildHasherDefault<PlaceHasher>>;

/// Mixes numbers by multiplication (Knuth, "The art of computer programming", volume 3, section 6.4).
#[derive(Debug, Default, Clone, Copy)]
pub struct PlaceHasher(u64);

impl Hasher for PlaceHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_i64(i64::from(byte)));
    }

    fn write_i64(&mut self, number: i64) {
        self.0 = (self.0.rotate_left(32) ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The table looks at the lowest bits, which know only the lowest ones of the numbers.
        self.0 ^ self.0 >> 32
    }
}
