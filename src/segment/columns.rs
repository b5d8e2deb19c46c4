//! Column evidence: what the strip network says of every half metre of track.
//!
//! A few two-dimensional convolutions fold the strip's width into features, then dilated convolutions along the track (Yu and Koltun,
//! "Multi-scale context aggregation by dilated convolutions", 2016) look 31 m both ways. `training/strip_net.py` makes the weights.

use std::sync::OnceLock;

use super::class::Class;
use crate::threshold::convolution::{Convolution, Shape};
use crate::threshold::network::{Maps, Weights, logistic};
use crate::threshold::spare::Spare;
use crate::track::strip::{ALONG_M, ROWS, turned};

/// Length of a column, metres: two samples of a strip.
pub const COLUMN_M: f64 = 2.0 * ALONG_M;
/// The classes that the network tells apart, in its order.
pub const CLASSES: [Class; 7] =
    [Class::Gondola, Class::Boxcar, Class::Tank, Class::Hopper, Class::Flat, Class::Locomotive, Class::Coach];
/// Features along the track.
const FEATURES: usize = 80;
/// The network's answer that has a direction: the offset.
const OFFSET: usize = 11;
/// The first of its answers about a whole body, which `training/class_head.py` fits.
const BODY: usize = 12;
/// The first of its three answers about rolling stock, which `training/stock_head.py` fits.
const STOCK: usize = BODY + CLASSES.len();
/// Numbers that the network answers with for each column.
const ANSWERS: usize = STOCK + 3;
/// Dilations of the convolutions along the track.
const DILATIONS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// Evidence of one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Log probabilities of empty track, car body, and the gap at a car's end.
    pub state: [f32; 3],
    /// Scores of [`CLASSES`] for the column by itself, before normalisation.
    pub class: [f32; 7],
    /// Scores of [`CLASSES`] whose means over a body say what it is, before normalisation.
    pub body: [f32; 7],
    /// Whether a body is rolling stock: what a column within it says, one just beyond its end, and a bare one of its line. See [`super::stock`].
    pub stock: [f32; 3],
    /// Probability that the strip is centred on a track.
    pub on_track: f32,
    /// Where the centre of the track or car lies, metres to the right of the strip's axis.
    pub offset_m: f32,
    /// Whether the column was seen at all (not nodata, not beyond the image).
    pub seen: bool,
}

impl Column {
    /// Whether something seems to stand there.
    pub fn is_occupied(&self) -> bool {
        self.seen && self.state[0] <= 0.5f32.ln()
    }

    /// Whether the track seems to lie bare.
    pub fn is_bare(&self) -> bool {
        self.seen && !self.is_occupied()
    }
}

struct StripNetwork {
    across: [Convolution; 3],
    mix: Convolution,
    along: Vec<Convolution>,
    head: Convolution,
}

impl StripNetwork {
    fn shared() -> &'static Self {
        static NETWORK: OnceLock<StripNetwork> = OnceLock::new();
        NETWORK.get_or_init(|| Self::read(&mut Weights::new(include_bytes!("strip_weights.bin"))))
    }

    fn read(weights: &mut Weights) -> Self {
        let narrowing = |kernel, stride, padding| Shape { kernel, stride, padding, dilation: 1 };
        let across = [
            weights.convolution(6, 24, narrowing((3, 5), (2, 2), (1, 2))),
            weights.convolution(24, 32, narrowing((3, 3), (2, 1), (1, 1))),
            weights.convolution(32, 48, narrowing((3, 3), (2, 1), (1, 1))),
        ];
        let mix = weights.convolution(48 * ROWS / 8, FEATURES, Shape::point());
        let along = DILATIONS
            .iter()
            .map(|&dilation| {
                let shape = Shape { kernel: (1, 3), stride: (1, 1), padding: (0, dilation), dilation };
                weights.convolution(FEATURES, FEATURES, shape)
            })
            .collect();
        let head = weights.convolution(FEATURES, ANSWERS, Shape::point());
        Self { across, mix, along, head }
    }

    fn apply(&self, strip: &Maps, spare: &mut Spare) -> Maps {
        let wide = self.across[0].apply(strip, true, spare);
        let narrower = self.across[1].apply(&wide, true, spare);
        spare.keep(wide.data);
        let narrow = self.across[2].apply(&narrower, true, spare);
        spare.keep(narrower.data);
        let flat = Maps { channels: narrow.channels * narrow.rows, rows: 1, ..narrow };
        let mut x = self.mix.apply(&flat, true, spare);
        spare.keep(flat.data);
        for layer in &self.along {
            let change = layer.apply(&x, true, spare);
            x.data.iter_mut().zip(&change.data).for_each(|(a, b)| *a += b);
            spare.keep(change.data);
        }
        // Its answers are kept for long, and take little.
        let answers = self.head.apply(&x, false, &mut Spare::default());
        spare.keep(x.data);
        answers
    }
}

