//! A rectangle of pixels.

use serde::Serialize;

/// A rectangle of pixels: its top-left pixel and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Window {
    /// Leftmost column.
    pub col: u32,
    /// Topmost row.
    pub row: u32,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Window {
    /// A window from its top-left pixel and its size.
    pub fn new(col: u32, row: u32, width: u32, height: u32) -> Self {
        Self { col, row, width, height }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The first column to the right of the window.
    pub fn right(&self) -> u64 {
        u64::from(self.col) + u64::from(self.width)
    }

    /// The first row below the window.
    pub fn bottom(&self) -> u64 {
        u64::from(self.row) + u64::from(self.height)
    }

    /// Whether the window lies inside an image of this size.
    pub fn fits(&self, width: u32, height: u32) -> bool {
        self.right() <= u64::from(width) && self.bottom() <= u64::from(height)
    }

    /// The common part of two windows, if there is one.
    pub fn intersection(&self, other: &Window) -> Option<Window> {
        let (col, row) = (self.col.max(other.col), self.row.max(other.row));
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        // Both ends come from u32 edges, so the differences fit.
        (right > u64::from(col) && bottom > u64::from(row)).then(|| Window {
            col,
            row,
            width: (right - u64::from(col)) as u32,
            height: (bottom - u64::from(row)) as u32,
        })
    }
}
