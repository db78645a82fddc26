#pragma once

#include <ATen/core/Tensor.h>

#include "model/config_fields.h"

#include "sft/model/model_config.h"

namespace sft {

// Reads rope_theta and the scaling out of a config.json of either style. Throws Error for a kind of
// scaling that is not supported, by name.
void read_rope(const ConfigFields& fields, ModelConfig& config);

// How far a position turns each pair of a head's numbers: [head_dim / 2], float32, computed in
// float32 as transformers does.
at::Tensor inverse_frequencies(const ModelConfig& config, at::Device device);

}  // namespace sft
