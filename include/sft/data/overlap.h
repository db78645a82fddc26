#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sft {

// Finds texts of one collection (a benchmark's questions) in those of another (training samples),
// by n-grams of their words: lower case, letters and digits alone, so that layout, punctuation and
// case hide nothing. Letters of Chinese and Japanese are words of their own.
// - A text of 13 words or more is found where 13 of its words in a row occur (of 25 letters, where
//   most of its words are such letters).
// - One of 8 to 12 words (16 to 24 letters): where all of them occur in a row.
// - A shorter one, of 4 words at least (8 letters): where a whole line is equal to it.
// N-grams that more than 5 of the texts share say nothing about one of them ("Write a function to
// ..." ) and are left out.
//
// Calls: add* finish find*. Immutable after `finish`, and then safe to share between threads.
class OverlapIndex {
 public:
  // Texts are numbered from 0 in the order of being added.
  void add(std::string_view text);
  void finish();

  struct Hit {
    uint32_t text = 0;    // its number
    std::string words;    // the first of its n-grams that occurs, normalised
    double coverage = 0;  // the part of its n-grams that occur, 0 to 1
  };
  // The texts that occur in `text`, by number.
  std::vector<Hit> find(std::string_view text) const;

 private:
  struct Entry {
    uint64_t hash = 0;
    uint32_t text = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang 14 takes the default for a comparison with 0
    auto operator<=>(const Entry&) const = default;
  };
  struct Match {
    int64_t num_grams = 0;
    std::string words;
  };
  using Matches = std::unordered_map<uint32_t, Match>;

  static void sort_unique(std::vector<Entry>& entries);
  static void leave_out_common(std::vector<Entry>& entries);
  void find_grams(std::string_view text, Matches& matches) const;
  void find_lines(std::string_view text, Matches& matches) const;

  std::vector<Entry> grams_;
  std::vector<Entry> lines_;         // whole short texts
  std::set<size_t> gram_lengths_;    // in words
  std::vector<uint32_t> num_grams_;  // of each text
  std::vector<uint64_t> maybe_;      // a bit for each hash's end: most lookups stop here
};

// The words of a text as the index compares them.
std::vector<std::string> normalized_words(std::string_view text);

}  // namespace sft
