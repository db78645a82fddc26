// N-grams are compared by polynomial hashes modulo the prime 2^61 - 1 (Karp and Rabin): the hash of
// any run of words follows from those of two prefixes, so that all lengths cost one pass.

#include "sft/data/overlap.h"

#include <algorithm>
#include <numeric>

#include <utf8proc.h>

namespace sft {
namespace {

constexpr size_t kLongWords = 13;
constexpr size_t kShortestRun = 8;
constexpr size_t kShortestLine = 4;
// Of letters that are words of their own.
constexpr size_t kLongLetters = 25;
constexpr size_t kShortestLetterRun = 16;
constexpr size_t kShortestLetterLine = 8;
constexpr size_t kMostShared = 5;

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
constexpr uint64_t kBase = 0x1B4F'3C9A'7D25'E811 % kPrime;
constexpr size_t kMaybeBits = size_t{1} << 26;

bool is_letter_word(utf8proc_int32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_word_part(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

bool is_apostrophe(utf8proc_int32_t c) {
  return c == '\'' || c == 0x2019;
}

uint64_t multiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  const uint64_t sum =
      static_cast<uint64_t>(product & kPrime) + static_cast<uint64_t>(product >> 61);
  return sum >= kPrime ? sum - kPrime : sum;
}

uint64_t word_hash(std::string_view word) {
  uint64_t hash = 0xCBF2'9CE4'8422'2325;  // FNV-1a
  for (const char c : word) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3;
  }
  return hash % kPrime;
}

// Hashes of all runs of a list of words.
class RunHashes {
 public:
  explicit RunHashes(const std::vector<std::string>& words) : prefixes_(1), powers_(1, 1) {
    for (const std::string& word : words) {
      prefixes_.push_back((multiply(prefixes_.back(), kBase) + word_hash(word) + 1) % kPrime);
      powers_.push_back(multiply(powers_.back(), kBase));
    }
  }
  // The length is part of it, so that runs of different lengths do not meet.
  uint64_t run(size_t begin, size_t length) const {
    const uint64_t before = multiply(prefixes_[begin], powers_[length]);
    const uint64_t hash = (prefixes_[begin + length] + kPrime - before) % kPrime;
    return hash * 0x9E37'79B9'7F4A'7C15 + length;
  }

 private:
  std::vector<uint64_t> prefixes_;
  std::vector<uint64_t> powers_;
};

// How a text of these words is looked for.
struct Rule {
  size_t run = 0;  // the n-grams' length; 0: none
  bool is_line = false;
};

Rule rule_for(const std::vector<std::string>& words) {
  const auto num_letters = static_cast<size_t>(std::ranges::count_if(words, [](const auto& word) {
    utf8proc_int32_t c = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(word.data()),
                     static_cast<utf8proc_ssize_t>(word.size()), &c);
    return is_letter_word(c);
  }));
  const bool is_letters = 2 * num_letters > words.size();
  const size_t count = words.size();
  if (count >= (is_letters ? kShortestLetterRun : kShortestRun)) {
    return {.run = std::min(count, is_letters ? kLongLetters : kLongWords), .is_line = false};
  }
  return {.run = 0, .is_line = count >= (is_letters ? kShortestLetterLine : kShortestLine)};
}

std::string joined(const std::vector<std::string>& words, size_t begin, size_t length) {
  return std::accumulate(
      words.begin() + static_cast<std::ptrdiff_t>(begin) + 1,
      words.begin() + static_cast<std::ptrdiff_t>(begin + length), words[begin],
      [](std::string text, const std::string& word) { return std::move(text) + " " + word; });
}

}  // namespace

std::vector<std::string> normalized_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  };
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t size = std::max<utf8proc_ssize_t>(utf8proc_iterate(at, left, &c), 1);
    if (c < 0 || !is_word_part(c)) {
      if (!is_apostrophe(c)) {
        end_word();
      }
    } else {
      if (is_letter_word(c)) {
        end_word();
      }
      utf8proc_uint8_t bytes[4];
      const utf8proc_ssize_t length = utf8proc_encode_char(utf8proc_tolower(c), bytes);
      word.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
      if (is_letter_word(c)) {
        end_word();
      }
    }
    at += size;
    left -= size;
  }
  end_word();
  return words;
}

