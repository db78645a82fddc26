#include "text/prefix_trie.h"

#include <algorithm>

namespace sft {

// Level by level: a node's entries are a range of the sorted ones that share its prefix.
PrefixTrie::PrefixTrie(std::vector<std::pair<std::string_view, int32_t>> entries) : nodes_(1) {
  std::sort(entries.begin(), entries.end());
  struct Open {
    uint32_t node;
    size_t begin, end;  // of entries
  };
  std::vector<Open> level = {{0, 0, entries.size()}};
  for (size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Open> next;
    for (const Open& open : level) {
      size_t i = open.begin;
      while (i < open.end && entries[i].first.size() == depth) {
        if (depth > 0) {
          nodes_[open.node].value = entries[i].second;
        }
        ++i;
      }
      nodes_[open.node].first_child = static_cast<uint32_t>(nodes_.size());
      while (i < open.end) {
        const char byte = entries[i].first[depth];
        const size_t begin = i;
        while (i < open.end && entries[i].first[depth] == byte) {
          ++i;
        }
        next.push_back({static_cast<uint32_t>(nodes_.size()), begin, i});
        nodes_.emplace_back().byte = static_cast<uint8_t>(byte);
        ++nodes_[open.node].num_children;
      }
    }
    level = std::move(next);
  }
  root_children_.assign(256, kNone);
  for (uint32_t i = 0; i < nodes_[0].num_children; ++i) {
    root_children_[nodes_[nodes_[0].first_child + i].byte] = nodes_[0].first_child + i;
  }
}

}  // namespace sft
