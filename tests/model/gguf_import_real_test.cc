// SmolLM2-135M-Instruct, which scripts/fetch_model fetches.

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "temp_folder.h"

#include "sft/io/json.h"
#include "sft/model/gguf_import.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

fs::path real_gguf() {
  const char* const deps = getenv("SFT_DEPS");
  const char* const home = getenv("HOME");
  const fs::path folder =
      deps != nullptr ? fs::path(deps) : fs::path(home != nullptr ? home : "") / ".cache/sft/deps";
  return folder / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

// The digests are those of the folder that tests/reference/smollm2_folder.py makes with the gguf
// package and numpy, by tests/reference/weights_sha256.py: equal to the last bit.
TEST(GgufImportReal, GivesTheReferencesWeights) {
  if (!fs::exists(real_gguf())) {
    GTEST_SKIP() << real_gguf() << " is absent; scripts/fetch_model fetches it";
  }
  const GgufFile file(real_gguf());
  const std::pair<DType, const char*> cases[] = {
      {DType::kF32, "43f49a494e7286c17ca39fa50484e3a050d976269ac3cea8de856e0bf6f5d29c"},
      {DType::kBF16, "de4234f8d7e7bf172a68bd0cf14032f60e69d2a7f55d624c828bf8ce7614ff89"}};
  for (const auto& [dtype, digest] : cases) {
    const TempFolder temp;
    write_gguf_model(file, dtype, temp.path());
    EXPECT_EQ(weights_sha256(SafetensorsFolder(temp.path()).tensors()), digest);
    EXPECT_EQ(read_json(temp.path() / "config.json")["rms_norm_eps"], 1e-5);
  }
}

}  // namespace
}  // namespace sft
