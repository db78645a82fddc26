#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace sft {

// Scalars for TensorBoard: an event file in the framing of TFRecord (length, masked CRC-32C of it,
// data, masked CRC-32C of the data), each record an `Event` message of tensorflow/core/util/
// event.proto, written here by hand. A process that continues a run writes a file of its own, whose
// first event tells TensorBoard to forget what it knows from `first_step` on.
class TensorboardLog {
 public:
  TensorboardLog(const std::filesystem::path& folder, double unix_seconds, int64_t first_step);
  void scalar(const std::string& tag, int64_t step, double unix_seconds, float value);
  void flush() { file_.flush(); }

 private:
  void write_record(const std::string& event);

  std::ofstream file_;
};

}  // namespace sft
