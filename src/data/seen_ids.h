#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sft {

// Makes ids of content unique in the order of reading: the second of equal ones gets "-2", the
// third
// "-3". An open hash table of the ids' 64 bits, so that millions of them take some 16 bytes each.
class SeenIds {
 public:
  // `id`: 16 hex digits.
  std::string unique(const std::string& id);

 private:
  bool insert(uint64_t key);
  size_t place_of(uint64_t key) const;
  void grow();

  std::vector<uint64_t> table_;  // 0: free
  size_t size_ = 0;
  bool has_zero_ = false;
  std::unordered_map<uint64_t, int64_t> repeated_;  // how often, of those seen twice or more
};

}  // namespace sft
