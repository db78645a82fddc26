#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/spool.h"

#include "sft/data/draw.h"

namespace sft {

// Draws samples out of a stream of them: the texts lie in a spool, and of each that may still be
// drawn some forty bytes are in memory.
class DatasetDraw {
 public:
  struct Options {
    std::string dataset;
    int64_t seed = 42;
    size_t limit = 0;         // how many; 0: all
    bool is_shuffled = true;  // false: the first ones, in their own order
  };
  // Borrows the spool.
  DatasetDraw(Options options, Spool& spool) : options_(std::move(options)), spool_(spool) {}

  struct Drawn {
    DrawKey key;
    uint64_t content = 0;  // the id without suffix, as a number
    uint64_t place = 0;    // in the spool
    uint32_t size = 0;
  };

  void add(const std::string& id, const std::string& text);
  // The drawn samples in the order of the draw; ends the object's use.
  std::vector<Drawn> finish();
  std::string text(const Drawn& drawn) { return spool_.read(drawn.place, drawn.size); }

 private:
  bool is_heap() const { return options_.is_shuffled && options_.limit > 0; }

  Options options_;
  Spool& spool_;
  std::vector<Drawn> drawn_;  // with a limit, a heap: the last to be drawn in front
};

}  // namespace sft
