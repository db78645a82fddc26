#include "data/seen_ids.h"

#include <utility>

namespace sft {
namespace {

constexpr size_t kFirstSize = 1024;
constexpr int kHexBase = 16;

}  // namespace

std::string SeenIds::unique(const std::string& id) {
  const uint64_t key = std::stoull(id, nullptr, kHexBase);
  if (insert(key)) {
    return id;
  }
  int64_t& times = repeated_[key];
  times = times == 0 ? 2 : times + 1;
  return id + "-" + std::to_string(times);
}

// False where it was there.
bool SeenIds::insert(uint64_t key) {
  if (key == 0) {
    return !std::exchange(has_zero_, true);
  }
  if (2 * size_ >= table_.size()) {
    grow();
  }
  uint64_t& slot = table_[place_of(key)];
  if (slot == key) {
    return false;
  }
  slot = key;
  ++size_;
  return true;
}

// Where `key` is, or would be. Ids are hashes, so their own bits spread them.
size_t SeenIds::place_of(uint64_t key) const {
  const size_t mask = table_.size() - 1;
  size_t place = key & mask;
  while (table_[place] != 0 && table_[place] != key) {
    place = (place + 1) & mask;
  }
  return place;
}

void SeenIds::grow() {
  const std::vector<uint64_t> old = std::move(table_);
  table_.assign(old.empty() ? kFirstSize : 2 * old.size(), 0);
  for (const uint64_t key : old) {
    if (key != 0) {
      table_[place_of(key)] = key;
    }
  }
}

}  // namespace sft