/// What the network answers to a strip, before probabilities are made of it.
#[derive(Debug)]
pub struct Reading {
    out: Maps,
    seen: Vec<bool>,
}

impl Reading {
    /// Reads a strip in its direction of travel.
    pub fn of(strip: &Maps, spare: &mut Spare) -> Self {
        if strip.cols < 2 {
            return Self { out: Maps::zeros(ANSWERS, 1, 0), seen: Vec::new() };
        }
        let out = StripNetwork::shared().apply(strip, spare);
        let valid = &strip.plane(3)[ROWS / 2 * strip.cols..];
        let seen = (0..out.cols).map(|i| valid[2 * i] > 0.0 && valid[2 * i + 1] > 0.0).collect();
        Self { out, seen }
    }

    /// Its mean with the reading of the same strip in the other direction: the network has learnt both, and what it gets wrong by chance it
    /// seldom gets wrong in both (an average over views as by Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
    /// convolutional neural networks", 2012).
    pub fn and_back(mut self, strip: &Maps, spare: &mut Spare) -> Self {
        if self.seen.is_empty() {
            return self;
        }
        let back = StripNetwork::shared().apply(&turned(strip), spare);
        let cols = self.out.cols;
        for (channel, (there, back)) in self.out.data.chunks_exact_mut(cols).zip(back.data.chunks_exact(cols)).enumerate() {
            let sign = if channel == OFFSET { -1.0 } else { 1.0 };
            there.iter_mut().zip(back.iter().rev()).for_each(|(there, back)| *there = 0.5 * (*there + sign * back));
        }
        self
    }

    /// The evidence of every column.
    pub fn columns(&self) -> Vec<Column> {
        let column = |(i, &seen): (usize, &bool)| {
            let at = |channel: usize| self.out.plane(channel)[i];
            Column {
                state: log_softmax([at(0), at(1), at(2)]),
                class: std::array::from_fn(|k| at(3 + k)),
                body: std::array::from_fn(|k| at(BODY + k)),
                stock: std::array::from_fn(|k| at(STOCK + k)),
                on_track: logistic(at(10)),
                offset_m: 2.0 * at(OFFSET),
                seen,
            }
        };
        self.seen.iter().enumerate().map(column).collect()
    }
}

fn log_softmax<const N: usize>(scores: [f32; N]) -> [f32; N] {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let log = scores.iter().map(|s| (s - top).exp()).sum::<f32>().ln() + top;
    scores.map(|s| s - log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::network::probe;

    #[test]
    fn the_weight_file_is_read_to_its_end_and_answers_as_the_training_framework_did() {
        let mut weights = Weights::new(include_bytes!("strip_weights.bin"));
        let network = StripNetwork::read(&mut weights);
        assert_eq!(weights.left(), 0);
        let out = network.apply(&probe(6, ROWS, 200), &mut Spare::default());
        assert_eq!((out.channels, out.cols), (ANSWERS, 100));
        let answers: serde_json::Value = serde_json::from_str(include_str!("../threshold/probe.json")).unwrap();
        for (i, answer) in answers["strip"].as_array().unwrap().iter().enumerate() {
            let (channel, col) = (i / 4, 20 + i % 4 * 20);
            let (own, answer) = (f64::from(out.plane(channel)[col]), answer.as_f64().unwrap());
            assert!(
                (own - answer).abs() < 2e-3 * answer.abs().max(1.0),
                "channel {channel}, column {col}: {own} against {answer}"
            );
        }
    }

    #[test]
    fn the_mean_of_both_directions_is_the_same_from_either_end() {
        let strip = probe(6, ROWS, 64);
        let one = |strip: &Maps| Reading::of(strip, &mut Spare::default());
        let both = |strip: &Maps| one(strip).and_back(strip, &mut Spare::default()).columns();
        let (there, back) = (both(&strip), both(&turned(&strip)));
        assert!(there.iter().zip(&one(&strip).columns()).any(|(mean, one)| mean.state != one.state), "it is no mean");
        for (there, back) in there.iter().zip(back.iter().rev()) {
            assert_eq!((there.state, there.class, there.on_track), (back.state, back.class, back.on_track));
            assert_eq!((there.body, there.stock), (back.body, back.stock));
            assert_eq!(there.offset_m, -back.offset_m);
        }
    }
}
