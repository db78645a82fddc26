#include "data/dataset_draw.h"

#include <algorithm>
#include <utility>

namespace sft {
namespace {

constexpr int kHexBase = 16;

bool comes_first(const DatasetDraw::Drawn& a, const DatasetDraw::Drawn& b) {
  return a.key < b.key;
}

}  // namespace

void DatasetDraw::add(const std::string& id, const std::string& text) {
  const bool is_full = options_.limit > 0 && drawn_.size() == options_.limit;
  if (is_full && !options_.is_shuffled) {
    return;
  }
  Drawn drawn = {.key = draw_key(options_.seed, options_.dataset, id),
                 .content = std::stoull(without_suffix(id), nullptr, kHexBase)};
  if (is_full) {
    if (!comes_first(drawn, drawn_.front())) {
      return;
    }
    std::ranges::pop_heap(drawn_, comes_first);
    drawn_.pop_back();
  }
  drawn.place = spool_.append(text);
  drawn.size = static_cast<uint32_t>(text.size());
  drawn_.push_back(drawn);
  if (is_heap()) {
    std::ranges::push_heap(drawn_, comes_first);
  }
}

std::vector<DatasetDraw::Drawn> DatasetDraw::finish() {
  if (options_.is_shuffled) {
    std::ranges::sort(drawn_, comes_first);
  }
  return std::move(drawn_);
}

}  // namespace sft
