//! Every file of `../shared/tiffs` against what GDAL 3.10 reads from it (its `manifest.csv`), and JPEG pixels against
//! GDAL's (`data/jpeg_pixels.csv`, 60 random pixels of each band), since those differ a little between decoders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use yardwatch::raster::{RasterSource, Scene, SceneOptions, Window, checksum, open_raster};

const MEMORY_MIB: usize = 256;

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tiffs");
    if !folder.is_dir() {
        eprintln!("skipped: ../shared not present");
        return None;
    }
    Some(folder)
}

fn manifest(folder: &Path) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).unwrap();
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 126);
    rows
}

fn is_lossy(row: &HashMap<String, String>) -> bool {
    row["compression"] == "JPEG"
}

#[test]
fn pixels_size_type_and_nodata_are_those_that_gdal_reads() {
    let Some(folder) = shared() else { return };
    let mut compared = 0;
    for row in manifest(&folder).iter().filter(|row| !row["file"].starts_with("bad_")) {
        let file = row["file"].as_str();
        let source = open_raster(&folder.join(file), MEMORY_MIB).unwrap();
        assert_eq!(source.width().to_string(), row["width"], "{file}");
        assert_eq!(source.height().to_string(), row["height"], "{file}");
        assert_eq!(source.bands().to_string(), row["count"], "{file}");
        assert_eq!(source.sample_type().name(), row["dtype"], "{file}");
        let nodata = row["nodata"].parse::<f64>().ok();
        assert_eq!(source.nodata().map(f64::to_bits), nodata.map(f64::to_bits), "{file}");
        let sum = checksum(&*source).unwrap();
        assert_eq!(sum.valid_pixels.to_string(), row["valid_pixels"], "{file}");
        if !is_lossy(row) {
            assert_eq!(sum.sha256, row["pixels_sha256"], "{file}");
        }
        compared += 1;
    }
    assert_eq!(compared, 121);
}

#[test]
fn a_block_that_is_not_stored_is_empty_only_where_its_pixels_are_not_valid() {
    let Some(folder) = shared() else { return };
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("sparse.tif");
    std::fs::copy(folder.join("sparse.tif"), &path).unwrap();
    let (inside, beyond) = (Window::new(250, 170, 9, 9), Window::new(300, 170, 9, 9));
    let look = || {
        let source = Scene::open(&path, &SceneOptions::default()).unwrap().source;
        (source.is_empty(inside), source.is_empty(beyond), source.read(inside).unwrap().valid.contains(&true))
    };
    assert_eq!(look(), (false, false, true), "as in GDAL, where no value stands for nothing it reads as zeros");
    let aux = "<PAMDataset><PAMRasterBand band=\"1\"><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>";
    std::fs::write(copy.path().join("sparse.tif.aux.xml"), aux).unwrap();
    assert_eq!(look(), (true, false, false));
}

#[test]
fn jpeg_pixels_lie_within_the_stated_tolerance_of_gdal() {
    let Some(folder) = shared() else { return };
    let mut images: HashMap<String, Vec<Vec<f32>>> = HashMap::new();
    let mut reader = csv::Reader::from_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jpeg_pixels.csv")).unwrap();
    for row in reader.deserialize() {
        let (file, band, col, row, value): (String, usize, usize, usize, f32) = row.unwrap();
        let bands = images.entry(file.clone()).or_insert_with(|| {
            let source = open_raster(&folder.join(&file), MEMORY_MIB).unwrap();
            let block = source.read(whole(&*source)).unwrap();
            (0..block.bands).map(|band| block.band_f32(band)).collect()
        });
        let tolerance = if file.contains("ycbcr") || file == "cog_jpeg_3b_uint8.tif" { 20.0 } else { 4.0 };
        let found = bands[band][row * 301 + col];
        assert!((found - value).abs() <= tolerance, "{file} band {band} at {col},{row}: {found}, GDAL {value}");
    }
    assert_eq!(images.len(), 9);
}

fn whole(source: &dyn RasterSource) -> Window {
    Window::new(0, 0, source.width(), source.height())
}

