#include "sft/train/train_run.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "train/checkpointer.h"
#include "train/guessed_tokens.h"
#include "train/product_rate.h"
#include "train/run_record.h"
#include "train/tensorboard_log.h"
#include "train/train_state.h"
#include "train/trained_model.h"
#include "train/trainer.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/interrupt.h"
#include "sft/core/process_memory.h"
#include "sft/core/progress.h"
#include "sft/data/batch_plan.h"
#include "sft/data/prepare.h"
#include "sft/io/file.h"
#include "sft/io/sha256.h"
#include "sft/text/tokenizer.h"
#include "sft/train/lr_schedule.h"
#include "sft/train/metrics_log.h"

namespace sft {
namespace {

// Packed tokens of one forward and backward pass: enough for products at full speed; more would
// only cost memory. Where the model is frozen, activations are most of the memory, and there are no
// products of its weights' gradients, whose speed needs many tokens.
constexpr int64_t kMicroBatchTokens = 1024;
constexpr int64_t kFrozenMicroBatchTokens = 512;

int64_t micro_batch_tokens(const TrainConfig& config) {
  return config.method == Method::kLora ? kFrozenMicroBatchTokens : kMicroBatchTokens;
}

// What linear_cross_entropy holds at a time, for plans.
constexpr int64_t kLogitsChunkBytes = int64_t{192} << 20;
constexpr double kSecondsPerMinute = 60;

// Everything about a run that is known before its first step.
struct Preparation {
  ModelConfig model_config;
  PreparedData data;
  std::string data_json;
  BatchPlan plan;
  int64_t steps_per_epoch = 0;
  int64_t schedule_steps = 0;  // of the learning rate's schedule
  int64_t num_steps = 0;       // to be done: fewer where max_steps says so
  double product_rate = 0;
  int64_t adapter_parameters = 0;  // 0: the model itself is trained
};

BatchPlan make_plan(const TrainConfig& config, const PreparedData& data) {
  return {BatchPlan::Options{.seed = config.train.seed,
                             .batch_size = config.train.batch_size,
                             .last_batch = config.train.last_batch,
                             .shuffle = config.data.shuffle},
          data.training_ids()};
}

// What the model cannot compute: ids outside its embedding, samples beyond its context.
void check_samples(const PreparedData& data, const ModelConfig& model) {
  const int64_t context = model.shape.context_length;
  for (const auto* samples : {&data.training, &data.validation}) {
    for (const EncodedSample& sample : *samples) {
      if (std::ssize(sample.token_ids) > context) {
        throw Error(fmt::format(
            "sample {}: {} tokens exceed the model's context of {}; set data.max_length to {}",
            sample.id, sample.token_ids.size(), context, context));
      }
      const int32_t largest = *std::ranges::max_element(sample.token_ids);
      if (largest >= model.shape.vocab_size) {
        throw Error(
            fmt::format("sample {}: token id {} is outside the model's vocabulary of {}; is "
                        "this the model's own tokenizer?",
                        sample.id, largest, model.shape.vocab_size));
      }
    }
  }
}

// `is_stopping`: asked between rows, since preparing large data takes minutes.
PreparedData prepare_data(const TrainConfig& config, const TrainRunOptions& options,
                          const std::function<bool()>& is_stopping) {
  TokenizerSource own = tokenizer_source(config.model, config.base_folder());
  // Loaded once, and before a dataset is read: a broken one is told at once.
  own.load = [tokenizer = own.load()] { return tokenizer; };
  PreparedData data =
      prepare(config.data, own,
              {.loss_on = config.train.loss_on,
               .threads = at::get_num_threads(),
               .find_tokenizer =
                   [&](const std::string& name) {
                     return tokenizer_source(name, options.find_tokenizer(name));
                   },
               .fetch = options.fetch,
               .on_rows =
                   [&](const std::string& dataset, int64_t rows) {
                     if (is_stopping()) {
                       throw Interrupted(fmt::format(
                           "while data were prepared, at row {} of {}; nothing is kept of it", rows,
                           dataset));
                     }
                   }});
  const PreparedSet& set = data.summary.set;
  spdlog::info("[data] {} prepared set {}", set.is_new ? "made" : "found", set.folder.string());
  for (const std::string& line : data.parity.lines()) {
    spdlog::warn("[data] {}", line);
  }
  return data;
}

Preparation prepare_run(const TrainConfig& config, const TrainRunOptions& options,
                        const std::function<bool()>& is_stopping) {
  ModelConfig model_config = read_model_config(config.base_folder());
  const int64_t adapter_parameters = count_adapter_parameters(config, model_config);
  PreparedData data = prepare_data(config, options, is_stopping);
  check_samples(data, model_config);
  BatchPlan plan = make_plan(config, data);
  const int64_t steps_per_epoch = plan.steps_per_epoch();
  if (steps_per_epoch == 0) {
    throw Error(
        fmt::format("{} samples make no batch of {} with last_batch: drop; use a smaller "
                    "batch_size",
                    data.training.size(), config.train.batch_size));
  }
  const int64_t schedule_steps = config.train.epochs * steps_per_epoch;
  const int64_t num_steps = config.train.max_steps > 0
                                ? std::min(config.train.max_steps, schedule_steps)
                                : schedule_steps;
  std::string json = dump_json(data_json(config.data, data.summary), JsonLayout::kIndented);
  const double rate =
      measure_product_rate(model_config.shape, micro_batch_tokens(config), compute_type(config));
  return {.model_config = std::move(model_config),
          .data = std::move(data),
          .data_json = std::move(json),
          .plan = std::move(plan),
          .steps_per_epoch = steps_per_epoch,
          .schedule_steps = schedule_steps,
          .num_steps = num_steps,
          .product_rate = rate,
          .adapter_parameters = adapter_parameters};
}

TrainingMethod training_method(const TrainConfig& config, const ModelShape& shape,
                               double product_rate, bool is_recomputing) {
  const int64_t row_bytes = shape.vocab_size * (compute_type(config) == at::kFloat ? 4 : 2);
  const int64_t tokens = micro_batch_tokens(config);
  return {.micro_batch_tokens = tokens,
          .logits_chunk_tokens = std::min(kLogitsChunkBytes / row_bytes, tokens),
          .is_recomputing = is_recomputing,
          .flops_per_second = product_rate,
          .is_rate_measured = true};
}

Estimate estimate_of(const TrainConfig& config, const Preparation& run, bool is_recomputing) {
  const ModelShape& shape = run.model_config.shape;
  TrainingMethod method = training_method(config, shape, run.product_rate, is_recomputing);
  method.adapter_parameters = run.adapter_parameters;
  return estimate_run(config, shape, count_tokens(run.data.training).data_size(), method,
                      this_machine(config.output));
}

// Layers are computed twice where the config says so, or where they would not fit otherwise.
bool choose_recomputing(const TrainConfig& config, const Preparation& run) {
  switch (config.train.activation_checkpointing) {
    case Checkpointing::kOn:
      return true;
    case Checkpointing::kOff:
      return false;
    case Checkpointing::kAuto:
      return !estimate_of(config, run, /*is_recomputing=*/false).fits_memory();
  }
  return false;
}

// A name for files that must be the same on every machine: a hub id, or the last part of a path.
std::string portable_model_name(const TrainConfig& config) {
  if (!config.model_folder.empty()) {
    return config.model;
  }
  const std::filesystem::path path(config.model);
  return path.filename().empty() ? path.parent_path().filename().string()
                                 : path.filename().string();
}

Json origin_json(const TrainConfig& config, const Preparation& run, const TrainedModel& trained) {
  Json datasets = Json::array();
  for (const PreparedDataset& dataset : run.data.summary.set.datasets) {
    datasets.push_back({{"name", dataset.name}, {"samples", dataset.sampled}});
  }
  const Template& layout = run.data.summary.layout;
  Json json = {{"origin", "train"}, {"sft_version", SFT_VERSION}};
  json.update(trained.origin);
  json["base"] = {{"name", portable_model_name(config)}, {"weights_sha256", trained.base_sha256}};
  json["data"] = {{"datasets", datasets}, {"data_sha256", sha256_hex(run.data_json)}};
  json["template"] = {
      {"name", layout.name}, {"turn", layout.turn}, {"separator", layout.separator}};
  return json;
}

// One start of a run: from what is there to its end, a signal, or an error.
class TrainRun {
 public:
  // What a run is made of, besides its config.
  struct Parts {
    const TrainRunOptions& options;
    RunFolder& folder;
    const Clock& clock;
  };
  TrainRun(const TrainConfig& config, const Parts& parts, const InterruptScope& interrupt)
      : config_(config),
        options_(parts.options),
        folder_(parts.folder),
        clock_(parts.clock),
        run_(prepare_run(config, parts.options, [&] { return interrupt.requested(); })),
        schedule_(config.train, run_.schedule_steps) {}

