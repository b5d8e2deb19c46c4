//! What is hidden of a yard hides its cars string by string, not one by one.
//!
//! With `n` cars in strings of `s`, of which each is seen or hidden as a whole, the visible share of the cars has the mean `c` of cars
//! that are hidden one by one, but the variance `c (1 - c) s / n`, about. Two shares of that mean and variance stand for all that may be:
//! where the cars are one string, it is seen or it is not.

/// Cars that stand together, the mean over cars.
const STRING: f64 = 10.0;

/// Even few cars need not be one string.
const ONE_STRING: f64 = 0.9;

/// So much of a yard may be unseen without a string being hidden whole: edges of shadow and snow, the ends of tracks.
const SCATTERED: f64 = 0.05;

/// Share of a yard that may hide strings, given how much of it was seen.
pub(super) fn hidden(coverage: f64) -> f64 {
    (1.0 - coverage - SCATTERED).clamp(0.0, 1.0 - SCATTERED)
}

/// By how many times more or fewer of the cars than their share may be seen, each with its probability; `level` is the number of cars
/// of the whole yard. For what one day may show: of a history of partly seen days two shares would ask too much.
pub(super) fn shares(hidden: f64, level: f64) -> [(f64, f64); 2] {
    let together = together(level).sqrt();
    [(1.0 + together * hidden / (1.0 - hidden), 1.0 - hidden), (1.0 - together, hidden)]
}

/// The size of a negative binomial of the cars seen on one of many days, given that of the yard's own: their share varies as that of
/// [`shares`], but is any, since days that all show about the same would be explained by one of two shares, and the level be wrong.
pub(super) fn size_seen(size: f64, hidden: f64, level: f64) -> f64 {
    1.0 / (1.0 / size + together(level) * hidden / (1.0 - hidden))
}

/// The part of the cars that is one string.
fn together(level: f64) -> f64 {
    (STRING / level).min(ONE_STRING)
}