#[test]
fn georeference_is_that_of_gdal() {
    let Some(folder) = shared() else { return };
    for row in manifest(&folder).iter().filter(|row| !row["file"].starts_with("bad_")) {
        let file = row["file"].as_str();
        let scene = match Scene::open(&folder.join(file), &SceneOptions::default()) {
            Ok(scene) => scene,
            Err(error) => {
                let expected = match file {
                    "gcps4.tif" => "gdalwarp",
                    "rpc.tif" => "gdalwarp -rpc",
                    "nogeo.tif" => "--gsd",
                    "palette.tif" => "gdal_translate -expand rgb",
                    _ => panic!("{error}"),
                };
                assert!(error.to_string().contains(expected), "{error}");
                continue;
            }
        };
        let georeference = scene.georeference.unwrap();
        let expected: Vec<f64> = row["geotransform"].split_whitespace().map(|number| number.parse().unwrap()).collect();
        // The manifest has x0 dx rx y0 ry dy, rounded to ten digits.
        for (found, expected) in georeference.geotransform.iter().zip(&expected) {
            assert!((found - expected).abs() <= 1e-9 * expected.abs().max(0.1), "{file}: {found} {expected}");
        }
        assert_eq!(georeference.epsg.map(|code| code.to_string()).unwrap_or_default(), row["epsg"], "{file}");
    }
}

#[test]
fn gsd_is_in_metres_on_the_ground_whatever_the_crs() {
    let Some(folder) = shared() else { return };
    let gsd = |file: &str| Scene::open(&folder.join(file), &SceneOptions::default()).unwrap().gsd_m;
    let close = |found: [f64; 2], expected: [f64; 2], tolerance: f64| {
        assert!(
            (found[0] - expected[0]).abs() < tolerance && (found[1] - expected[1]).abs() < tolerance,
            "{found:?} {expected:?}"
        );
    };
    close(gsd("tiled_lzw_g8.tif"), [0.5, 0.5], 1e-12);
    close(gsd("rotated.tif"), [0.5, 0.5], 1e-9);
    close(gsd("southup.tif"), [0.5, 0.5], 1e-12);
    close(gsd("wkt_custom_tm.tif"), [0.5, 0.5], 1e-12);
    // 5e-6 degrees at 37.55 N, as geographiclib has them.
    close(gsd("epsg4326.tif"), [0.4418, 0.5549], 1e-4);
    // Web Mercator: 0.5 m times cos(38 degrees) on the sphere; the ellipsoid differs by 0.2 % either way.
    close(gsd("epsg3857.tif"), [0.394, 0.394], 0.0015);
    assert_eq!(
        Scene::open(&folder.join("nogeo.tif"), &SceneOptions { gsd_m: Some(0.3), ..Default::default() }).unwrap().gsd_m,
        [0.3, 0.3]
    );
}

#[test]
fn a_user_defined_transverse_mercator_gives_positions() {
    let Some(folder) = shared() else { return };
    let scene = Scene::open(&folder.join("wkt_custom_tm.tif"), &SceneOptions::default()).unwrap();
    let georeference = scene.georeference.unwrap();
    let [lon, lat] = georeference.to_lonlat(150.0, 90.0).unwrap();
    let [col, row] = georeference.from_lonlat(lon, lat).unwrap();
    assert!((col - 150.0).abs() < 1e-5 && (row - 90.0).abs() < 1e-5, "{lon} {lat} -> {col} {row}");
}

