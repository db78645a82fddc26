#include "text/vocabulary.h"

#include <cstring>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
constexpr size_t kSmallestTable = 1024;

}  // namespace

uint64_t Vocabulary::hash(std::string_view bytes) {
  uint64_t value = bytes.size() * kMultiplier;
  while (!bytes.empty()) {
    uint64_t eight = 0;
    const size_t size = bytes.size() < sizeof(eight) ? bytes.size() : sizeof(eight);
    std::memcpy(&eight, bytes.data(), size);
    value = (value ^ eight) * kMultiplier;
    value ^= value >> 32;
    bytes.remove_prefix(size);
  }
  value *= kMultiplier;
  return value ^ value >> 29;
}

// Where `bytes` is, or the empty slot where it would go.
size_t Vocabulary::slot_of(std::string_view bytes, uint64_t hash) const {
  const auto tag = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot].id != kEmpty &&
         (slots_[slot].tag != tag || this->bytes(slots_[slot].id) != bytes)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

bool Vocabulary::add(std::string_view bytes, int32_t id) {
  SFT_CHECK(id >= 0 && id < kMaxIds);
  if (2 * (num_pieces_ + 1) > slots_.size()) {
    grow();
  }
  const uint64_t hashed = hash(bytes);
  const size_t slot = slot_of(bytes, hashed);
  if (slots_[slot].id != kEmpty || has(id)) {
    return false;
  }
  if (static_cast<size_t>(id) >= pieces_.size()) {
    pieces_.resize(static_cast<size_t>(id) + 1);
  }
  pieces_[static_cast<size_t>(id)] = {pool_.size(), static_cast<uint32_t>(bytes.size()), true};
  pool_ += bytes;
  slots_[slot] = {static_cast<uint32_t>(hashed >> 32), id};
  ++num_pieces_;
  return true;
}

void Vocabulary::grow() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? kSmallestTable : old.size() * 2, {});
  for (const Slot& slot : old) {
    if (slot.id != kEmpty) {
      slots_[slot_of(bytes(slot.id), hash(bytes(slot.id)))] = slot;
    }
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view bytes) const {
  if (slots_.empty()) {
    return std::nullopt;
  }
  const Slot& slot = slots_[slot_of(bytes, hash(bytes))];
  return slot.id == kEmpty ? std::nullopt : std::optional<int32_t>(slot.id);
}

bool Vocabulary::has(int32_t id) const {
  return id >= 0 && id < size() && pieces_[static_cast<size_t>(id)].is_used;
}

std::string_view Vocabulary::bytes(int32_t id) const {
  if (!has(id)) {
    return {};
  }
  const Piece& piece = pieces_[static_cast<size_t>(id)];
  return std::string_view(pool_).substr(piece.offset, piece.size);
}

}  // namespace sft
