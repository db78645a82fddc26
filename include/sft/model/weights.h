#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/io/safetensors.h"
#include "sft/model/causal_lm.h"

namespace sft {

// A tensor on disk as one in memory, of the same dtype, sharing its bytes: valid as long as the
// file is mapped, and never to be written to. Throws Error for a dtype that is no weight's (F64 and
// integers), naming `where`.
at::Tensor as_tensor(const TensorView& view, const std::string& where);

// The other way: a contiguous CPU tensor of float32, bf16 or float16 as a view of its bytes.
TensorView as_view(const at::Tensor& tensor);

// Throws Error where the files hold fewer numbers than config.json asks for, so that absurd sizes
// are refused before anything is allocated for them.
void check_sizes(const ModelConfig& config, const SafetensorsFolder& files,
                 const std::filesystem::path& folder);

// Throws Error where the parameters, in `dtype`, are more than this machine's memory holds. `where`
// is what their sizes come from.
void check_memory(const ModelConfig& config, at::ScalarType dtype, const std::string& where);

// Throws Error that names file, tensor and both values for: a parameter that the files lack, a
// tensor that is no parameter, another shape or dtype, NaN or infinite values. A tied model's
// "lm_head.weight" and "*.rotary_emb.inv_freq" are passed over.
void check_tensors(const ParameterSet& parameters, const ModelConfig& config,
                   const SafetensorsFolder& files);

// Fills a model's parameters from a folder's weights, widened or rounded once to their dtype, after
// check_tensors.
void load_weights(const ParameterSet& parameters, const ModelConfig& config,
                  const SafetensorsFolder& files);

// The same for weights that are only read: a parameter of its tensor's own dtype takes the mapped
// bytes themselves in place of a copy (on the CPU, where they are aligned), and keeps them mapped.
// Such a parameter must not be written to.
void map_weights(const ParameterSet& parameters, const ModelConfig& config,
                 const std::shared_ptr<const SafetensorsFolder>& files);

// Throws Error where a tensor holds NaN or infinite values.
void check_finite(const TensorView& view, const std::string& where);

// Random values as transformers' initialisation has them: matrices normal with deviation 0.02,
// norms 1 (0 where they are stored less 1), biases 0; each tensor from the stream of its own name,
// so that a weight depends on the seed and its name alone.
void init_weights(CausalLm& model, uint64_t seed);

// `tensors` as one of dtype's model folder's weights (see write_safetensors_folder). Throws Error
// for NaN or infinite values: they are never written.
void save_weights(const std::vector<Parameter>& tensors, DType dtype,
                  const std::filesystem::path& folder);

// A model folder read whole for inference or as a frozen base: config, family, weights (mapped).
struct ModelFolder {
  ModelConfig config;
  std::unique_ptr<CausalLm> model;
};
ModelFolder load_model(const std::filesystem::path& folder, at::ScalarType dtype,
                       at::Device device);

}  // namespace sft
