#include "sft/estimate/estimate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

// LibTorch, its kernels' buffers, the tokenizer and the program itself, as measured on CPU.
constexpr uint64_t kRuntimeBytes = 600'000'000;
// Tokenizer and configs in a checkpoint folder.
constexpr uint64_t kCheckpointExtraBytes = 20'000'000;
// Headers and configs beside an adapter's tensors.
constexpr uint64_t kAdapterExtraBytes = 100'000;
constexpr uint64_t kFloat32Bytes = 4;
constexpr uint64_t kBf16Bytes = 2;

uint64_t compute_bytes(const TrainConfig& config) {
  return config.train.precision == Precision::kBf16 ? kBf16Bytes : kFloat32Bytes;
}

uint64_t trained_parameters(const ModelShape& shape, const TrainingMethod& method) {
  return static_cast<uint64_t>(method.adapter_parameters > 0 ? method.adapter_parameters
                                                             : shape.num_parameters());
}

// Numbers kept for the backward pass by one layer for one token.
uint64_t layer_activations(const ModelShape& shape) {
  const int64_t query = shape.num_heads * shape.head_dim;
  const int64_t key = shape.num_kv_heads * shape.head_dim;
  const int64_t hidden = 4 * shape.hidden_size;     // both residuals, both norms' outputs
  const int64_t attention = 3 * query + 3 * key;    // q and k before and after rotation, v, output
  const int64_t mlp = 4 * shape.intermediate_size;  // gate, its activation, up, their product
  return static_cast<uint64_t>(hidden + attention + mlp);
}

uint64_t activation_bytes(const TrainConfig& config, const ModelShape& shape, const DataSize& data,
                          const TrainingMethod& method) {
  // A sample longer than the budget is a micro-batch of its own.
  const auto tokens = static_cast<uint64_t>(std::max(method.micro_batch_tokens, data.max_tokens));
  const auto layers = static_cast<uint64_t>(shape.num_layers);
  const uint64_t layer = layer_activations(shape);
  const uint64_t kept = method.is_recomputing
                            ? layers * static_cast<uint64_t>(shape.hidden_size) + layer
                            : layers * layer;
  return tokens * kept * compute_bytes(config);
}

std::vector<EstimatePart> memory_parts(const TrainConfig& config, const ModelShape& shape,
                                       const DataSize& data, const TrainingMethod& method) {
  const auto parameters = static_cast<uint64_t>(shape.num_parameters());
  const uint64_t trained = trained_parameters(shape, method);
  std::vector<EstimatePart> parts = {{"weights", parameters * compute_bytes(config)}};
  if (method.adapter_parameters > 0) {
    parts.push_back({"adapters", trained * kFloat32Bytes});
  } else if (config.train.precision == Precision::kBf16) {
    parts.push_back({"master weights", parameters * kFloat32Bytes});
  }
  parts.push_back({"moments", trained * 2 * kFloat32Bytes});
  parts.push_back({"gradients", trained * kFloat32Bytes});
  parts.push_back({"activations", activation_bytes(config, shape, data, method)});
  // The chunk's logits and their gradient.
  parts.push_back({"logits", 2 * static_cast<uint64_t>(method.logits_chunk_tokens) *
                                 static_cast<uint64_t>(shape.vocab_size) * kFloat32Bytes});
  parts.push_back({"runtime", kRuntimeBytes});
  return parts;
}

// Checkpoints that lie there at the same time, the one being written included.
int64_t num_checkpoints(const TrainConfig& config, int64_t steps, int64_t steps_per_epoch) {
  using Save = CheckpointConfig::Save;
  using Keep = CheckpointConfig::Keep;
  const CheckpointConfig& checkpoints = config.checkpoints;
  const auto saved_every = [&](int64_t interval) { return (steps + interval - 1) / interval; };
  int64_t saved = 1;
  if (checkpoints.save == Save::kEachEpoch) {
    saved = saved_every(std::max<int64_t>(steps_per_epoch, 1));
  } else if (checkpoints.save == Save::kSteps) {
    saved = saved_every(checkpoints.save_steps);
  }
  if (checkpoints.keep == Keep::kAll) {
    return saved;
  }
  const int64_t kept = checkpoints.keep == Keep::kBest ? 1 : checkpoints.keep_newest;
  return std::min(saved, kept + 1);
}

