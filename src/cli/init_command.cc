// `sft init`: a model with random weights.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/commands.h"

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/model/causal_lm.h"
#include "sft/model/weights.h"
#include "sft/text/bpe_trainer.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

struct InitFlags {
  std::string arch = "llama";
  std::string size = "{}";
  std::string tokenizer;
  std::string tokenizer_text;
  int64_t vocab_size = 0;
  uint64_t seed = 0;
  std::string output;
};

// config.json's fields that some families have, into `config` where --size has them.
void add_family_fields(const ConfigNode& size, Json& config) {
  for (const char* const key : {"sliding_window", "max_window_layers", "query_pre_attn_scalar"}) {
    if (size.has(key)) {
      int64_t value = 0;
      size.read(key, value);
      config[key] = value;
    }
  }
  for (const char* const key : {"attn_logit_softcapping", "final_logit_softcapping", "clip_qkv"}) {
    if (size.has(key)) {
      double value = 0;
      size.read(key, value);
      config[key] = value;
    }
  }
  if (size.has("use_sliding_window")) {
    bool value = false;
    size.read("use_sliding_window", value);
    config["use_sliding_window"] = value;
  }
}

// The sizes of --size, a YAML map of config.json's own keys, over those of a small model.
Json config_of(const InitFlags& flags) {
  const ConfigNode size = ConfigNode::parse(flags.size, "--size");
  Json config = {{"architectures", Json::array({transformers_class(flags.arch)})},
                 {"model_type", flags.arch},
                 {"hidden_act", "silu"},
                 {"attention_bias", false},
                 {"mlp_bias", false},
                 {"pad_token_id", nullptr}};
  const auto integer = [&](const char* key, int64_t value) {
    size.read(key, value, {.min = 1, .max = 1 << 24});
    config[key] = value;
    return value;
  };
  const int64_t hidden = integer("hidden_size", 256);
  integer("intermediate_size", hidden * 8 / 3 / 16 * 16 + 16);
  integer("num_hidden_layers", 4);
  const int64_t heads = integer("num_attention_heads", std::max<int64_t>(1, hidden / 64));
  integer("num_key_value_heads", heads);
  integer("head_dim", std::max<int64_t>(2, hidden / heads));
  integer("max_position_embeddings", 2048);
  integer("vocab_size", 32000);
  double eps = 1e-5;
  double theta = 10000;
  bool is_tied = true;
  size.read("rms_norm_eps", eps, {.min = 1e-12, .max = 1});
  size.read("rope_theta", theta, {.min = 1, .max = 1e12});
  size.read("tie_word_embeddings", is_tied);
  add_family_fields(size, config);
  size.finish();
  size.check();
  config["rms_norm_eps"] = eps;
  config["rope_theta"] = theta;
  config["tie_word_embeddings"] = is_tied;
  config["torch_dtype"] = "float32";
  return config;
}

// The name under which a tokenizer file is found in a folder; what it is, is told from its content.
std::string standard_name(const fs::path& file) {
  const fs::path extension = file.extension();
  return extension == ".json"       ? "tokenizer.json"
         : extension == ".tiktoken" ? file.filename().string()
                                    : "tokenizer.model";
}

// Puts a tokenizer into `folder`: copied, trained, or none.
void add_tokenizer(const InitFlags& flags, const fs::path& folder) {
  if (!flags.tokenizer.empty()) {
    load_tokenizer(flags.tokenizer);  // refuses what could not be read again
    const bool is_folder = fs::is_directory(flags.tokenizer);
    const fs::path source =
        is_folder ? fs::path(flags.tokenizer) : fs::path(flags.tokenizer).parent_path();
    const fs::path file = is_folder ? *find_tokenizer_file(source) : fs::path(flags.tokenizer);
    write_file(folder / (is_folder ? file.filename().string() : standard_name(file)),
               read_file(file));
    for (const char* const name : {"tokenizer_config.json", "special_tokens_map.json"}) {
      if (fs::exists(source / name)) {
        write_file(folder / name, read_file(source / name));
      }
    }
  } else if (!flags.tokenizer_text.empty()) {
    train_bpe_tokenizer(flags.tokenizer_text, flags.vocab_size, folder);
  }
}

