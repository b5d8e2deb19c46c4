//! Memory that the maps of the networks are written into again: to have every page of it given anew by the system took a quarter of the yard network's
//! time.

use std::sync::{Mutex, PoisonError};

/// Memory of maps that are not needed any more, for those to come.
#[derive(Debug, Default)]
pub struct Spare(Vec<Vec<f32>>);

impl Spare {
    /// Keeps the memory of numbers that are not needed any more.
    pub fn keep(&mut self, floats: Vec<f32>) {
        self.0.push(floats);
    }

    /// So many numbers, whatever they are: in the smallest memory that holds them, else in new memory for the largest that did not.
    pub(super) fn floats(&mut self, number: usize) -> Vec<f32> {
        let fits = (0..self.0.len()).filter(|&i| self.0[i].capacity() >= number).min_by_key(|&i| self.0[i].capacity());
        let Some(fits) = fits else {
            if let Some(largest) = (0..self.0.len()).max_by_key(|&i| self.0[i].capacity()) {
                self.0.swap_remove(largest);
            }
            return vec![0.0; number];
        };
        let mut floats = self.0.swap_remove(fits);
        floats.resize(number, 0.0);
        floats
    }
}

/// Spare memory of as many as are at work at a time.
#[derive(Debug, Default)]
pub struct Spares(Mutex<Vec<Spare>>);

impl Spares {
    /// Does some work with spare memory that nobody else has meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&mut Spare) -> T) -> T {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spare = held().pop().unwrap_or_default();
        let done = work(&mut spare);
        held().push(spare);
        done
    }
}