  TrainOutcome carry_out(const InterruptScope& interrupt) {
    if (interrupt.requested()) {
      return TrainOutcome::kStopped;
    }
    trained_ = load_trained_model(
        config_,
        run_.model_config);  // before anything is written: a broken model leaves nothing behind
    folder_.begin();
    record_ = continued_run_record(folder_.file("run.json"), clock_);
    try {
      start();
      return steps(interrupt);
    } catch (const std::exception& error) {
      record_.status = "failed";
      record_.error = error.what();
      try {
        save_record();
      } catch (const std::exception& second) {
        spdlog::warn("[train] run.json could not be written: {}", second.what());
      }
      throw;  // the first error is the one to show
    }
  }

 private:
  void start();
  void make_optimizer();
  void check_same_data();
  void resume_or_begin();
  TrainOutcome steps(const InterruptScope& interrupt);
  std::optional<StepResult> one_step(Trainer& trainer, const InterruptScope& interrupt);
  void after_step(const Trainer& trainer, const StepResult& result, double seconds);
  void log_step(const StepMetrics& metrics);
  void finish();
  void save_state();
  void save_record();

  // Whole steps done so far, and the epoch (from 1) of the step after them.
  int64_t epoch_of_next() const { return progress_.step / run_.steps_per_epoch + 1; }

