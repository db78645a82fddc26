#include "sft/model/weights.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>

#include "model/weight_sources.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/rng.h"
#include "sft/estimate/machine.h"
#include "sft/io/tensor_scan.h"

namespace sft {
namespace {

using at::Tensor;

constexpr float kInitDeviation = 0.02F;

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + text + "]";
}

int64_t num_elements(const SafetensorsFolder& files) {
  int64_t count = 0;
  for (const auto& [name, view] : files.tensors()) {
    count += static_cast<int64_t>(view.bytes.size() / dtype_bytes(view.dtype));
  }
  return count;
}

// Tensors that are in many checkpoints and are no parameters.
bool is_passed_over(const std::string& name, const ModelConfig& config) {
  return name.ends_with(".rotary_emb.inv_freq") ||
         (name == "lm_head.weight" && config.shape.has_tied_embeddings);
}

// Float32 goes past what the other types hold.
void copy_weight(const Parameter& parameter, const Tensor& stored) {
  parameter.value.copy_(stored);
  if (stored.scalar_type() != at::kFloat || parameter.value.scalar_type() == at::kFloat) {
    return;
  }
  const Tensor values = parameter.value.to(at::kCPU);
  if (const std::optional<size_t> place = find_non_finite(as_view(values))) {
    throw Error(parameter.name + ": element " + std::to_string(*place) +
                " is too large for bf16; load the model in float32");
  }
}

bool is_aligned(const TensorView& view) {
  return reinterpret_cast<uintptr_t>(view.bytes.data()) % dtype_bytes(view.dtype) == 0;
}

}  // namespace

at::ScalarType scalar_type_of(DType dtype, const std::string& where) {
  switch (dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    default:
      throw Error(where + ": dtype " + std::string(dtype_name(dtype)) +
                  " is no weight's; F32, F16 and BF16 are read");
  }
}

void check_finite(const TensorView& view, const std::string& where) {
  if (const std::optional<size_t> place = find_non_finite(view)) {
    throw Error(where + ": element " + std::to_string(*place) +
                " is NaN or infinite; the file is damaged or its training diverged");
  }
}

Tensor as_tensor(const TensorView& view, const std::string& where) {
  const at::ScalarType type = scalar_type_of(view.dtype, where);
  // from_blob takes no pointer to const; nothing writes through it.
  void* const data = const_cast<std::byte*>(view.bytes.data());  // NOLINT(cppcoreguidelines-*)
  return at::from_blob(data, view.shape, at::TensorOptions().dtype(type));
}

TensorView as_view(const Tensor& tensor) {
  SFT_CHECK(tensor.is_contiguous() && tensor.is_cpu());
  TensorView view;
  view.dtype = tensor.scalar_type() == at::kFloat  ? DType::kF32
               : tensor.scalar_type() == at::kHalf ? DType::kF16
                                                   : DType::kBF16;
  SFT_CHECK(view.dtype != DType::kBF16 || tensor.scalar_type() == at::kBFloat16);
  view.shape = tensor.sizes().vec();
  view.bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
  return view;
}

void check_sizes(const ModelConfig& config, const SafetensorsFolder& files,
                 const std::filesystem::path& folder) {
  const int64_t expected = config.shape.num_parameters();
  if (const int64_t stored = num_elements(files); stored < expected) {
    throw Error((folder / "config.json").string() + ": describes a model of " +
                std::to_string(expected) + " parameters, the safetensors files hold " +
                std::to_string(stored) + "; is this the right config?");
  }
}

void check_memory(const ModelConfig& config, at::ScalarType dtype, const std::string& where) {
  const auto parameters = static_cast<uint64_t>(config.shape.num_parameters());
  check_memory(parameters * c10::elementSize(dtype),
               where + ": a model of " + format_count(parameters) + " parameters");
}

