#pragma once

#include <filesystem>
#include <string>

#include "sft/model/adapter.h"

namespace sft {

// The hashes of what was merged.
struct MergeResult {
  std::string base_sha256;
  std::string adapter_sha256;
  std::string weights_sha256;  // of the merged model
};

// Writes the base's weights with an adapter merged in, W + scale B A, into `folder`, which exists:
// summed in float32 and rounded once to the tensor's own dtype; all other tensors keep their bytes.
// One tensor is in memory at a time. Throws Error where the adapter is not the base's (see
// check_base, load_adapter), and for NaN or infinite values.
MergeResult merge_lora(const std::filesystem::path& base, const AdapterFolder& adapter,
                       const std::filesystem::path& folder);

}  // namespace sft