  const TrainConfig& config_;
  const TrainRunOptions& options_;
  RunFolder& folder_;
  const Clock& clock_;
  Preparation run_;
  LrSchedule schedule_;
  RunRecord record_;
  TrainProgress progress_;
  TrainedModel trained_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<MetricsLog> metrics_;
  std::unique_ptr<TensorboardLog> tensorboard_;
  std::vector<std::vector<size_t>> epoch_plan_;  // of planned_epoch_
  int64_t planned_epoch_ = 0;
  double state_seconds_ = 0;  // when the state was saved last, on the monotonic clock
};

void TrainRun::start() {
  const std::string data_sha256 = sha256_hex(run_.data_json);
  check_same_data();
  resume_or_begin();
  const Estimate estimate = estimate_of(config_, run_, progress_.is_recomputing);
  record_.status = "running";
  record_.model_name = config_.model;
  record_.data_sha256 = data_sha256;
  record_.planned = estimate_json(estimate);
  record_.reference_flops = run_.product_rate;
  record_.threads = at::get_num_threads();
  if (!estimate.fits_memory()) {
    spdlog::warn("[train] planned peak memory {} exceeds the {} that are free; see --plan",
                 format_bytes(estimate.memory_bytes),
                 format_bytes(estimate.machine.available_memory_bytes));
  }
  spdlog::info("[train] {} samples, {} steps, {} parameters, about {}", run_.data.training.size(),
               run_.num_steps, format_count(static_cast<uint64_t>(estimate.trained_parameters)),
               format_seconds(estimate.seconds));
  make_optimizer();
  save_record();
}

// Checkpoints of an earlier start stay, so the data must be theirs.
void TrainRun::check_same_data() {
  const std::filesystem::path path = folder_.file("data.json");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    write_file(path, run_.data_json);
  } else if (read_file(path) != run_.data_json) {
    throw Error(
        path.string() +
        ": the data have changed since this run began; restore them, or take another output");
  }
}

void TrainRun::resume_or_begin() {
  if (const auto saved = read_train_progress(folder_.file("last")); saved.has_value()) {
    progress_ = *saved;
    if (progress_.threads != at::get_num_threads()) {
      spdlog::warn("[train] began with {} threads, continues with {}: sums may round differently",
                   progress_.threads, at::get_num_threads());
    }
    spdlog::info("[train] continues after step {} of {}", progress_.step, run_.num_steps);
    return;
  }
  progress_.threads = at::get_num_threads();
  progress_.micro_batch_tokens = micro_batch_tokens(config_);
  progress_.is_recomputing = choose_recomputing(config_, run_);
}

void TrainRun::make_optimizer() {
  if (!record_.model_sha256.empty() && record_.model_sha256 != trained_.base_sha256) {
    throw Error(config_.model + ": the model's weights have changed since this run began (sha256 " +
                record_.model_sha256 + ", now " + trained_.base_sha256 +
                "); restore them, or take another output");
  }
  record_.model_sha256 = trained_.base_sha256;
  optimizer_ = std::make_unique<Optimizer>(trained_.trained, trained_.masters, config_.train);
  if (progress_.step > 0) {
    load_train_state(folder_.file("last"), *optimizer_);
  }
  checkpointer_ = std::make_unique<Checkpointer>(
      folder_.path(), config_.checkpoints, origin_json(config_, run_, trained_), trained_.write);
}

TrainOutcome TrainRun::steps(const InterruptScope& interrupt) {
  metrics_ = std::make_unique<MetricsLog>(folder_.file("metrics.jsonl"), progress_.step);
  tensorboard_ = std::make_unique<TensorboardLog>(folder_.file("tensorboard"),
                                                  clock_.unix_seconds(), progress_.step + 1);
  Trainer trainer(
      *trained_.model, *optimizer_,
      {.max_tokens = progress_.micro_batch_tokens,
       .recompute = progress_.is_recomputing ? Recompute::kLayers : Recompute::kNothing});
  Progress bar({.what = "train",
                .unit = "step",
                .total = static_cast<uint64_t>(run_.num_steps),
                .is_quiet = options_.is_quiet},
               clock_);
  state_seconds_ = clock_.monotonic_seconds();
  bar.update(static_cast<uint64_t>(progress_.step), "");
  while (progress_.step < run_.num_steps) {
    const double start = clock_.monotonic_seconds();
    const std::optional<StepResult> result = one_step(trainer, interrupt);
    if (!result.has_value()) {
      save_state();
      record_.status = "stopped";
      save_record();
      return TrainOutcome::kStopped;
    }
    const double seconds = clock_.monotonic_seconds() - start;
    after_step(trainer, *result, seconds);
    bar.update(static_cast<uint64_t>(progress_.step),
               fmt::format("loss {:.4f}, {:.0f} tokens/s", result->loss,
                           static_cast<double>(result->tokens) / seconds));
  }
  finish();
  return TrainOutcome::kDone;
}

std::optional<StepResult> TrainRun::one_step(Trainer& trainer, const InterruptScope& interrupt) {
  if (planned_epoch_ != epoch_of_next()) {
    planned_epoch_ = epoch_of_next();
    epoch_plan_ = run_.plan.epoch(planned_epoch_);
  }
  std::vector<const EncodedSample*> samples;
  for (const size_t place :
       epoch_plan_.at(static_cast<size_t>(progress_.step % run_.steps_per_epoch))) {
    samples.push_back(&run_.data.training[place]);
  }
  return trainer.step(samples, schedule_.at(progress_.step), progress_.step + 1, [&] {
    record_.peak_memory_bytes = std::max(record_.peak_memory_bytes, anonymous_memory_bytes());
    return interrupt.requested();
  });
}

void TrainRun::after_step(const Trainer& trainer, const StepResult& result, double seconds) {
  const int64_t epoch = epoch_of_next();
  StepMetrics metrics = {.step = progress_.step + 1,
                         .epoch = epoch,
                         .loss = result.loss,
                         .learning_rate = schedule_.at(progress_.step),
                         .grad_norm = result.grad_norm,
                         .tokens = result.tokens,
                         .response_tokens = result.num_targets,
                         .seconds = seconds,
                         .validation_loss = {}};
  ++progress_.step;
  progress_.tokens += result.tokens;
  progress_.response_tokens += result.num_targets;
  progress_.seconds += seconds;
  const bool is_epoch_end = progress_.step % run_.steps_per_epoch == 0;
  if (is_epoch_end && !run_.data.validation.empty()) {
    std::vector<const EncodedSample*> held_out;
    for (const EncodedSample& sample : run_.data.validation) {
      held_out.push_back(&sample);
    }
    metrics.validation_loss = trainer.evaluate(held_out);
  }
  log_step(metrics);
  checkpointer_->after_step({.step = progress_.step,
                             .epoch = epoch,
                             .is_epoch_end = is_epoch_end,
                             .is_run_end = progress_.step == run_.num_steps,
                             .validation_loss = metrics.validation_loss},
                            [&] { return optimizer_->masters(); });
  if (clock_.monotonic_seconds() - state_seconds_ >
          config_.checkpoints.state_minutes * kSecondsPerMinute &&
      progress_.step < run_.num_steps) {
    save_state();
  }
}

void TrainRun::log_step(const StepMetrics& metrics) {
  metrics_->append(metrics);
  const double now = clock_.unix_seconds();
  const auto scalar = [&](const char* tag, double value) {
    tensorboard_->scalar(tag, metrics.step, now, static_cast<float>(value));
  };
  scalar("train/loss", metrics.loss);
  scalar("train/learning_rate", metrics.learning_rate);
  scalar("train/grad_norm", metrics.grad_norm);
  scalar("train/tokens_per_second", static_cast<double>(metrics.tokens) / metrics.seconds);
  if (metrics.validation_loss.has_value()) {
    scalar("validation/loss", *metrics.validation_loss);
  }
  tensorboard_->flush();
}

void TrainRun::finish() {
  if (config_.checkpoints.keep_state) {
    save_state();
  }
  record_.status = "done";
  save_record();
  if (!config_.checkpoints.keep_state) {
    std::error_code error;
    std::filesystem::remove_all(folder_.file("last"), error);
  }
}

void TrainRun::save_state() {
  save_train_state(folder_.file("last"), progress_, *optimizer_);
  state_seconds_ = clock_.monotonic_seconds();
  save_record();
}

void TrainRun::save_record() {
  record_.steps = progress_.step;
  record_.tokens = progress_.tokens;
  record_.response_tokens = progress_.response_tokens;
  record_.seconds = progress_.seconds;
  record_.flops =
      training_flops(run_.model_config.shape, run_.adapter_parameters,
                     {.tokens = progress_.tokens,
                      .response_tokens = progress_.response_tokens,
                      .mean_tokens = count_tokens(run_.data.training).data_size().mean_tokens});
  save_run_record(folder_.file("run.json"), record_, clock_);
}

}  // namespace

