#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/core/one_line.h"

// A fuzzer is a file x_fuzz.cc that defines LLVMFuzzerTestOneInput as libFuzzer has it, and may
// define fuzz_seeds and fuzz_words. GCC builds it with the driver beside this file, clang with
// -fsanitize=fuzzer; `scripts/fuzz` builds and runs them all.

// One input. Whatever it is, the code under test takes it or throws Error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sft {

// Small valid inputs to start from, made in code. Optional.
std::vector<std::string> fuzz_seeds() __attribute__((weak));
// What the format is made of: keywords, magic numbers. Optional.
std::vector<std::string> fuzz_words() __attribute__((weak));

// The files of tests/cases/<folder> that end in `extension`, as seeds.
inline std::vector<std::string> case_files(const std::string& folder,
                                           const std::string& extension) {
  std::vector<std::filesystem::path> paths;
  const auto place = std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases" / folder;
  for (const auto& entry : std::filesystem::directory_iterator(place)) {
    if (entry.path().extension() == extension) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  std::vector<std::string> files;
  for (const std::filesystem::path& path : paths) {
    files.push_back(read_whole_file(path));
  }
  return files;
}

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Runs `read`, which may throw Error with messages of one line each; any other exception ends the
// process, as a broken sanitizer check does.
template <typename Read>
void expect_taken_or_refused(const Read& read) {
  try {
    read();
  } catch (const UsageError& error) {
    for (const std::string& fault : error.faults()) {
      SFT_CHECK(!fault.empty() && one_line(fault) == fault);
    }
  } catch (const Error& error) {
    const std::string message = error.what();
    SFT_CHECK(!message.empty() && one_line(message) == message);
  }
}

// A folder in memory where there is one (/dev/shm), for readers that want files.
class FuzzFolder {
 public:
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path path = folder_.path() / name;
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

}  // namespace sft
