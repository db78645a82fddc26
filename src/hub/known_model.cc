#include "sft/hub/known_model.h"

#include <filesystem>

#include "sft/core/config_node.h"
#include "sft/core/resources.h"

namespace sft {
namespace {

constexpr double kMostBytes = 1e15;

void read_bytes(const ConfigNode& root, const std::string& key, uint64_t& bytes) {
  double value = 0;
  root.read(key, value, {.min = 0, .max = kMostBytes});
  bytes = static_cast<uint64_t>(value);
}

}  // namespace

std::optional<KnownModel> find_known_model(const std::string& repo) {
  for (const std::string& name : config_names("models")) {
    if (repo.substr(repo.find('/') + 1) != name) {
      continue;
    }
    const ConfigNode root = ConfigNode::load(find_config("model", "models", name));
    KnownModel model;
    root.require("model");
    root.read("model", model.repo);
    root.read("license", model.license);
    root.read("files", model.files);
    read_bytes(root, "bytes", model.bytes);
    read_bytes(root, "tokenizer_bytes", model.tokenizer_bytes);
    root.finish();
    root.check();
    if (model.repo == repo) {
      return model;
    }
  }
  return std::nullopt;
}

}  // namespace sft