#[test]
fn windows_are_the_same_as_the_whole_for_every_layout() {
    let Some(folder) = shared() else { return };
    let windows =
        [(0, 0, 1, 1), (300, 178, 1, 1), (127, 127, 3, 3), (0, 50, 301, 1), (77, 0, 1, 179), (100, 60, 150, 100), (5, 5, 0, 4)];
    for row in manifest(&folder).iter().filter(|row| !row["file"].starts_with("bad_")) {
        let file = row["file"].as_str();
        let source = open_raster(&folder.join(file), MEMORY_MIB).unwrap();
        let all = source.read(whole(&*source)).unwrap();
        for (col, row, width, height) in windows {
            let window = Window::new(col, row, width, height);
            let block = source.read(window).unwrap();
            assert_eq!(block.samples.len(), window.pixels() * block.bands, "{file}");
            for band in 0..block.bands {
                let alone = source.read_band(window, band).unwrap();
                for y in 0..height {
                    for x in 0..width {
                        let here = (y * width + x) as usize;
                        let there = ((row + y) * 301 + col + x) as usize;
                        let expected = all.samples.get(band * 301 * 179 + there);
                        assert_eq!(block.samples.get(band * window.pixels() + here), expected, "{file} {window:?}");
                        assert_eq!(alone.get(here), expected, "{file} {window:?}");
                        assert_eq!(block.valid[here], all.valid[there], "{file} {window:?}");
                    }
                }
            }
        }
        assert!(source.read(Window::new(300, 0, 2, 1)).is_err(), "{file}");
        assert!(source.read(Window::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX)).is_err(), "{file}");
        assert!(source.read_band(Window::new(0, 0, 1, 1), source.bands()).is_err(), "{file}");
    }
}

#[test]
fn threads_that_read_at_the_same_time_see_the_same_pixels() {
    let Some(folder) = shared() else { return };
    let source = open_raster(&folder.join("cog_zstd_4b_uint16.tif"), MEMORY_MIB).unwrap();
    let all = source.read(whole(&*source)).unwrap();
    let source = &*source;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(source.read(whole(source)).unwrap(), all));
        }
    });
}

#[test]
fn damaged_files_of_the_set_are_refused_with_a_reason() {
    let Some(folder) = shared() else { return };
    for (file, reason) in [
        ("bad_corrupt_mid.tif", "damaged"),
        ("bad_huge_dims.tif", "cut short"),
        ("bad_truncated_half.tif", "cut short"),
        ("bad_zero_dims.tif", "0x0"),
        ("bad_ifd_loop.tif", "loop"),
    ] {
        let error = open_raster(&folder.join(file), MEMORY_MIB).and_then(|source| checksum(&*source)).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(reason), "{error}");
    }
}

/// An uncompressed little-endian TIFF of one row.
fn tiny(width: u16, samples: u16, bits: u16, format: u16, photometric: u16, data: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let after = 8 + 2 + 10 * 12 + 4;
    let tags: [(u16, u16, u32, u32); 10] = [
        (256, 3, 1, width.into()),
        (257, 3, 1, 1),
        (258, 3, samples.into(), if samples > 2 { after } else { u32::from(bits) << 16 | u32::from(bits) }),
        (259, 3, 1, 1),
        (262, 3, 1, photometric.into()),
        (273, 4, 1, after + 16),
        (277, 3, 1, samples.into()),
        (278, 3, 1, 1),
        (279, 4, 1, data.len() as u32),
        (339, 3, 1, format.into()),
    ];
    file.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    (0..8).for_each(|_| file.extend(bits.to_le_bytes()));
    file.extend(data);
    file
}

fn read_tiny(file: &[u8]) -> (Box<dyn RasterSource>, Vec<f64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.tif");
    std::fs::write(&path, file).unwrap();
    let source = open_raster(&path, MEMORY_MIB).unwrap();
    let samples = source.read(whole(&*source)).unwrap().samples;
    let values: Vec<f64> = (0..samples.len()).filter_map(|index| samples.get(index)).collect();
    for band in 0..source.bands() {
        let width = source.width() as usize;
        let alone = source.read_band(whole(&*source), band).unwrap();
        assert!((0..width).all(|i| alone.get(i) == Some(values[band * width + i])), "band {band}");
    }
    (source, values)
}

#[test]
fn floats_of_16_bits_are_read_as_32_bits_as_in_gdal() {
    // 1, -2.5, the largest, the smallest, and a subnormal.
    let stored: [u16; 5] = [0x3C00, 0xC100, 0x7BFF, 0x0001, 0x03FF];
    let data: Vec<u8> = stored.iter().flat_map(|half| half.to_le_bytes()).collect();
    let (source, values) = read_tiny(&tiny(5, 1, 16, 3, 1, &data));
    assert_eq!(source.sample_type().name(), "float32");
    assert_eq!(values, [1.0, -2.5, 65504.0, 2f64.powi(-24), 1023.0 * 2f64.powi(-24)]);
}

