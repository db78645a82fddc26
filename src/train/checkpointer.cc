#include "train/checkpointer.h"

#include <cstdlib>
#include <limits>
#include <map>

#include <spdlog/spdlog.h>

namespace sft {
namespace fs = std::filesystem;
namespace {

// Renamed first, so that a kill never leaves half a checkpoint under its name.
void remove_checkpoint(const fs::path& folder) {
  const fs::path gone = folder.parent_path() / ("." + folder.filename().string() + ".removed");
  fs::remove_all(gone);
  fs::rename(folder, gone);
  fs::remove_all(gone);
}

// The number behind "epoch-" or "step-"; none for any other name.
std::optional<int64_t> checkpoint_number(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size() ||
      name.find_first_not_of("0123456789", prefix.size()) != std::string::npos) {
    return std::nullopt;
  }
  return std::strtoll(name.c_str() + prefix.size(), nullptr, 10);
}

// Our checkpoints in a run folder, by number.
std::map<int64_t, fs::path> checkpoints_in(const fs::path& folder, const std::string& prefix) {
  std::map<int64_t, fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto number = checkpoint_number(entry.path().filename().string(), prefix);
    if (number.has_value() && fs::exists(entry.path() / "sft.json")) {
      found.emplace(*number, entry.path());
    }
  }
  return found;
}

double recorded_validation_loss(const fs::path& checkpoint) {
  const Json origin = read_json(checkpoint / "sft.json");
  return origin.contains("validation_loss") && origin.at("validation_loss").is_number()
             ? origin.at("validation_loss").get<double>()
             : std::numeric_limits<double>::infinity();
}

}  // namespace

Checkpointer::Checkpointer(fs::path run_folder, const CheckpointConfig& config, Json origin,
                           WriteCheckpoint write)
    : run_folder_(std::move(run_folder)),
      config_(config),
      origin_(std::move(origin)),
      write_(std::move(write)) {}

bool Checkpointer::is_wanted(const Moment& moment) const {
  switch (config_.save) {
    case CheckpointConfig::Save::kEachEpoch:
      return moment.is_epoch_end || moment.is_run_end;
    case CheckpointConfig::Save::kLast:
      return moment.is_run_end;
    case CheckpointConfig::Save::kSteps:
      return moment.step % config_.save_steps == 0 || moment.is_run_end;
  }
  return false;
}

void Checkpointer::after_step(const Moment& moment,
                              const std::function<std::vector<Parameter>()>& weights) {
  if (!is_wanted(moment)) {
    return;
  }
  // A run that max_steps ends in mid-epoch has no epoch to name its last checkpoint after.
  const bool is_by_epoch = config_.save != CheckpointConfig::Save::kSteps && moment.is_epoch_end;
  const std::string name =
      is_by_epoch ? "epoch-" + std::to_string(moment.epoch) : "step-" + std::to_string(moment.step);
  const fs::path folder = run_folder_ / name;
  if (!fs::exists(folder / "sft.json")) {
    write_(folder, weights(), sft_json(moment));
    spdlog::info("[train] saved {}", folder.string());
  }
  remove_unwanted(is_by_epoch ? "epoch-" : "step-");
}

Json Checkpointer::sft_json(const Moment& moment) const {
  Json json = origin_;
  json["step"] = moment.step;
  json["epoch"] = moment.epoch;
  if (moment.validation_loss.has_value()) {
    json["validation_loss"] = *moment.validation_loss;
  }
  return json;
}

void Checkpointer::remove_unwanted(const std::string& prefix) const {
  std::map<int64_t, fs::path> found = checkpoints_in(run_folder_, prefix);
  if (config_.keep == CheckpointConfig::Keep::kNewest) {
    while (static_cast<int64_t>(found.size()) > config_.keep_newest) {
      remove_checkpoint(found.begin()->second);
      found.erase(found.begin());
    }
  } else if (config_.keep == CheckpointConfig::Keep::kBest) {
    const fs::path* best = nullptr;
    double best_loss = std::numeric_limits<double>::infinity();
    for (const auto& [number, path] : found) {
      const double loss = recorded_validation_loss(path);
      if (best == nullptr || loss < best_loss) {
        best = &path;
        best_loss = loss;
      }
    }
    for (const auto& [number, path] : found) {
      if (&path != best) {
        remove_checkpoint(path);
      }
    }
  }
}

}  // namespace sft
