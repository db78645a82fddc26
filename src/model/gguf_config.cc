#include "model/gguf_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {
namespace {

// Larger than any model's; products of two fit 64 bits.
constexpr int64_t kMaxSize = 1 << 24;
constexpr double kDefaultTheta = 10000;

// Keys below the architecture's that change the arithmetic where they are not 0.
constexpr std::array kUnsupported = {
    "expert_count",        "attention.sliding_window", "attention.scale",
    "attention.clamp_kqv", "attention.max_alibi_bias", "logit_scale",
    "embedding_scale",     "residual_scale",
};

[[noreturn]] void refuse(const GgufFile& file, const std::string& why) {
  throw Error(file.path().string() + ": " + why);
}

int64_t checked_size(const GgufFile& file, const std::string& key, int64_t value) {
  if (value < 1 || value > kMaxSize) {
    refuse(file, fmt::format("metadata '{}' is {}, must be 1 to {}", key, value, kMaxSize));
  }
  return value;
}

int64_t read_size(const GgufFile& file, const std::string& key) {
  return checked_size(file, key, file.get<int64_t>(key));
}

int64_t read_size_or(const GgufFile& file, const std::string& key, int64_t fallback) {
  const auto* const value = file.find_as<int64_t>(key);
  return value == nullptr ? fallback : checked_size(file, key, *value);
}

// A number that came from a float32 as the shortest decimal that means this float32, so that 1e-5
// does not become 9.999999747378752e-06.
double shortest_float(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) {
    return value;
  }
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), narrow);
  double wide = value;
  std::from_chars(text.data(), written.ptr, wide);
  return wide;
}

double read_positive(const GgufFile& file, const std::string& key, std::optional<double> fallback) {
  const double value = fallback && file.find(key) == nullptr ? *fallback : file.get<double>(key);
  if (!(value > 0 && value < 1e30)) {
    refuse(file, fmt::format("metadata '{}' is {}, must be greater than 0", key, value));
  }
  return shortest_float(value);
}

void refuse_unsupported(const GgufFile& file, const std::string& prefix) {
  for (const char* const name : kUnsupported) {
    const GgufValue* const value = file.find(prefix + name);
    if (value != nullptr && *value != GgufValue(int64_t{0}) && *value != GgufValue(0.0)) {
      refuse(file,
             fmt::format("metadata '{}{}' is set, such models are not supported", prefix, name));
    }
  }
  const auto* const scaling = file.find_as<std::string>(prefix + "rope.scaling.type");
  if (scaling != nullptr && *scaling != "none") {
    refuse(file, fmt::format("metadata '{}rope.scaling.type' is '{}'; only models without rotary "
                             "scaling are supported",
                             prefix, *scaling));
  }
  for (const char* const name : {"rope.scale_linear", "rope.scaling.factor"}) {
    const auto* const factor = file.find_as<double>(prefix + name);
    if (factor != nullptr && *factor != 1 && *factor != 0) {
      refuse(file, fmt::format("metadata '{}{}' is {}; only models without rotary scaling are "
                               "supported",
                               prefix, name, *factor));
    }
  }
}

// A file may be a part of a model, or something else than a model.
void check_is_whole_model(const GgufFile& file) {
  const auto* const parts = file.find_as<int64_t>("split.count");
  if (parts != nullptr && *parts > 1) {
    refuse(file,
           fmt::format("is one of {} parts of a model; merge them with llama-gguf-split", *parts));
  }
  const auto* const type = file.find_as<std::string>("general.type");
  if (type != nullptr && *type != "model") {
    refuse(file, fmt::format("holds a '{}', must hold a model", *type));
  }
}

// The vocabulary's size, of which the file speaks up to three times.
int64_t read_vocab_size(const GgufFile& file, const std::string& prefix) {
  const std::string key = prefix + "vocab_size";
  const auto num_tokens =
      static_cast<int64_t>(file.get<std::vector<std::string>>("tokenizer.ggml.tokens").size());
  const int64_t vocab = read_size_or(file, key, num_tokens);
  if (vocab != num_tokens) {
    refuse(file, fmt::format("metadata '{}' is {}, 'tokenizer.ggml.tokens' has {}", key, vocab,
                             num_tokens));
  }
  return checked_size(file, "tokenizer.ggml.tokens (its length)", vocab);
}

int64_t read_head_dim(const GgufFile& file, const std::string& prefix, const GgufSizes& sizes) {
  const std::string key = prefix + "attention.key_length";
  if (file.find(key) == nullptr && sizes.hidden % sizes.heads != 0) {
    refuse(file, fmt::format("metadata '{}embedding_length' {} is no multiple of "
                             "'{}attention.head_count' {}",
                             prefix, sizes.hidden, prefix, sizes.heads));
  }
  const int64_t head_dim = read_size_or(file, key, sizes.hidden / sizes.heads);
  for (const char* const name : {"attention.value_length", "rope.dimension_count"}) {
    if (const int64_t other = read_size_or(file, prefix + name, head_dim); other != head_dim) {
      refuse(file, fmt::format("metadata '{}{}' is {}, must be the size of a head, {}", prefix,
                               name, other, head_dim));
    }
  }
  if (head_dim % 2 != 0) {
    refuse(file, fmt::format("heads of odd size {} cannot be rotated", head_dim));
  }
  return head_dim;
}

