#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// The tokens that `spec`, the "post_processor" of a tokenizer.json (null: none), puts before a
// text. What it puts behind, an EOS, is not added to prompts. `where` opens messages. Throws Error,
// naming the kind, for what is not supported.
std::vector<int32_t> load_prefix_ids(const Json& spec, const std::string& where);

}  // namespace sft
