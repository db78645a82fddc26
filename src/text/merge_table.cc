#include "text/merge_table.h"

#include <algorithm>
#include <array>
#include <queue>

namespace sft {
namespace {

constexpr size_t kLongestShortWord = 48;
constexpr int32_t kNone = -1;  // no neighbour
constexpr int32_t kGone = -2;  // the id of a symbol that was merged into the one before it
constexpr uint32_t kNoRank = ~uint32_t{0};

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

size_t MergeTable::slot_of(uint64_t pair) const {
  const size_t mask = slots_.size() - 1;
  const uint64_t hash = pair * 0x9E3779B97F4A7C15U;
  size_t slot = (hash ^ hash >> 32) & mask;
  while (slots_[slot].pair != pair && slots_[slot].pair != kEmpty) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void MergeTable::reserve(size_t num_merges) {
  size_t size = slots_.empty() ? 16 : slots_.size();
  while (size < 2 * num_merges) {
    size *= 2;
  }
  if (size == slots_.size()) {
    return;
  }
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(size, {});
  for (const Slot& slot : old) {
    if (slot.pair != kEmpty) {
      slots_[slot_of(slot.pair)] = slot;
    }
  }
}

void MergeTable::add(int32_t left, int32_t right, Merge merge) {
  reserve(num_merges_ + 1);
  Slot& slot = slots_[slot_of(pair_of(left, right))];
  num_merges_ += slot.pair == kEmpty ? 1 : 0;
  slot = {pair_of(left, right), merge};
}

const MergeTable::Merge* MergeTable::find(int32_t left, int32_t right) const {
  if (slots_.empty()) {
    return nullptr;
  }
  const uint64_t pair = pair_of(left, right);
  const Slot& slot = slots_[slot_of(pair)];
  return slot.pair == pair ? &slot.merge : nullptr;
}

void MergeTable::apply(std::vector<Symbol>& word) const {
  if (word.size() < 2) {
    return;
  }
  if (word.size() <= kLongestShortWord) {
    apply_to_short(word);
  } else {
    apply_to_long(word);
  }
}

void MergeTable::apply_to_short(std::vector<Symbol>& word) const {
  // ranks[i], results[i]: of the pair of symbols i and i + 1.
  std::array<uint32_t, kLongestShortWord> ranks;
  std::array<int32_t, kLongestShortWord> results;
  size_t size = word.size();
  const auto rate = [&](size_t i) {
    const Merge* const merge = find(word[i].id, word[i + 1].id);
    ranks[i] = merge == nullptr ? kNoRank : merge->rank;
    results[i] = merge == nullptr ? 0 : merge->result;
  };
  for (size_t i = 0; i + 1 < size; ++i) {
    rate(i);
  }
  while (size > 1) {
    const auto ranks_end = ranks.begin() + static_cast<ptrdiff_t>(size - 1);
    const auto least = std::min_element(ranks.begin(), ranks_end);
    if (*least == kNoRank) {
      break;
    }
    const auto i = static_cast<size_t>(least - ranks.begin());
    word[i] = {results[i], word[i + 1].end};
    std::copy(word.begin() + static_cast<ptrdiff_t>(i + 2),
              word.begin() + static_cast<ptrdiff_t>(size),
              word.begin() + static_cast<ptrdiff_t>(i + 1));
    std::copy(least + 1, ranks_end, least);
    std::copy(results.begin() + static_cast<ptrdiff_t>(i + 1),
              results.begin() + static_cast<ptrdiff_t>(size - 1),
              results.begin() + static_cast<ptrdiff_t>(i));
    --size;
    if (i > 0) {
      rate(i - 1);
    }
    if (i + 1 < size) {
      rate(i);
    }
  }
  word.resize(size);
}

// The symbols as a linked list, the candidate pairs in a heap by rank, then place. A pair whose
// symbols have changed since it was put in is told by its result, and left out.
void MergeTable::apply_to_long(std::vector<Symbol>& word) const {
  struct Link {
    int32_t previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t place;
    int32_t left, right;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  const auto size = static_cast<int32_t>(word.size());
  const auto id_at = [&](int32_t place) -> int32_t& { return word[static_cast<size_t>(place)].id; };
  std::vector<Link> links(word.size());
  std::vector<Candidate> candidates;
  const auto link = [&](int32_t place) -> Link& { return links[static_cast<size_t>(place)]; };
  const auto candidate = [&](int32_t place, int32_t next) -> std::optional<Candidate> {
    const Merge* const merge = find(id_at(place), id_at(next));
    if (merge == nullptr) {
      return std::nullopt;
    }
    return Candidate{merge->rank, place, id_at(place), id_at(next)};
  };
  for (int32_t i = 0; i < size; ++i) {
    link(i) = {i - 1, i + 1 < size ? i + 1 : kNone};
    if (i + 1 < size) {
      if (const auto found = candidate(i, i + 1)) {
        candidates.push_back(*found);
      }
    }
  }
  std::priority_queue heap(std::greater<Candidate>(), std::move(candidates));
  const auto offer = [&](int32_t place, int32_t next) {
    if (place != kNone && next != kNone) {
      if (const auto found = candidate(place, next)) {
        heap.push(*found);
      }
    }
  };
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    const int32_t next = link(top.place).next;
    if (id_at(top.place) != top.left || next == kNone || id_at(next) != top.right) {
      continue;
    }
    id_at(top.place) = find(top.left, top.right)->result;
    word[static_cast<size_t>(top.place)].end = word[static_cast<size_t>(next)].end;
    id_at(next) = kGone;
    link(top.place).next = link(next).next;
    if (link(next).next != kNone) {
      link(link(next).next).previous = top.place;
    }
    offer(link(top.place).previous, top.place);
    offer(top.place, link(top.place).next);
  }
  std::erase_if(word, [](const Symbol& symbol) { return symbol.id == kGone; });
}

}  // namespace sft
