//! Chance that can be had again.

/// A small generator for moments and choices. Its seed is printed, and `MILLRACE_TEST_SEED` repeats one.
pub struct Moments(u64);

impl Moments {
    pub fn new() -> Self {
        let given = std::env::var("MILLRACE_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed: u64 = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::from(now.subsec_nanos())
        });
        eprintln!("MILLRACE_TEST_SEED={seed}");
        // Small seeds would begin much alike, and zero would stay zero for ever.
        Self((seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