// The vocabulary and end token are the tokenizer's, where there is one.
void fit_to_tokenizer(const fs::path& folder, const InitFlags& flags, Json& config) {
  if (flags.tokenizer.empty() && flags.tokenizer_text.empty()) {
    return;
  }
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(folder);
  const bool is_given = ConfigNode::parse(flags.size, "--size").has("vocab_size");
  const int64_t given = config["vocab_size"].get<int64_t>();
  if (is_given && given < tokenizer->vocab_size()) {
    throw UsageError(
        fmt::format("--size: vocab_size is {}, the tokenizer has {} ids; leave it out "
                    "or make it larger",
                    given, tokenizer->vocab_size()));
  }
  if (!is_given) {
    config["vocab_size"] = tokenizer->vocab_size();
  }
  if (tokenizer->bos_id().has_value()) {
    config["bos_token_id"] = *tokenizer->bos_id();
  }
  if (tokenizer->eos_id().has_value()) {
    config["eos_token_id"] = *tokenizer->eos_id();
  }
}

// What is wrong with the sizes together is wrong usage, too.
ModelConfig checked_config(const Json& config) {
  try {
    return parse_model_config(config, "--size");
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

int init(const InitFlags& flags, const CommonOptions& common) {
  if (!flags.tokenizer.empty() && !flags.tokenizer_text.empty()) {
    throw UsageError("give --tokenizer or --train-tokenizer, not both");
  }
  if (!flags.tokenizer_text.empty() && flags.vocab_size == 0) {
    throw UsageError("--train-tokenizer needs --vocab-size");
  }
  Json config = config_of(flags);
  AtomicFolder folder(flags.output);
  add_tokenizer(flags, folder.staging());
  fit_to_tokenizer(folder.staging(), flags, config);
  const ModelConfig model_config = checked_config(config);
  check_memory(model_config, at::kFloat, "--size");
  const std::unique_ptr<CausalLm> model = make_model(model_config, at::kFloat, at::kCPU);
  init_weights(*model, flags.seed);
  save_weights(model->parameters().all(), DType::kF32, folder.staging());
  write_file(folder.staging() / "config.json", dump_json(config, JsonLayout::kIndented));
  const Json origin = {{"origin", "init"}, {"seed", flags.seed}};
  write_file(folder.staging() / "sft.json", dump_json(origin, JsonLayout::kIndented));
  folder.commit();
  const auto parameters = static_cast<uint64_t>(model->parameters().num_elements());
  if (common.is_json) {
    fmt::print("{}\n", dump_json({{"output", flags.output}, {"parameters", parameters}},
                                 JsonLayout::kCompact));
  } else {
    fmt::print("{}: {} parameters\n", flags.output, format_count(parameters));
  }
  return 0;
}

}  // namespace

RunCommand define_init(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<InitFlags>();
  app.add_option("--arch", flags->arch, "the model family, a model_type of config.json [llama]");
  app.add_option("--size", flags->size,
                 "sizes by config.json's names, as YAML: '{hidden_size: 256, num_hidden_layers: "
                 "4}'; what is left out is that of a small model");
  app.add_option("--tokenizer", flags->tokenizer, "a tokenizer folder or file to copy");
  app.add_option("--train-tokenizer", flags->tokenizer_text,
                 "a text file to train a byte-level BPE tokenizer on");
  app.add_option("--vocab-size", flags->vocab_size, "of the trained tokenizer, in tokens")
      ->check(CLI::Range(int64_t{257}, int64_t{1} << 24));
  app.add_option("--seed", flags->seed, "of the weights [0]");
  app.add_option("--output", flags->output, "the model folder to write; must not exist")
      ->required();
  return [flags, &common] { return init(*flags, common); };
}

}  // namespace sft
