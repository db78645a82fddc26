#include "sft/estimate/known_model.h"

#include <array>
#include <string_view>

#include "sft/core/resources.h"

namespace sft {
namespace {

constexpr std::pair<std::string_view, std::string_view> kTokenizers[] = {
    {"byte_level_bpe", "byte_level_bpe"},
    {"byte_fallback_bpe", "byte_fallback_bpe"},
    {"unigram", "unigram"}};
constexpr std::pair<std::string_view, std::string_view> kDtypes[] = {
    {"bfloat16", "bfloat16"}, {"float16", "float16"}, {"float32", "float32"}};

// The keys of a config.json that decide its shape.
constexpr std::array kSizes = {"vocab_size",
                               "hidden_size",
                               "intermediate_size",
                               "num_hidden_layers",
                               "num_attention_heads",
                               "num_key_value_heads",
                               "head_dim",
                               "sliding_window",
                               "max_window_layers",
                               "max_position_embeddings"};
constexpr std::array kFlags = {"tie_word_embeddings", "attention_bias", "mlp_bias",
                               "use_sliding_window"};

void read_text(const ConfigNode& root, const std::string& key, std::string& value) {
  root.require(key);
  root.read(key, value);
}

// As it would be in the model's config.json.
Json read_shape(const ConfigNode& shape) {
  Json config = Json::object();
  std::string model_type;
  read_text(shape, "model_type", model_type);
  config["model_type"] = model_type;
  for (const char* const key : kSizes) {
    if (shape.has(key)) {
      int64_t size = 0;
      shape.read(key, size);
      // A null is something else than a key left out: no window, as many key heads as heads.
      config[key] = shape.at(key).is_null() ? Json(nullptr) : Json(size);
    }
  }
  for (const char* const key : kFlags) {
    if (shape.has(key)) {
      bool flag = false;
      shape.read(key, flag);
      config[key] = flag;
    }
  }
  shape.finish();
  return config;
}

}  // namespace

KnownModel read_known_model(const ConfigNode& root) {
  KnownModel model;
  read_text(root, "hub", model.hub_id);
  root.read("published_name", model.published_name);
  read_text(root, "license", model.license);
  root.read("tokenizer_bytes", model.tokenizer_bytes, {.min = 0});
  std::string_view tokenizer;
  std::string_view dtype;
  root.require("tokenizer");
  root.read_choice("tokenizer", tokenizer, kTokenizers);
  root.require("dtype");
  root.read_choice("dtype", dtype, kDtypes);
  root.require("shape");
  Json config = read_shape(root.at("shape"));
  root.finish();
  root.check();
  model.tokenizer = std::string(tokenizer);
  config["dtype"] = std::string(dtype);
  model.shape = read_model_shape(config, root.at("shape").where());
  return model;
}

int64_t KnownModel::weight_bytes() const {
  constexpr int64_t kFloat32Bytes = 4;
  constexpr int64_t kHalfBytes = 2;
  return shape.num_parameters() * (shape.dtype == "float32" ? kFloat32Bytes : kHalfBytes);
}

KnownModel load_known_model(const std::filesystem::path& path) {
  return read_known_model(ConfigNode::load(path));
}

std::optional<KnownModel> find_known_model(const std::string& name) {
  constexpr const char* kFolder = "models";
  for (const std::string& file : config_names(kFolder)) {
    KnownModel model = load_known_model(find_config("model", kFolder, file));
    if (file == name || model.hub_id == name) {
      return model;
    }
  }
  return std::nullopt;
}

}  // namespace sft
