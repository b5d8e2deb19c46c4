//! Luma and colour differences (YCbCr) of 8 bits to red, green and blue, in libtiff's whole numbers: GDAL shows no others.

use tiff_reader::Ifd;

const TAG_COEFFICIENTS: u16 = 529;
/// Bits behind the point.
const SHIFT: u32 = 16;

/// Tables from a sample to its share in each colour.
pub(crate) struct YCbCr {
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    blue_of_cb: [i32; 256],
    green_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
}

impl YCbCr {
    /// The tables of an image, by its `YCbCrCoefficients` and `ReferenceBlackWhite`.
    pub(crate) fn new(ifd: &Ifd) -> Self {
        let [red, green, blue] = coefficients(ifd).unwrap_or([0.299, 0.587, 0.114]);
        let range = ifd.reference_black_white().ok().flatten().map(|range| range.map(|value| value as f32));
        let range = range.unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        let fixed = |factor: f32| (f64::from(factor.clamp(0.0, 2.0)) * f64::from(1 << SHIFT) + 0.5) as i32;
        let value = |code: i32, black: f32, white: f32, span: f32| {
            let width = if white - black == 0.0 { 1.0 } else { white - black };
            // Whole numbers, but as floats: the file may name any.
            ((code as f32 - black.trunc()) * span / width).clamp(-4096.0, 4096.0) as i32
        };
        let [from_cr, from_cb] = [2.0 - 2.0 * red, 2.0 - 2.0 * blue];
        let [green_cr, green_cb] = [-fixed(red * from_cr / green), -fixed(blue * from_cb / green)];
        let half = 1 << (SHIFT - 1);
        let table = |f: &dyn Fn(i32) -> i32| std::array::from_fn(|index| f(index as i32));
        let cb = |index: i32| value(index - 128, range[2] - 128.0, range[3] - 128.0, 127.0);
        let cr = |index: i32| value(index - 128, range[4] - 128.0, range[5] - 128.0, 127.0);
        Self {
            luma: table(&|index| value(index, range[0], range[1], 255.0)),
            red_of_cr: table(&|index| (fixed(from_cr) * cr(index) + half) >> SHIFT),
            blue_of_cb: table(&|index| (fixed(from_cb) * cb(index) + half) >> SHIFT),
            green_of_cr: table(&|index| green_cr * cr(index)),
            green_of_cb: table(&|index| green_cb * cb(index) + half),
        }
    }

    /// Red, green and blue of a pixel.
    pub(crate) fn to_rgb(&self, pixel: &[u8]) -> [u8; 3] {
        let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(usize::from);
        let luma = self.luma[y];
        let green = luma + ((self.green_of_cb[cb] + self.green_of_cr[cr]) >> SHIFT);
        [luma + self.red_of_cr[cr], green, luma + self.blue_of_cb[cb]].map(|value| value.clamp(0, 255) as u8)
    }
}

fn coefficients(ifd: &Ifd) -> Option<[f32; 3]> {
    let values = ifd.tag(TAG_COEFFICIENTS)?.value.as_f64_vec()?;
    let &[red, green, blue] = values.as_slice() else { return None };
    // What makes no sense would divide by nothing.
    (green > 0.0).then(|| [red, green, blue].map(|value| value as f32))
}