std::vector<EstimatePart> disk_parts(const TrainConfig& config, const ModelShape& shape,
                                     const TrainingMethod& method, const Estimate& estimate) {
  const uint64_t parameters = trained_parameters(shape, method);
  const bool is_adapter = method.adapter_parameters > 0;
  const bool is_float32 =
      is_adapter || config.checkpoints.dtype == "float32" ||
      (config.checkpoints.dtype == "auto" && config.train.precision == Precision::kFloat32);
  const uint64_t checkpoint = parameters * (is_float32 ? kFloat32Bytes : kBf16Bytes) +
                              (is_adapter ? kAdapterExtraBytes : kCheckpointExtraBytes);
  const auto checkpoints =
      static_cast<uint64_t>(num_checkpoints(config, estimate.steps, estimate.steps_per_epoch));
  // float32 weights and both moments; the new state is whole before the old one goes.
  const uint64_t state = 2 * parameters * 3 * kFloat32Bytes;
  return {{fmt::format("{} checkpoint{}", checkpoints, checkpoints == 1 ? "" : "s"),
           checkpoints * checkpoint},
          {"training state", state}};
}

uint64_t total(const std::vector<EstimatePart>& parts) {
  uint64_t bytes = 0;
  for (const EstimatePart& part : parts) {
    bytes += part.bytes;
  }
  return bytes;
}

double run_flops(const ModelShape& shape, const DataSize& data, const TrainingMethod& method,
                 const Estimate& estimate) {
  const double layers = static_cast<double>(estimate.tokens) * shape.layer_flops(data.mean_tokens);
  return training_flops(shape, method.adapter_parameters,
                        {.tokens = estimate.tokens,
                         .response_tokens = estimate.response_tokens,
                         .mean_tokens = data.mean_tokens}) +
         (method.is_recomputing ? layers : 0);
}

std::string part_lines(const std::vector<EstimatePart>& parts) {
  std::string text;
  for (const EstimatePart& part : parts) {
    text += fmt::format("    {:<18} {:>10}\n", part.name, format_bytes(part.bytes));
  }
  return text;
}

std::string fit_line(const std::string& what, bool fits, uint64_t needed, uint64_t there) {
  return fmt::format("  {:<20} {}: {} needed, {} free\n", what, fits ? "fits" : "DOES NOT FIT",
                     format_bytes(needed), format_bytes(there));
}

Json parts_json(const std::vector<EstimatePart>& parts) {
  Json object = Json::object();
  for (const EstimatePart& part : parts) {
    object[part.name] = part.bytes;
  }
  return object;
}

}  // namespace

int64_t steps_per_epoch(int64_t samples, int64_t batch_size, LastBatch last_batch) {
  SFT_CHECK(samples >= 0 && batch_size > 0);
  const int64_t full = samples / batch_size;
  return full + (last_batch == LastBatch::kKeep && samples % batch_size != 0 ? 1 : 0);
}

double training_flops(const ModelShape& shape, int64_t adapter_parameters, const TokenWork& work) {
  const auto tokens = static_cast<double>(work.tokens);
  const double layers = tokens * shape.layer_flops(work.mean_tokens);
  const double output = static_cast<double>(work.response_tokens) * shape.output_flops();
  if (adapter_parameters == 0) {
    return 3 * (layers + output);
  }
  const double adapters = 2 * static_cast<double>(adapter_parameters) * tokens;
  return 2 * (layers + output) + 3 * adapters;
}

