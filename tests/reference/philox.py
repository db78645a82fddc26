"""Philox 4x32-10 as in src/core/rng.cc, on numpy arrays: weights that tests make without a file."""

import numpy as np

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def hash_name(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def uniform(seed, stream, count):
    """Rng(seed, stream).uniform(i) for i below count: float32 in [0, 1), 24 bits."""
    index = np.arange(count, dtype=np.uint64)
    name = hash_name(stream)
    counter = [index & MASK, index >> SHIFT,
               np.full(count, name & 0xFFFFFFFF, np.uint64), np.full(count, name >> 32, np.uint64)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first = np.uint64(0xD2511F53) * counter[0]
        second = np.uint64(0xCD9E8D57) * counter[2]
        counter = [(second >> SHIFT) ^ counter[1] ^ np.uint64(key[0]), second & MASK,
                   (first >> SHIFT) ^ counter[3] ^ np.uint64(key[1]), first & MASK]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return (counter[0] >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
