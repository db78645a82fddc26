// With libFuzzer, inputs to start from are files: where SFT_FUZZ_SEEDS names a folder, they are
// written there before the run.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fuzz.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* const folder = std::getenv("SFT_FUZZ_SEEDS");
  if (folder == nullptr || sft::fuzz_seeds == nullptr) {
    return 0;
  }
  std::filesystem::create_directories(folder);
  const std::vector<std::string> seeds = sft::fuzz_seeds();
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(std::filesystem::path(folder) / ("seed-" + std::to_string(i)), std::ios::binary)
        << seeds[i];
  }
  return 0;
}
