//! What an image is: a `RasterSource` (size, bands, sample type, mask; reads windows), one file per format behind it,
//! and the scene around it: where it lies, how large a pixel is, when it was acquired.
