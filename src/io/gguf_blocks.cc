#include "io/gguf_blocks.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sft {
namespace {

constexpr std::array kBlocks = {
    GgufBlock{GgufType::kF32, "F32", 1, 4},    GgufBlock{GgufType::kF16, "F16", 1, 2},
    GgufBlock{GgufType::kBF16, "BF16", 1, 2},  GgufBlock{GgufType::kQ40, "Q4_0", 32, 18},
    GgufBlock{GgufType::kQ41, "Q4_1", 32, 20}, GgufBlock{GgufType::kQ50, "Q5_0", 32, 22},
    GgufBlock{GgufType::kQ51, "Q5_1", 32, 24}, GgufBlock{GgufType::kQ80, "Q8_0", 32, 34},
};

// The format's other types, to name them in messages.
constexpr std::array<std::pair<uint32_t, std::string_view>, 24> kOtherTypes = {{
    {9, "Q8_1"},   {10, "Q2_K"},    {11, "Q3_K"},   {12, "Q4_K"},    {13, "Q5_K"},  {14, "Q6_K"},
    {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"},
    {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},   {26, "I32"},
    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},  {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},
}};

}  // namespace

const GgufBlock* find_gguf_block(uint32_t type_id) {
  const auto* const block = std::find_if(kBlocks.begin(), kBlocks.end(), [&](const GgufBlock& row) {
    return static_cast<uint32_t>(row.type) == type_id;
  });
  return block == kBlocks.end() ? nullptr : block;
}

std::string gguf_type_text(uint32_t type_id) {
  if (const GgufBlock* const block = find_gguf_block(type_id)) {
    return std::string(block->name);
  }
  for (const auto& [id, name] : kOtherTypes) {
    if (id == type_id) {
      return std::string(name);
    }
  }
  return std::to_string(type_id);
}

std::string known_gguf_types() {
  std::string text;
  for (const GgufBlock& block : kBlocks) {
    text += (text.empty() ? "" : ", ") + std::string(block.name);
  }
  return text;
}

}  // namespace sft
