//! Chance that is the same on every machine and in every version.
//!
//! A library's generator may change its stream with an update, and the committed sample would no longer be what the
//! command writes. This is SplitMix64 (Steele, Lea and Flood, 2014), with nothing but integers and exact divisions.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(super) struct Prng(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Prng {
    /// The stream of one thing (the `index`th of its `kind`): whatever is drawn for one leaves all others as they are,
    /// and none has to be remembered, because it can be drawn again.
    pub(super) fn of(seed: u64, kind: u64, index: u64) -> Self {
        let mixed = mix(seed ^ mix(kind.wrapping_mul(GOLDEN)));
        Self(mix(mixed ^ index.wrapping_mul(GOLDEN)))
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `bound`; 0 if that is 0. The bias is below `bound` / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product of two 64-bit numbers fits 64 bits.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1) as i64
    }

    /// A number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About standard normal, within ±3.47. A sum, because logarithms and cosines differ between machines.
    pub(super) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 1.733
    }

    /// True once in `times` times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `all`, which must hold something.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }
}

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_splitmix64() {
        // The published reference values for the seed 1234567.
        let mut chance = Prng(1_234_567);
        let drawn = [chance.next(), chance.next(), chance.next()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut chance = Prng::of(1, 2, 3);
        for _ in 0..10_000 {
            assert!(chance.below(7) < 7);
            assert!((-3..=4).contains(&chance.between(-3, 4)));
            assert!((0.0..1.0).contains(&chance.unit()));
            assert!(chance.normal().abs() < 3.47);
        }
        assert_eq!(chance.below(0), 0);
    }
}
