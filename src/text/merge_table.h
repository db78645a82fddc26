#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sft {

// A piece of a word on its way to tokens.
struct Symbol {
  int32_t id;
  uint32_t end;  // byte of the word at which it ends
};

// The merges of a byte-pair encoding: which two neighbours become one, and which go first.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;  // lower goes first
    int32_t result;
  };

  void reserve(size_t num_merges);
  // A later merge of the same pair replaces the earlier one.
  void add(int32_t left, int32_t right, Merge merge);
  // Nothing where the two are never merged.
  const Merge* find(int32_t left, int32_t right) const;

  // Merges neighbours until none can be: always the pair of the lowest rank, of equal ones the
  // leftmost. Short words by search for the least, longer ones with a heap, in n log n.
  void apply(std::vector<Symbol>& word) const;

 private:
  struct Slot {
    uint64_t pair = kEmpty;
    Merge merge{};
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  size_t slot_of(uint64_t pair) const;
  void apply_to_short(std::vector<Symbol>& word) const;
  void apply_to_long(std::vector<Symbol>& word) const;

  std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
  size_t num_merges_ = 0;
};

}  // namespace sft