void OverlapIndex::add(std::string_view text) {
  const auto number = static_cast<uint32_t>(num_grams_.size());
  const std::vector<std::string> words = normalized_words(text);
  const Rule rule = rule_for(words);
  const RunHashes hashes(words);
  uint32_t num_grams = 0;
  if (rule.is_line) {
    lines_.push_back({.hash = hashes.run(0, words.size()), .text = number});
    num_grams = 1;
  }
  for (size_t i = 0; rule.run > 0 && i + rule.run <= words.size(); ++i) {
    grams_.push_back({.hash = hashes.run(i, rule.run), .text = number});
    gram_lengths_.insert(rule.run);
    ++num_grams;
  }
  num_grams_.push_back(num_grams);
}

void OverlapIndex::finish() {
  sort_unique(grams_);
  sort_unique(lines_);
  leave_out_common(grams_);
  std::ranges::fill(num_grams_, 0);
  maybe_.assign(kMaybeBits / 64, 0);
  for (const Entry& entry : grams_) {
    ++num_grams_[entry.text];
    const size_t bit = entry.hash % kMaybeBits;
    maybe_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  for (const Entry& entry : lines_) {
    ++num_grams_[entry.text];
  }
}

void OverlapIndex::sort_unique(std::vector<Entry>& entries) {
  std::ranges::sort(entries);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
}

void OverlapIndex::leave_out_common(std::vector<Entry>& entries) {
  size_t kept = 0;
  for (size_t begin = 0; begin < entries.size();) {
    size_t end = begin;
    while (end < entries.size() && entries[end].hash == entries[begin].hash) {
      ++end;
    }
    if (end - begin <= kMostShared) {
      for (size_t i = begin; i < end; ++i) {
        entries[kept++] = entries[i];
      }
    }
    begin = end;
  }
  entries.resize(kept);
}

std::vector<OverlapIndex::Hit> OverlapIndex::find(std::string_view text) const {
  Matches matches;
  find_grams(text, matches);
  find_lines(text, matches);
  std::vector<Hit> hits;
  for (auto& [number, match] : matches) {
    hits.push_back({.text = number,
                    .words = std::move(match.words),
                    .coverage = std::min(1.0, static_cast<double>(match.num_grams) /
                                                  static_cast<double>(num_grams_[number]))});
  }
  std::ranges::sort(hits, {}, &Hit::text);
  return hits;
}

void OverlapIndex::find_grams(std::string_view text, Matches& matches) const {
  const std::vector<std::string> words = normalized_words(text);
  const RunHashes hashes(words);
  std::set<uint64_t> seen;  // a gram counts once, however often the text says it
  for (const size_t length : gram_lengths_) {
    for (size_t i = 0; i + length <= words.size(); ++i) {
      const uint64_t hash = hashes.run(i, length);
      const size_t bit = hash % kMaybeBits;
      if ((maybe_[bit / 64] >> (bit % 64) & 1) == 0) {
        continue;
      }
      auto entry = std::ranges::lower_bound(grams_, hash, {}, &Entry::hash);
      if (entry == grams_.end() || entry->hash != hash || !seen.insert(hash).second) {
        continue;
      }
      for (; entry != grams_.end() && entry->hash == hash; ++entry) {
        Match& match = matches[entry->text];
        if (match.num_grams++ == 0) {
          match.words = joined(words, i, length);
        }
      }
    }
  }
}

void OverlapIndex::find_lines(std::string_view text, Matches& matches) const {
  while (!text.empty() && !lines_.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string> words = normalized_words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words.size() >= kShortestLetterRun) {
      continue;
    }
    const uint64_t hash = RunHashes(words).run(0, words.size());
    for (auto entry = std::ranges::lower_bound(lines_, hash, {}, &Entry::hash);
         entry != lines_.end() && entry->hash == hash; ++entry) {
      matches[entry->text] = {.num_grams = 1, .words = joined(words, 0, words.size())};
    }
  }
}

}  // namespace sft
