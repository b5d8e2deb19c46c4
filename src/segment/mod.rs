//! Strips to vehicles: column evidence, the semi-Markov segmentation, side-by-side tracks, class.
