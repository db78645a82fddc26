#include "text/charsmap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>
#include <utf8proc.h>

#include "text/utf8.h"

#include "sft/core/error.h"
#include "sft/io/base64.h"

namespace sft {
namespace {

static_assert(std::endian::native == std::endian::little);

// A unit's parts: whether the string so far has a value, that value, the last byte, and where the
// children are.
bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
uint32_t value(uint32_t unit) {
  return unit & 0x7FFFFFFF;
}
// Of a leaf it is no byte.
uint32_t label(uint32_t unit) {
  return unit & (1U << 31 | 0xFF);
}
uint32_t offset(uint32_t unit) {
  return (unit >> 10) << ((unit & 1U << 9) >> 6);
}

constexpr size_t kLongestWholeGrapheme = 5;  // bytes

// Where the extended grapheme cluster at `begin` ends.
size_t grapheme_end(std::string_view text, size_t begin) {
  DecodedChar c = decode_char(text, begin);
  utf8proc_int32_t state = 0;
  size_t end = begin + c.size;
  while (end < text.size()) {
    const DecodedChar next = decode_char(text, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(c.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state)) {
      break;
    }
    c = next;
    end += next.size;
  }
  return end;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& where) : where_(where) {
  uint32_t trie_bytes = 0;
  const auto refuse = [&](std::string_view what) {
    throw Error(fmt::format("{}: precompiled_charsmap of {} bytes: {}", where, bytes.size(), what));
  };
  if (bytes.size() < sizeof(trie_bytes)) {
    refuse("too short");
  }
  std::memcpy(&trie_bytes, bytes.data(), sizeof(trie_bytes));
  bytes.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes > bytes.size() || trie_bytes % (256 * sizeof(uint32_t)) != 0 || trie_bytes == 0) {
    refuse(fmt::format("a trie of {} bytes", trie_bytes));
  }
  units_.resize(trie_bytes / sizeof(uint32_t));
  std::memcpy(units_.data(), bytes.data(), trie_bytes);
  texts_ = bytes.substr(trie_bytes);
  if (!texts_.empty() && texts_.back() != '\0') {
    refuse("its last text does not end");
  }
  if (!is_valid_utf8(texts_)) {
    refuse("its texts are not UTF-8");
  }
}

Charsmap Charsmap::from_base64(std::string_view base64, const std::string& where) {
  const std::optional<std::string> bytes = decode_base64(base64);
  if (!bytes.has_value()) {
    throw Error(fmt::format("{}: precompiled_charsmap is no base64", where));
  }
  return {*bytes, where};
}

// Walks the trie, whose branches may join again but must not go in circles: all children and texts
// must lie inside, and no way may pass more than kMostPrefixes of them.
class Charsmap::Checker {
 public:
  explicit Checker(const Charsmap& charsmap)
      : map_(charsmap), states_(charsmap.units_.size()), num_texts_(charsmap.units_.size()) {}

  void run() {
    enter(0);  // the root, which is no one's child
    while (!open_.empty()) {
      Open& top = open_.back();
      if (++top.byte < 256) {
        step_to_child(top);
        continue;
      }
      leave();
    }
  }

 private:
  static constexpr uint8_t kMostPrefixes = 30;  // the library has room for 32
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Open {
    size_t place;
    size_t children;  // at this ^ byte
    uint32_t byte = 0;
    uint8_t most_texts = 0;  // on one way below
  };

  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(fmt::format("{}: precompiled_charsmap: {}", map_.where_, what));
  }

  void enter(size_t place) {
    const size_t children = place ^ offset(map_.units_[place]);
    if (children >= map_.units_.size()) {
      refuse("its trie leads outside");
    }
    if (place != 0 && has_leaf(map_.units_[place]) &&
        value(map_.units_[children]) >= map_.texts_.size()) {
      refuse("a text lies outside");
    }
    states_[place] = State::kOpen;
    open_.push_back({place, children});
  }

  void step_to_child(Open& top) {
    const size_t place = top.children ^ top.byte;
    if (label(map_.units_[place]) != top.byte) {
      return;
    }
    if (states_[place] == State::kOpen) {
      refuse("its trie goes in circles");
    }
    if (states_[place] == State::kDone) {
      top.most_texts = std::max(top.most_texts, num_texts_[place]);
      return;
    }
    enter(place);
  }

  void leave() {
    const Open done = open_.back();
    open_.pop_back();
    const bool has_text = done.place != 0 && has_leaf(map_.units_[done.place]);
    const auto num_texts = static_cast<uint8_t>(done.most_texts + (has_text ? 1 : 0));
    if (num_texts > kMostPrefixes) {
      refuse("too many strings begin with one another");
    }
    states_[done.place] = State::kDone;
    num_texts_[done.place] = num_texts;
    if (!open_.empty()) {
      open_.back().most_texts = std::max(open_.back().most_texts, num_texts);
    }
  }

  const Charsmap& map_;
  std::vector<State> states_;       // by place
  std::vector<uint8_t> num_texts_;  // by place: most on one way from there
  std::vector<Open> open_;
};

void Charsmap::check() const {
  Checker(*this).run();
}

std::optional<Charsmap::Found> Charsmap::find_longest(std::string_view text) const {
  return find(text, Wanted::kLongest);
}

std::optional<Charsmap::Found> Charsmap::find(std::string_view text, Wanted wanted) const {
  std::optional<Found> result;
  uint32_t place = offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    place ^= byte;
    if (byte == 0 || place >= units_.size() || label(units_[place]) != byte) {
      break;
    }
    const uint32_t unit = units_[place];
    place ^= offset(unit);
    if (!has_leaf(unit)) {
      continue;
    }
    const size_t begin = place < units_.size() ? value(units_[place]) : texts_.size();
    // A place inside a character is no text.
    if (begin >= texts_.size() || (static_cast<uint8_t>(texts_[begin]) & 0xC0) == 0x80) {
      break;
    }
    result = Found{std::string_view(texts_.data() + begin), i + 1};
    if (wanted == Wanted::kShortest) {
      break;
    }
  }
  return result;
}

std::optional<EditedText> Charsmap::normalize_graphemes(std::string_view text) const {
  EditedText edited;
  size_t copied = 0;
  const auto try_replace = [&](size_t begin, size_t end) {
    const std::optional<Found> found = find(text.substr(begin, end - begin), Wanted::kShortest);
    if (!found.has_value()) {
      return false;
    }
    edited.text.append(text, copied, begin - copied);
    const size_t edit_begin = edited.text.size();
    edited.text += found->text;
    edited.origin.add({edit_begin, edited.text.size(), begin, end});
    copied = end;
    return true;
  };
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = grapheme_end(text, begin);
    if (end - begin > kLongestWholeGrapheme || !try_replace(begin, end)) {
      for (size_t at = begin; at < end;) {
        const size_t next = at + decode_char(text, at).size;
        try_replace(at, next);
        at = next;
      }
    }
    begin = end;
  }
  if (copied == 0) {
    return std::nullopt;
  }
  edited.text.append(text, copied);
  return edited;
}

}  // namespace sft