#[test]
fn inks_of_8_bits_are_read_as_red_green_blue_and_alpha_as_in_gdal_and_those_of_16_bits_as_they_are() {
    let (source, values) = read_tiny(&tiny(2, 4, 8, 1, 5, &[0, 128, 255, 51, 10, 20, 30, 0]));
    assert_eq!((source.bands(), source.alpha()), (4, Some(3)));
    assert_eq!(values, [204.0, 245.0, 101.0, 235.0, 0.0, 225.0, 255.0, 255.0]);
    let data: Vec<u8> = [1u16, 2, 3, 4].iter().flat_map(|ink| ink.to_le_bytes()).collect();
    let (source, values) = read_tiny(&tiny(1, 4, 16, 1, 5, &data));
    assert_eq!((source.alpha(), values), (None, vec![1.0, 2.0, 3.0, 4.0]));
}

/// Makes another entry of one of a `tiny` file's, with values in the entry itself.
fn retag(file: &mut [u8], from: u16, to: u16, count: u32, value: u32) {
    let entry = file[10..].chunks_exact_mut(12).find(|entry| entry[..2] == from.to_le_bytes()).unwrap();
    entry[..2].copy_from_slice(&to.to_le_bytes());
    entry[4..8].copy_from_slice(&count.to_le_bytes());
    entry[8..].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn a_predictor_of_a_compression_that_has_none_is_ignored_as_in_libtiff() {
    let mut file = tiny(4, 1, 8, 1, 1, &[7, 1, 2, 250]);
    retag(&mut file, 278, 317, 1, 2);
    assert_eq!(read_tiny(&file).1, [7.0, 1.0, 2.0, 250.0]);
}

#[test]
fn an_only_strip_of_no_length_is_read_and_not_black() {
    let mut file = tiny(4, 1, 8, 1, 1, &[7, 1, 2, 250]);
    retag(&mut file, 279, 279, 1, 0);
    assert_eq!(read_tiny(&file).1, [7.0, 1.0, 2.0, 250.0]);
}

#[test]
fn colours_that_libtiff_does_not_know_are_read_as_they_are() {
    assert_eq!(read_tiny(&tiny(3, 1, 8, 1, 999, &[7, 1, 250])).1, [7.0, 1.0, 250.0]);
}

#[test]
fn luma_with_differences_and_lab_become_the_colours_that_gdal_shows() {
    // Three pixels of each, and what GDAL 3.10 reads from them.
    let mut file = tiny(3, 3, 8, 1, 6, &[153, 78, 48, 48, 23, 254, 119, 50, 78]);
    retag(&mut file, 278, 530, 2, 0x0001_0001);
    let (source, values) = read_tiny(&file);
    assert_eq!((source.bands(), source.alpha()), (3, None));
    assert_eq!(values, [41.0, 225.0, 49.0, 227.0, 0.0, 182.0, 64.0, 0.0, 0.0]);
    let (source, values) = read_tiny(&tiny(3, 3, 8, 1, 8, &[16, 6, 100, 58, 202, 115, 230, 206, 29]));
    assert_eq!((source.bands(), source.alpha()), (4, Some(3)));
    assert_eq!(values, [59.0, 0.0, 159.0, 0.0, 72.0, 249.0, 0.0, 0.0, 146.0, 255.0, 255.0, 255.0]);
}

#[test]
fn the_only_strip_needs_no_length() {
    let mut file = tiny(4, 1, 8, 1, 1, &[7, 1, 2, 250]);
    retag(&mut file, 279, 65000, 1, 0);
    assert_eq!(read_tiny(&file).1, [7.0, 1.0, 2.0, 250.0]);
}

/// `info` showed the band as alpha, and what it makes invisible was counted on.
#[test]
fn alpha_that_only_gdals_metadata_name_is_a_mask_as_in_gdal() {
    let mut file = tiny(2, 2, 8, 1, 1, &[7, 0, 9, 255]);
    let text = "<GDALMetadata><Item name=\"COLORINTERP\" sample=\"1\" role=\"colorinterp\">Alpha</Item></GDALMetadata>\0";
    let offset = file.len() as u32;
    file.extend(text.as_bytes());
    retag(&mut file, 278, 42112, text.len() as u32, offset);
    let entry = file[10..].chunks_exact_mut(12).find(|entry| entry[..2] == 42112u16.to_le_bytes()).unwrap();
    entry[2] = 2; // text
    let (source, values) = read_tiny(&file);
    assert_eq!((source.alpha(), values), (Some(1), vec![7.0, 9.0, 0.0, 255.0]));
    assert_eq!(source.read(whole(&*source)).unwrap().valid, [false, true]);
}

#[test]
fn more_extra_samples_than_there_is_room_for_are_no_alpha() {
    let mut file = tiny(2, 3, 8, 1, 2, &[7, 1, 0, 250, 9, 8]);
    retag(&mut file, 278, 338, 1, 2);
    let (source, values) = read_tiny(&file);
    assert_eq!((source.alpha(), values), (None, vec![7.0, 250.0, 1.0, 9.0, 0.0, 8.0]));
    // Red, green and blue of one band, as GDAL reads it.
    assert_eq!(read_tiny(&tiny(3, 1, 8, 1, 2, &[7, 1, 250])).1, [7.0, 1.0, 250.0]);
}

#[test]
fn samples_of_17_to_31_bits_are_read_as_32_bits_as_in_gdal() {
    // 0x12345, 0xFFFFF and 0x00001, most significant bits first.
    let (source, values) = read_tiny(&tiny(3, 1, 20, 1, 1, &[0x12, 0x34, 0x5F, 0xFF, 0xFF, 0x00, 0x00, 0x10]));
    assert_eq!(source.sample_type().name(), "uint32");
    assert_eq!(values, [74565.0, 1_048_575.0, 1.0]);
    // Signed ones have no sign in GDAL; 24 bits are in the order of any other number of bits.
    assert_eq!(read_tiny(&tiny(2, 1, 24, 2, 1, &[0xFF, 0, 1, 0, 2, 0])).1, [16_711_681.0, 512.0]);
}

#[test]
fn floats_of_24_bits_are_read_as_32_bits_as_in_gdal() {
    // 1, -2.5, the smallest of all, infinity: sign, 7 bits of exponent, 16 of mantissa.
    let data = [0x00, 0x00, 0x3F, 0x00, 0x40, 0xC0, 0x01, 0x00, 0x00, 0x00, 0x00, 0x7F];
    let (source, values) = read_tiny(&tiny(4, 1, 24, 3, 1, &data));
    assert_eq!(source.sample_type().name(), "float32");
    assert_eq!(values, [1.0, -2.5, 2f64.powi(-78), f64::INFINITY]);
}

#[test]
fn complex_numbers_are_hashed_as_in_gdal_and_looked_at_by_their_amplitude() {
    let parts: [f32; 4] = [3.0, 4.0, 0.0, -2.5];
    let data: Vec<u8> = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
    let (source, values) = read_tiny(&tiny(2, 1, 64, 6, 1, &data));
    assert_eq!((source.sample_type().name(), source.bands(), values), ("complex64", 1, vec![5.0, 2.5]));
    // Two bands of whole numbers: GDAL gives them as floats too.
    let data: Vec<u8> = [3_i16, 4, -5, 12].iter().flat_map(|part| part.to_le_bytes()).collect();
    let file = tiny(1, 2, 32, 5, 1, &data);
    let (source, values) = read_tiny(&file);
    assert_eq!((source.sample_type().name(), source.bands(), values), ("complex64", 2, vec![5.0, 13.0]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.tif");
    std::fs::write(&path, file).unwrap();
    // SHA-256 of what GDAL 3.10 reads: [3+4j], [-5+12j] as complex64.
    let sum = checksum(&*open_raster(&path, MEMORY_MIB).unwrap()).unwrap();
    assert_eq!(sum.sha256, "86f34e354a3a59ce2b8b3d78117046dd1833deb73b3035912d466b8c7103dd70");
}

#[test]
fn blocks_with_more_than_belongs_to_them_are_read() {
    // PackBits: three literal bytes and a run of six, of which one is left over.
    let mut file = tiny(8, 1, 8, 1, 1, &[2, 7, 1, 250, 251, 9]);
    retag(&mut file, 259, 259, 1, 32773);
    assert_eq!(read_tiny(&file).1, [7.0, 1.0, 250.0, 9.0, 9.0, 9.0, 9.0, 9.0]);
}

#[test]
fn lzw_as_it_was_before_tiff_6_is_read() {
    let pixels: Vec<u8> = (0..3000_u32).map(|index| (index * index / 97) as u8).collect();
    let stored = weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 8).encode(&pixels).unwrap();
    let mut file = tiny(3000, 1, 8, 1, 1, &stored);
    retag(&mut file, 259, 259, 1, 5);
    assert!(read_tiny(&file).1.iter().zip(&pixels).all(|(&read, &pixel)| read == f64::from(pixel)));
}

/// A JPEG of 16 gray columns and so many rows, each of one value.
fn jpeg_of(rows: u32) -> Vec<u8> {
    let picture = image::GrayImage::from_fn(16, rows, |_, y| image::Luma([(y / 8 * 40) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[test]
fn jpeg_that_is_higher_than_its_strip_is_cut() {
    let mut file = tiny(16, 1, 8, 1, 1, &jpeg_of(24));
    retag(&mut file, 257, 257, 1, 12);
    retag(&mut file, 278, 278, 1, 12);
    retag(&mut file, 259, 259, 1, 7);
    let values = read_tiny(&file).1;
    assert_eq!(values.len(), 16 * 12);
    assert!(values[..128].iter().all(|value| value.abs() < 3.0) && values[128..].iter().all(|value| (value - 40.0).abs() < 3.0));
}

/// Why a TIFF is not read.
fn refusal(file: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.tif");
    std::fs::write(&path, file).unwrap();
    open_raster(&path, MEMORY_MIB).and_then(|source| checksum(&*source)).unwrap_err().to_string()
}

#[test]
fn what_is_not_read_says_what_it_is_and_what_to_do() {
    let with = |mut file: Vec<u8>, tag: u16, value: u32| {
        retag(&mut file, if tag == 259 { 259 } else { 278 }, tag, 1, value);
        refusal(&file)
    };
    let with_deflate = |mut file: Vec<u8>| {
        retag(&mut file, 259, 259, 1, 8);
        file
    };
    let gray = || tiny(4, 1, 8, 1, 1, &[7, 1, 2, 250]);
    let floats = || tiny(4, 1, 32, 3, 1, &[0; 16]);
    for (sentence, expected) in [
        (with(gray(), 259, 34712), "JPEG 2000"),
        (with(gray(), 259, 6), "old-style JPEG"),
        (with(gray(), 259, 50002), "JPEG XL"),
        (with(with_deflate(tiny(2, 1, 64, 6, 1, &[0; 16])), 317, 2), "complex numbers with a predictor"),
        (refusal(&tiny(4, 1, 10, 3, 1, &[0; 8])), "10 bits"),
        (refusal(&tiny(2, 3, 16, 1, 32845, &[0; 12])), "LogLuv"),
        (with(tiny(1, 4, 8, 1, 5, &[1, 2, 3, 4]), 274, 3), "orientation"),
    ] {
        assert!(sentence.contains(expected) && sentence.contains("`gdal_"), "{expected}: {sentence}");
    }
    // The predictor of floats, on whole numbers: libtiff refuses it too.
    let mut file = tiny(4, 1, 16, 1, 1, &[0; 8]);
    retag(&mut file, 278, 317, 1, 3);
    retag(&mut file, 259, 259, 1, 8);
    assert!(refusal(&file).contains("predictor"), "{}", refusal(&file));
    assert!(with(floats(), 259, 5).contains("damaged in block 0"));
}

#[test]
fn a_sparse_image_of_many_bands_keeps_to_the_memory_too() {
    let mut file = tiny(64, 1, 8, 1, 1, &[]);
    retag(&mut file, 277, 277, 1, 60_000);
    retag(&mut file, 257, 257, 1, 64);
    retag(&mut file, 273, 273, 1, 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.tif");
    std::fs::write(&path, file).unwrap();
    let source = open_raster(&path, 64).unwrap();
    let error = source.read(Window::new(0, 0, 64, 64)).unwrap_err().to_string();
    assert!(error.contains("--max-memory"), "{error}");
}
