#include "text/offset_map.h"

#include <algorithm>

namespace sft {

size_t OffsetMap::old_end(size_t offset) const {
  // The last edit that begins before `offset`, or is an insertion that ends at it.
  const auto after = std::partition_point(
      edits_.begin(), edits_.end(), [offset](const Edit& edit) { return edit.begin < offset; });
  if (after == edits_.begin()) {
    return offset;
  }
  const Edit& edit = *(after - 1);
  if (offset >= edit.end) {
    return edit.old_end + (offset - edit.end);
  }
  return std::min(edit.old_begin + (offset - edit.begin), edit.old_end);
}

}  // namespace sft