TrainOutcome run_training(const TrainConfig& config, const TrainRunOptions& options,
                          const Clock& clock) {
  RunFolder folder(config, options.resume);
  if (folder.state() == RunFolderState::kDone) {
    spdlog::info("[train] {} is done; nothing to do", folder.path().string());
    return TrainOutcome::kWasDone;
  }
  // From here on a signal asks for a clean stop: preparing large data takes minutes.
  const InterruptScope interrupt;
  return TrainRun(config, {.options = options, .folder = folder, .clock = clock}, interrupt)
      .carry_out(interrupt);
}

Estimate plan_training(const TrainConfig& config, const TrainRunOptions& options) {
  const Preparation run = prepare_run(config, options, [] { return false; });
  return estimate_of(config, run, choose_recomputing(config, run));
}

Estimate plan_from_shape(const TrainConfig& config, const ModelShape& shape,
                         const TrainRunOptions& options) {
  const DataSize data = guess_data_size(config, options);
  const double rate = measure_product_rate(shape, micro_batch_tokens(config), compute_type(config));
  ModelConfig model;  // an adapter's size depends on the shape alone
  model.shape = shape;
  const int64_t adapter_parameters = count_adapter_parameters(config, model);
  const auto estimate = [&](bool is_recomputing) {
    TrainingMethod method = training_method(config, shape, rate, is_recomputing);
    method.adapter_parameters = adapter_parameters;
    return estimate_run(config, shape, data, method, this_machine(config.output));
  };
  if (config.train.activation_checkpointing == Checkpointing::kAuto) {
    const Estimate plain = estimate(/*is_recomputing=*/false);
    return plain.fits_memory() ? plain : estimate(/*is_recomputing=*/true);
  }
  return estimate(config.train.activation_checkpointing == Checkpointing::kOn);
}

}  // namespace sft
