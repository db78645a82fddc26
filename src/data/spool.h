#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sft {

// A file of texts that are put away in one order and taken back in another; removed with the
// object. Throws Error with the path for every failed call, a full disk say.
class Spool {
 public:
  explicit Spool(std::filesystem::path path);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Returns the text's place.
  uint64_t append(std::string_view text);
  std::string read(uint64_t place, size_t size);

 private:
  void flush();

  std::filesystem::path path_;
  int descriptor_;
  uint64_t size_ = 0;   // written and buffered
  std::string buffer_;  // not yet written
};

}  // namespace sft
