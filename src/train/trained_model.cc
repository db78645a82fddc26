#include "train/trained_model.h"

#include <utility>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/safetensors.h"
#include "sft/model/adapter.h"
#include "sft/model/model_folder.h"
#include "sft/model/weights.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOriginFile = "sft.json";

// transformers 5 reads `dtype`, older ones `torch_dtype`; some files have both.
Json config_with_dtype(Json config, DType dtype) {
  const char* const name = dtype == DType::kF32   ? "float32"
                           : dtype == DType::kF16 ? "float16"
                                                  : "bfloat16";
  bool is_named = false;
  for (const char* const key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) {
      config[key] = name;
      is_named = true;
    }
  }
  if (!is_named) {
    config["dtype"] = name;
  }
  return config;
}

// A folder in Hugging Face layout: weights, config.json with their dtype, the base's tokenizer and
// generation files.
WriteCheckpoint model_writer(const fs::path& base, const Json& base_config, DType dtype) {
  return [=](const fs::path& folder, const std::vector<Parameter>& weights, Json sft_json) {
    AtomicFolder staged(folder);
    save_weights(weights, dtype, staged.staging());
    write_file(staged.staging() / "config.json",
               dump_json(config_with_dtype(base_config, dtype), JsonLayout::kIndented));
    copy_model_files(base, staged.staging());
    sft_json["weights_sha256"] = weights_sha256(SafetensorsFolder(staged.staging()).tensors());
    write_file(staged.staging() / kOriginFile, dump_json(sft_json, JsonLayout::kIndented));
    staged.commit();
  };
}

// A folder in PEFT's layout.
WriteCheckpoint adapter_writer(const AdapterConfig& config) {
  return [=](const fs::path& folder, const std::vector<Parameter>& weights, Json sft_json) {
    AtomicFolder staged(folder);
    sft_json["adapter_sha256"] = write_adapter(staged.staging(), config, weights);
    write_file(staged.staging() / kOriginFile, dump_json(sft_json, JsonLayout::kIndented));
    staged.commit();
  };
}

DType checkpoint_dtype(const TrainConfig& config) {
  const bool is_float32 =
      config.checkpoints.dtype == "float32" ||
      (config.checkpoints.dtype == "auto" && compute_type(config) == at::kFloat);
  return is_float32 ? DType::kF32 : DType::kBF16;
}

TrainedModel load_full(const TrainConfig& config, const ModelConfig& model_config) {
  const SafetensorsFolder files(config.base_folder());
  check_sizes(model_config, files, config.base_folder());
  TrainedModel loaded;
  loaded.model = make_model(model_config, compute_type(config), at::kCPU);
  loaded.trained = loaded.model->parameters().all();
  // The masters take the files' own precision; the model computes with them rounded.
  const bool is_float32 = compute_type(config) == at::kFloat;
  const ParameterSet masters =
      is_float32 ? loaded.model->parameters() : loaded.model->parameters().like(at::kFloat);
  load_weights(masters, model_config, files);
  for (size_t i = 0; i < masters.all().size(); ++i) {
    loaded.masters.push_back(masters.all()[i].value);
    if (!is_float32) {
      loaded.trained[i].value.copy_(loaded.masters.back());
    }
  }
  loaded.base_sha256 = weights_sha256(files.tensors());
  loaded.origin = {{"method", "full"}};
  loaded.write = model_writer(config.base_folder(), model_config.json, checkpoint_dtype(config));
  return loaded;
}

// The adapter's parameters, new or those of init_from.
std::vector<Parameter> make_adapter(const TrainConfig& config, TrainedModel& loaded) {
  const ParameterSet& model = loaded.model->parameters();
  const auto seed = static_cast<uint64_t>(config.train.seed);
  if (config.init_from.empty()) {
    return attach_lora(lora_places(model, config.lora, UnmatchedTarget::kRefuse), config.lora,
                       seed);
  }
  const AdapterFolder init = read_adapter_folder(config.init_from);
  check_base(init, config.model, loaded.base_sha256);
  LoadedAdapter adapter = load_adapter(model, init, config.lora, seed);
  loaded.origin["init_from"] = {{"adapter_sha256", adapter.sha256}};
  return std::move(adapter.parameters);
}

TrainedModel load_lora(const TrainConfig& config, const ModelConfig& model_config) {
  const auto files = std::make_shared<const SafetensorsFolder>(config.base_folder());
  check_sizes(model_config, *files, config.base_folder());
  TrainedModel loaded;
  loaded.model = make_model(model_config, compute_type(config), at::kCPU);
  map_weights(loaded.model->parameters(), model_config, files);
  loaded.base_sha256 = weights_sha256(files->tensors());
  loaded.origin = {{"method", "lora"}};
  loaded.trained = make_adapter(config, loaded);
  for (const Parameter& parameter : loaded.trained) {
    loaded.masters.push_back(parameter.value);
  }
  loaded.write = adapter_writer({.lora = config.lora, .base_model = config.model});
  return loaded;
}

}  // namespace

at::ScalarType compute_type(const TrainConfig& config) {
  return config.train.precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

TrainedModel load_trained_model(const TrainConfig& config, const ModelConfig& model_config) {
  return config.method == Method::kLora ? load_lora(config, model_config)
                                        : load_full(config, model_config);
}

int64_t count_adapter_parameters(const TrainConfig& config, const ModelConfig& model_config) {
  if (config.method == Method::kFull) {
    return 0;
  }
  // Its parameters are never touched, so that they take no memory: the model names the layers.
  const auto model = make_model(model_config, at::kBFloat16, at::kCPU);
  const UnmatchedTarget unmatched =
      config.init_from.empty() ? UnmatchedTarget::kRefuse : UnmatchedTarget::kPass;
  int64_t count = 0;
  for (const LoraPlace& place : lora_places(model->parameters(), config.lora, unmatched)) {
    count += place.rank * (place.site->weight.size(0) + place.site->weight.size(1));
  }
  return count;
}

}  // namespace sft
