#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sft {

// Finds the strings of a set with which a text goes on.
class PrefixTrie {
 public:
  PrefixTrie() : nodes_(1) {}
  // Distinct strings with their values (0 or more), in any order; empty ones are left out.
  explicit PrefixTrie(std::vector<std::pair<std::string_view, int32_t>> entries);

  // Calls found(size, value) for each string of the set that `text` begins with, the shortest
  // first.
  template <typename Found>
  void for_each_prefix(std::string_view text, const Found& found) const {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<uint8_t>(text[i]));
      if (node == kNone) {
        return;
      }
      if (nodes_[node].value >= 0) {
        found(i + 1, nodes_[node].value);
      }
    }
  }

 private:
  // Children lie side by side, in the order of their bytes.
  struct Node {
    int32_t value = -1;
    uint32_t first_child = 0;
    uint16_t num_children = 0;
    uint8_t byte = 0;  // on the way from the parent
  };
  static constexpr uint32_t kNone = 0;  // no node has the root as its child

  uint32_t child(uint32_t parent, uint8_t byte) const {
    if (parent == 0) {
      return root_children_.empty() ? kNone : root_children_[byte];
    }
    const Node& node = nodes_[parent];
    uint32_t low = node.first_child;
    uint32_t high = low + node.num_children;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (nodes_[middle].byte < byte) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < node.first_child + node.num_children && nodes_[low].byte == byte ? low : kNone;
  }

  std::vector<Node> nodes_;
  std::vector<uint32_t> root_children_;  // by byte
};

}  // namespace sft
