#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "sft/core/clock.h"
#include "sft/io/safetensors.h"

namespace sft {

// Remembers the hashes of weights, which take seconds to compute, by the files that they were read
// from: path, size, times of change and inode of each. It never believes what lies beside the
// weights. The memory is a file of JSON Lines that is only appended to,
//
//   {"files": [[PATH, SIZE, MTIME_NS, CTIME_NS, INODE], ...], "sha256": HEX}
//
// of which the last row for the same files counts. A file that changed less than two seconds ago is
// not remembered, since a second change might leave the same time.
class WeightsHashMemory {
 public:
  // `clock` outlives the object.
  WeightsHashMemory(std::filesystem::path path, const Clock& clock)
      : path_(std::move(path)), clock_(clock) {}

  // weights_sha256 of the folder's tensors. Where the memory cannot be written the hash is still
  // right; that is logged.
  std::string hash(const SafetensorsFolder& folder) const;

 private:
  std::filesystem::path path_;
  const Clock& clock_;
};

}  // namespace sft