void check_tensors(const ParameterSet& parameters, const ModelConfig& config,
                   const SafetensorsFolder& files) {
  for (const auto& [name, view] : files.tensors()) {
    const std::string where = files.file_of(name).string() + ": " + name;
    const Parameter* const parameter = parameters.find(name);
    if (parameter == nullptr) {
      if (is_passed_over(name, config)) {
        continue;
      }
      throw Error(where + ": no parameter of a '" + config.shape.model_type +
                  "' model with this config.json; is this the right config?");
    }
    if (parameter->value.sizes() != view.shape) {
      throw Error(where + ": shape " + shape_text(view.shape) + " in the file, " +
                  shape_text(parameter->value.sizes()) +
                  " by config.json; is this the right config?");
    }
    scalar_type_of(view.dtype, where);
    check_finite(view, where);
  }
  for (const Parameter& parameter : parameters.all()) {
    if (!files.tensors().contains(parameter.name)) {
      const std::string where =
          files.tensors().empty()
              ? "model.safetensors"
              : files.file_of(files.tensors().begin()->first).parent_path().string();
      throw Error(where + ": " + parameter.name +
                  " is in none of the safetensors files, config.json asks for it with shape " +
                  shape_text(parameter.value.sizes()));
    }
  }
}

void load_weights(const ParameterSet& parameters, const ModelConfig& config,
                  const SafetensorsFolder& files) {
  const at::NoGradGuard no_grad;
  check_tensors(parameters, config, files);
  for (const Parameter& parameter : parameters.all()) {
    copy_weight(parameter, as_tensor(files.tensors().at(parameter.name), parameter.name));
  }
}

void map_weights(const ParameterSet& parameters, const ModelConfig& config,
                 const std::shared_ptr<const SafetensorsFolder>& files) {
  const at::NoGradGuard no_grad;
  check_tensors(parameters, config, *files);
  for (const Parameter& parameter : parameters.all()) {
    const TensorView& view = files->tensors().at(parameter.name);
    const Tensor stored = as_tensor(view, parameter.name);
    const bool is_usable = stored.scalar_type() == parameter.value.scalar_type() &&
                           parameter.value.is_cpu() && is_aligned(view);
    if (!is_usable) {
      copy_weight(parameter, stored);
      continue;
    }
    // The storage keeps the file mapped for as long as it is used.
    const Tensor mapped = at::from_blob(
        stored.data_ptr(), stored.sizes(), [files](void* /*data*/) {}, stored.options());
    parameter.value.set_data(mapped);
  }
}

void init_weights(CausalLm& model, uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model.parameters().all()) {
    if (parameter.value.dim() == 1) {
      parameter.value.fill_(
          parameter.name.ends_with(".bias") ? 0 : 1 - model.config().norm_weight_offset);
      continue;
    }
    const Rng rng(seed, parameter.name);
    Tensor values = at::empty(parameter.value.sizes(), at::TensorOptions().dtype(at::kFloat));
    auto* const data = values.mutable_data_ptr<float>();
    at::parallel_for(0, values.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        data[i] = kInitDeviation * rng.normal(static_cast<uint64_t>(i));
      }
    });
    parameter.value.copy_(values);
  }
}

void write_finite(const Tensor& tensor, const std::string& name, AtomicFile& file) {
  const TensorView view = as_view(tensor);
  if (find_non_finite(view).has_value()) {
    throw Error(name +
                " holds NaN or infinite values and is not written; a lower learning rate "
                "or gradient clipping may keep training stable");
  }
  file.write(view.bytes);
}

std::vector<TensorSource> weight_sources(const std::vector<Parameter>& tensors, DType dtype) {
  std::vector<TensorSource> sources;
  for (const Parameter& parameter : tensors) {
    // Rounded when its turn comes: all at once would be a second copy of the model.
    const auto write = [value = parameter.value.detach(), name = parameter.name,
                        type = scalar_type_of(dtype, parameter.name)](AtomicFile& file) {
      write_finite(value.to(at::kCPU).to(type).contiguous(), name, file);
    };
    sources.push_back({.name = parameter.name,
                       .dtype = dtype,
                       .shape = parameter.value.sizes().vec(),
                       .write = write});
  }
  return sources;
}

void save_weights(const std::vector<Parameter>& tensors, DType dtype,
                  const std::filesystem::path& folder) {
  write_safetensors_folder(folder, weight_sources(tensors, dtype));
}

ModelFolder load_model(const std::filesystem::path& folder, at::ScalarType dtype,
                       at::Device device) {
  ModelFolder loaded;
  loaded.config = read_model_config(folder);
  const auto files = std::make_shared<const SafetensorsFolder>(folder);
  check_sizes(loaded.config, *files, folder);
  if (device.is_cpu()) {
    check_memory(loaded.config, dtype, (folder / "config.json").string());
  }
  loaded.model = make_model(loaded.config, dtype, device);
  map_weights(loaded.model->parameters(), loaded.config, files);
  return loaded;
}

}  // namespace sft
