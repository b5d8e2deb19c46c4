//! The grid of cores and halos, and the parallel walk over it under a memory budget.
