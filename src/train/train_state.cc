#include "train/train_state.h"

#include <map>
#include <utility>
#include <vector>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"
#include "sft/io/tensor_scan.h"
#include "sft/model/weights.h"

namespace sft {
namespace {

constexpr const char* kProgressFile = "state.json";
constexpr const char* kTensorFile = "state.safetensors";

}  // namespace

void save_train_state(const std::filesystem::path& folder, const TrainProgress& progress,
                      const Optimizer& optimizer) {
  AtomicFolder staged(folder, AtomicFolder::Existing::kReplace);
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : optimizer.state()) {
    tensors.push_back({parameter.name, as_view(parameter.value)});
    if (find_non_finite(tensors.back().view).has_value()) {
      throw Error("training state: " + parameter.name +
                  " holds NaN or infinite values and is not written; a lower learning rate or "
                  "gradient clipping may keep training stable");
    }
  }
  write_safetensors(staged.staging() / kTensorFile, std::move(tensors));
  const Json json = {{"step", progress.step},
                     {"tokens", progress.tokens},
                     {"response_tokens", progress.response_tokens},
                     {"seconds", progress.seconds},
                     {"micro_batch_tokens", progress.micro_batch_tokens},
                     {"is_recomputing", progress.is_recomputing},
                     {"threads", progress.threads}};
  write_file(staged.staging() / kProgressFile, dump_json(json, JsonLayout::kIndented));
  staged.commit();
}

std::optional<TrainProgress> read_train_progress(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kProgressFile;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return std::nullopt;
  }
  const Json json = read_json(path);
  const std::string where = path.string();
  TrainProgress progress;
  progress.step = json_member<int64_t>(json, "step", where);
  progress.tokens = json_member<int64_t>(json, "tokens", where);
  progress.response_tokens = json_member<int64_t>(json, "response_tokens", where);
  progress.seconds = json_member<double>(json, "seconds", where);
  progress.micro_batch_tokens = json_member<int64_t>(json, "micro_batch_tokens", where);
  progress.is_recomputing = json_member<bool>(json, "is_recomputing", where);
  progress.threads = static_cast<int>(json_member<int64_t>(json, "threads", where));
  if (progress.step < 0 || progress.micro_batch_tokens < 1) {
    throw Error(where + ": step " + std::to_string(progress.step) + " and micro_batch_tokens " +
                std::to_string(progress.micro_batch_tokens) + " make no sense; remove the folder " +
                folder.string() + " to start over");
  }
  return progress;
}

void load_train_state(const std::filesystem::path& folder, Optimizer& optimizer) {
  const SafetensorsFile file(folder / kTensorFile);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, view] : file.tensors()) {
    tensors.emplace(name, as_tensor(view, file.path().string() + ": " + name));
  }
  optimizer.load_state(tensors);
}

}  // namespace sft
