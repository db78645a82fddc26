#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sft/io/gguf.h"

namespace sft {

// How a tensor type lays out its elements: blocks of `num_elements` in `num_bytes`. The tables of
// types are in gguf_blocks.cc.
struct GgufBlock {
  GgufType type;
  std::string_view name;
  uint64_t num_elements;
  uint64_t num_bytes;
};

// Null where the type is not supported.
const GgufBlock* find_gguf_block(uint32_t type_id);
// "Q4_K" for a type of the format, else its number.
std::string gguf_type_text(uint32_t type_id);
// "F32, F16, ...".
std::string known_gguf_types();

}  // namespace sft
