//! Many days and sites at once: p-values adjusted for the number of looks.

/// Benjamini-Hochberg adjusted p-values (q-values), in the order given: flagging all days with `q <= 0.05` keeps the expected share
/// of false ones among the flagged at 5 %. Benjamini and Hochberg 1995; the same as R's `p.adjust(method = "BH")`.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(a.cmp(b)));
    let count = p.len() as f64;
    let mut q = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (position, index) in order.into_iter().enumerate() {
        least = least.min(p[index] * count / (count - position as f64));
        q[index] = least;
    }
    q
}