Estimate estimate_run(const TrainConfig& config, const ModelShape& shape, const DataSize& data,
                      const TrainingMethod& method, const Machine& machine) {
  Estimate estimate;
  estimate.parameters = shape.num_parameters();
  estimate.trained_parameters = static_cast<int64_t>(trained_parameters(shape, method));
  estimate.samples = data.samples;
  estimate.steps_per_epoch =
      steps_per_epoch(data.samples, config.train.batch_size, config.train.last_batch);
  const int64_t planned = config.train.epochs * estimate.steps_per_epoch;
  estimate.steps = config.train.max_steps > 0 ? std::min(config.train.max_steps, planned) : planned;
  // Samples of a dropped last batch are not seen, those after the last step neither.
  const double seen =
      std::min(static_cast<double>(estimate.steps) * static_cast<double>(config.train.batch_size),
               static_cast<double>(config.train.epochs) * static_cast<double>(data.samples));
  estimate.tokens = std::llround(seen * data.mean_tokens);
  const bool is_all = config.train.loss_on == LossTarget::kAll;
  estimate.response_tokens =
      std::llround(seen * (is_all ? data.mean_tokens : data.mean_response_tokens));
  estimate.memory = memory_parts(config, shape, data, method);
  estimate.memory_bytes = total(estimate.memory);
  estimate.disk = disk_parts(config, shape, method, estimate);
  estimate.disk_bytes = total(estimate.disk);
  estimate.flops = run_flops(shape, data, method, estimate);
  estimate.seconds =
      method.flops_per_second > 0 ? estimate.flops / method.flops_per_second : std::nan("");
  estimate.is_rate_measured = method.is_rate_measured;
  estimate.machine = machine;
  return estimate;
}

std::string estimate_text(const Estimate& estimate) {
  const auto count = [](int64_t value) { return format_count(static_cast<uint64_t>(value)); };
  std::string text;
  text += fmt::format("  {:<20} {}\n", "parameters", count(estimate.parameters));
  if (estimate.trained_parameters != estimate.parameters) {
    text += fmt::format("  {:<20} {}\n", "trained", count(estimate.trained_parameters));
  }
  text += fmt::format("  {:<20} {}\n", "samples", count(estimate.samples));
  text += fmt::format("  {:<20} {}, {} of responses, over all epochs\n", "tokens",
                      count(estimate.tokens), count(estimate.response_tokens));
  text +=
      fmt::format("  {:<20} {}, {} an epoch\n", "steps", estimate.steps, estimate.steps_per_epoch);
  text += fmt::format("  {:<20} {}, by part\n", "peak memory", format_bytes(estimate.memory_bytes));
  text += part_lines(estimate.memory);
  text += fmt::format("  {:<20} {}, by part\n", "disk", format_bytes(estimate.disk_bytes));
  text += part_lines(estimate.disk);
  text += fmt::format("  {:<20} {} ({:.3g} FLOP at a rate that is {})\n", "time",
                      format_seconds(estimate.seconds), estimate.flops,
                      estimate.is_rate_measured ? "measured" : "assumed");
  text += fit_line("this machine, memory", estimate.fits_memory(), estimate.memory_bytes,
                   estimate.machine.available_memory_bytes);
  text += fit_line("this machine, disk", estimate.fits_disk(), estimate.disk_bytes,
                   estimate.machine.free_disk_bytes);
  return text;
}

Json estimate_json(const Estimate& estimate) {
  return {{"parameters", estimate.parameters},
          {"trained_parameters", estimate.trained_parameters},
          {"samples", estimate.samples},
          {"tokens", estimate.tokens},
          {"response_tokens", estimate.response_tokens},
          {"steps", estimate.steps},
          {"steps_per_epoch", estimate.steps_per_epoch},
          {"memory", parts_json(estimate.memory)},
          {"memory_bytes", estimate.memory_bytes},
          {"disk", parts_json(estimate.disk)},
          {"disk_bytes", estimate.disk_bytes},
          {"flops", estimate.flops},
          {"seconds", estimate.seconds},
          {"rate", estimate.is_rate_measured ? "measured" : "assumed"},
          {"available_memory_bytes", estimate.machine.available_memory_bytes},
          {"free_disk_bytes", estimate.machine.free_disk_bytes},
          {"fits", estimate.fits_memory() && estimate.fits_disk()}};
}

}  // namespace sft
