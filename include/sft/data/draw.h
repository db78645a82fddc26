#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sft {

// Chance by keyed hashes: what is drawn depends on seeds and ids alone, never on the order of
// files, threads or the machine. Every order is by the SHA-256 of a text (ties, which only equal
// ids of several datasets make, by place); results are places in `ids`.

// What a sample is drawn by: the first 128 bits of the hash of "{seed}\n{dataset}\n{id}". The whole
// hash sorts alike: no two ids of a dataset have the same first half.
struct DrawKey {
  uint64_t high = 0;
  uint64_t low = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang 14 takes the default for a comparison with 0
  auto operator<=>(const DrawKey&) const = default;
};
DrawKey draw_key(int64_t seed, const std::string& dataset, const std::string& id);

// A dataset's samples in the order of the draw: by the hash of "{seed}\n{dataset}\n{id}". A draw of
// n is the first n, so that it lies inside every larger draw.
std::vector<size_t> draw_order(int64_t seed, const std::string& dataset,
                               std::span<const std::string> ids);

// The order of epoch `epoch` (from 1): by the hash of "{seed}\n{epoch}\n{id}".
std::vector<size_t> epoch_order(int64_t seed, int64_t epoch, std::span<const std::string> ids);

// The samples to hold out, in their order in `ids`: at least `fraction` of them and at least one,
// by the hash of "{seed}\nvalidation\n{id without the suffix of duplicates}". Duplicates go
// together, so that none is trained on and held out at once.
std::vector<size_t> held_out(int64_t seed, double fraction, std::span<const std::string> ids);

// "0123456789abcdef-2" is a duplicate of "0123456789abcdef".
std::string without_suffix(const std::string& id);

}  // namespace sft
