#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "estimate/family_traits.h"

#include "sft/io/json.h"

namespace sft {

// How many tokens each of `num_layers` layers sees, 0 for all: by `layer_types` where the file has
// it, else by the family's rule. Throws Error for layer_types of another length or with unknown
// names, and for windows below 1 or missing.
std::vector<int64_t> read_layer_windows(const Json& config, const FamilyTraits& family,
                                        int64_t num_layers, const std::string& where);

}  // namespace sft