// A token's id, null where the file has none.
Json token_id(const GgufFile& file, const std::string& name, const GgufSizes& sizes) {
  const std::string key = "tokenizer.ggml." + name;
  const auto* const id = file.find_as<int64_t>(key);
  if (id == nullptr) {
    return nullptr;
  }
  if (*id < 0 || *id >= sizes.vocab) {
    refuse(file,
           fmt::format("metadata '{}' is {}, the vocabulary has {} tokens", key, *id, sizes.vocab));
  }
  return *id;
}

}  // namespace

GgufSizes read_gguf_sizes(const GgufFile& file, const std::string& architecture) {
  const std::string prefix = architecture + ".";
  check_is_whole_model(file);
  refuse_unsupported(file, prefix);
  GgufSizes sizes;
  sizes.vocab = read_vocab_size(file, prefix);
  sizes.hidden = read_size(file, prefix + "embedding_length");
  sizes.intermediate = read_size(file, prefix + "feed_forward_length");
  sizes.layers = read_size(file, prefix + "block_count");
  sizes.heads = read_size(file, prefix + "attention.head_count");
  sizes.kv_heads = read_size_or(file, prefix + "attention.head_count_kv", sizes.heads);
  sizes.context = read_size(file, prefix + "context_length");
  sizes.head_dim = read_head_dim(file, prefix, sizes);
  if (sizes.heads % sizes.kv_heads != 0) {
    refuse(file, fmt::format("metadata '{}attention.head_count' {} is no multiple of "
                             "'{}attention.head_count_kv' {}",
                             prefix, sizes.heads, prefix, sizes.kv_heads));
  }
  return sizes;
}

Json make_config(const GgufFile& file, const GgufFamily& family, const GgufSizes& sizes,
                 std::string_view dtype_name, bool is_tied) {
  const std::string prefix = family.architecture + ".";
  const double rope_theta = read_positive(file, prefix + "rope.freq_base", kDefaultTheta);
  const double epsilon =
      read_positive(file, prefix + "attention.layer_norm_rms_epsilon", std::nullopt);
  // transformers 5 reads `dtype` and `rope_parameters`, earlier ones `torch_dtype` and
  // `rope_theta`; each passes over the other's.
  Json config = {
      {"architectures", Json::array({family.class_name})},
      {"attention_dropout", 0.0},
      {"bos_token_id", token_id(file, "bos_token_id", sizes)},
      {"dtype", dtype_name},
      {"eos_token_id", token_id(file, "eos_token_id", sizes)},
      {"head_dim", sizes.head_dim},
      {"hidden_act", "silu"},
      {"hidden_size", sizes.hidden},
      {"initializer_range", 0.02},
      {"intermediate_size", sizes.intermediate},
      {"max_position_embeddings", sizes.context},
      {"model_type", family.model_type},
      {"num_attention_heads", sizes.heads},
      {"num_hidden_layers", sizes.layers},
      {"num_key_value_heads", sizes.kv_heads},
      {"pad_token_id", token_id(file, "padding_token_id", sizes)},
      {"rms_norm_eps", epsilon},
      {"rope_parameters", {{"rope_theta", rope_theta}, {"rope_type", "default"}}},
      {"rope_theta", rope_theta},
      {"tie_word_embeddings", is_tied},
      {"torch_dtype", dtype_name},
      {"use_cache", true},
      {"vocab_size", sizes.vocab},
  };
  config.update(family.fields);
  // Keys in the alphabet's order, as transformers writes them.
  std::map<std::string, Json> sorted;
  for (const auto& [key, value] : config.items()) {
    sorted[key] = value;
  }
  config = Json::object();
  for (const auto& [key, value] : sorted) {
    config[key] = value;
  }
  return config;
}

Json make_generation_config(const GgufFile& file, const GgufSizes& sizes) {
  Json config = Json::object();
  Json ends = Json::array();
  // A chat model may end its turn with another token than its text.
  for (const char* const name : {"eos_token_id", "eot_token_id"}) {
    const Json id = token_id(file, name, sizes);
    if (!id.is_null() && std::find(ends.begin(), ends.end(), id) == ends.end()) {
      ends.push_back(id);
    }
  }
  if (const Json bos = token_id(file, "bos_token_id", sizes); !bos.is_null()) {
    config["bos_token_id"] = bos;
  }
  if (!ends.empty()) {
    config["eos_token_id"] = ends.size() == 1 ? ends.front() : ends;
  }
  if (const Json pad = token_id(file, "padding_token_id", sizes); !pad.is_null()) {
    config["pad_token_id"] = pad;
  }
  return config;
}

}  // namespace sft
