#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// Pieces of bytes and their ids, both ways. Ids may have gaps.
class Vocabulary {
 public:
  // Ids stay below this: tables are as long as the largest id.
  static constexpr int32_t kMaxIds = 1 << 24;

  // False where `bytes` or `id` is in already (then nothing changes). `id` is in 0 .. kMaxIds - 1.
  bool add(std::string_view bytes, int32_t id);

  std::optional<int32_t> find(std::string_view bytes) const;
  bool has(int32_t id) const;
  // "" for an id that has none. Valid until the next `add`.
  std::string_view bytes(int32_t id) const;
  // One more than the largest id.
  int32_t size() const { return static_cast<int32_t>(pieces_.size()); }
  size_t num_pieces() const { return num_pieces_; }

 private:
  struct Piece {
    uint64_t offset = 0;  // in pool_
    uint32_t size = 0;
    bool is_used = false;
  };
  static uint64_t hash(std::string_view bytes);
  size_t slot_of(std::string_view bytes, uint64_t hash) const;
  void grow();

  // Open addressing; a slot holds an id, and the hash's upper half so that most misses end there.
  struct Slot {
    uint32_t tag = 0;
    int32_t id = kEmpty;
  };
  static constexpr int32_t kEmpty = -1;

  std::string pool_;
  std::vector<Piece> pieces_;  // by id
  std::vector<Slot> slots_;    // a power of two, at most half full
  size_t num_pieces_ = 0;
};

}  // namespace sft
