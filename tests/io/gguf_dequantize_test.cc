#include "sft/io/gguf_dequantize.h"

#include <gtest/gtest.h>

#include "sft/io/json.h"

namespace sft {
namespace {

const std::filesystem::path kReference =
    std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/reference";

// Against gguf.quants.dequantize, to the last bit: tests/reference/make_gguf.py.
TEST(Dequantize, GivesTheReferencesValuesExactly) {
  const GgufFile file(kReference / "small.gguf");
  const Json expected = read_json(kReference / "small_gguf.json");
  ASSERT_EQ(expected.size(), file.tensors().size());
  for (const auto& [name, tensor] : file.tensors()) {
    const Json& reference = expected[std::string(gguf_type_name(tensor.type))];
    std::vector<float> values(reference.size());
    dequantize(tensor, 0, values);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(values[i], reference[i].get<float>()) << name << " " << i;
    }
  }
}

TEST(Dequantize, GivesAnyRowOfBlocks) {
  const GgufFile file(kReference / "small.gguf");
  for (const auto& [name, tensor] : file.tensors()) {
    std::vector<float> all(192);
    std::vector<float> part(64);
    dequantize(tensor, 0, all);
    dequantize(tensor, 96, part);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 96)) << name;
    dequantize(tensor, 192, std::span<float>());  // the end of the tensor: nothing
  }
}

TEST(DequantizeDeathTest, ReadsNothingOutsideTheTensor) {
  const GgufFile file(kReference / "small.gguf");
  std::vector<float> values(96);
  const GgufTensor& tensor = file.tensors().at("q5_0");
  EXPECT_DEATH(dequantize(tensor, 128, values), "does not hold");
  EXPECT_DEATH(dequantize(tensor, 1, values), "does not hold");
}

}  // namespace
}  // namespace sft
