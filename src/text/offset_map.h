#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sft {

// How offsets of an edited text lead back to the text before the edit. Between edits both texts
// are equal, so only the edits are held.
class OffsetMap {
 public:
  // Bytes [begin, end) of the new text stand for [old_begin, old_end) of the old one.
  struct Edit {
    size_t begin, end;
    size_t old_begin, old_end;
  };

  // In increasing order, not overlapping.
  void add(const Edit& edit) { edits_.push_back(edit); }

  // Where what ends at `offset` of the new text ends in the old one: all of an edit's old bytes at
  // its end, byte by byte inside it. Never decreases.
  size_t old_end(size_t offset) const;

 private:
  std::vector<Edit> edits_;
};

struct EditedText {
  std::string text;
  OffsetMap origin;
};

}  // namespace sft
