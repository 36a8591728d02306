//! FNV-1a of 64 bits, the same in every program and on every machine. Fingerprints and partitions are stored with it: it never
//! changes.

/// The hash of nothing.
pub const START: u64 = 0xCBF2_9CE4_8422_2325;

/// Adds bytes to a hash.
#[must_use]
pub const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01B3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_hash() {
        assert_eq!(fnv1a(START, b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(START, b"a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(fnv1a(START, b"foobar"), 0x8594_4171_F739_67E8);
    }
}
