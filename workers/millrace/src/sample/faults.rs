//! What is wrong in real exports, in doses.

/// Where faults lie. They recur at fixed distances rather than by chance, and none before half its distance: so their share
/// stays about the same in a sample of any size, and a small sample is never mostly faults.
pub(super) struct Faults {
    seed: u64,
}

impl Faults {
    /// The faults of a sample.
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Whether the row of that number has the fault that one of `every` rows has.
    pub(super) fn at(&self, row: u64, every: u64) -> bool {
        row % every == every / 2 + self.seed % (every / 2)
    }
}

/// What operators write. Commas, quotes, umlauts and line breaks are in it on purpose.
pub(super) const REMARKS: [&str; 12] = [
    "ok",
    "Düse gereinigt",
    "Anlauf verzögert, Material fehlte",
    "new roll, re-threaded",
    "Sollwert \"hoch\" gewählt",
    "Störung Förderband\nneu gestartet nach 15 min",
    "sample sent to lab",
    "tool change, 2nd setup",
    "Größe nachgemessen; i. O.",
    "short stop (sensor)",
    "Übergabe an Nachtschicht",
    "příliš vysoká teplota",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_keep_their_share_in_samples_of_any_size() {
        for seed in [0, 1, 42, u64::MAX] {
            let faults = Faults::new(seed);
            let found = (0..10_000).filter(|row| faults.at(*row, 100)).count();
            assert_eq!(found, 100);
            assert!((0..50).all(|row| !faults.at(row, 100)));
        }
    }
}
