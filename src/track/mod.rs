//! Centrelines: given or found in the image, aligned to it, and the image resampled along them into strips.
