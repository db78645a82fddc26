#include "sft/io/weights_hash_memory.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/clock.h"

namespace sft {
namespace {

void write_weights(const std::filesystem::path& folder, const std::vector<float>& values) {
  const TensorView view{.dtype = DType::kF32,
                        .shape = {static_cast<int64_t>(values.size())},
                        .bytes = std::as_bytes(std::span(values))};
  write_safetensors(folder / "model.safetensors",
                    std::vector<NamedTensor>{{.name = "w", .view = view}});
}

TEST(WeightsHashMemory, HashesAndDoesNotTrustTheFreshlyWritten) {
  const TempFolder folder;
  write_weights(folder.path(), {1, 2});
  const SystemClock clock;
  const WeightsHashMemory memory(folder.path() / "memory.jsonl", clock);
  const std::string first = memory.hash(SafetensorsFolder(folder.path()));
  EXPECT_EQ(first, weights_sha256(SafetensorsFolder(folder.path()).tensors()));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "memory.jsonl"));
  write_weights(folder.path(), {1, 3});
  EXPECT_NE(memory.hash(SafetensorsFolder(folder.path())), first);
}

TEST(WeightsHashMemory, RemembersByPathSizeTimesAndInode) {
  const TempFolder folder;
  write_weights(folder.path(), {1, 2});
  const SafetensorsFolder weights(folder.path());
  const std::filesystem::path path = folder.path() / "memory.jsonl";
  // A clock far ahead: the file is old to it.
  class LaterClock final : public Clock {
   public:
    double monotonic_seconds() const override { return 0; }
    double unix_seconds() const override { return 1e11; }
  };
  const LaterClock clock;
  const std::string hash = WeightsHashMemory(path, clock).hash(weights);
  std::string text = read_file(path);
  EXPECT_NE(text.find(hash), std::string::npos);
  // What is remembered is believed, and nothing is where any of the file's marks changed.
  folder.write("memory.jsonl",
               "{\"files\"\n" + text.replace(text.find(hash), hash.size(), std::string(64, '0')));
  EXPECT_EQ(WeightsHashMemory(path, clock).hash(weights), std::string(64, '0'));
  write_weights(folder.path(), {1, 2});
  EXPECT_EQ(WeightsHashMemory(path, clock).hash(SafetensorsFolder(folder.path())), hash);
}

}  // namespace
}  // namespace sft
