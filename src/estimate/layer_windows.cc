#include "estimate/layer_windows.h"

#include <algorithm>

#include <fmt/format.h>

#include "estimate/shape_fields.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr const char* kSliding = "sliding_attention";
constexpr const char* kFull = "full_attention";
constexpr int64_t kDefaultMaxWindowLayers = 28;  // of transformers

// The window's size, 0 where there is none: the file says null, or does not use it.
int64_t read_window(const Json& config, const FamilyTraits& family, const std::string& where) {
  const bool is_off = family.windows == WindowRule::kFromLayer &&
                      !read_flag(config, "use_sliding_window", false, where);
  if (!config.contains("sliding_window")) {
    return is_off ? 0 : family.window;
  }
  if (config.at("sliding_window").is_null()) {
    return 0;
  }
  const int64_t window = checked_size(config.at("sliding_window"), "sliding_window", where);
  return is_off ? 0 : window;
}

bool has_window_by_rule(const FamilyTraits& family, int64_t layer, int64_t first_layer) {
  switch (family.windows) {
    case WindowRule::kNone:
      return false;
    case WindowRule::kEveryLayer:
      return true;
    case WindowRule::kFromLayer:
      return layer >= first_layer;
    case WindowRule::kEverySecond:
      return layer % 2 == 0;
  }
  return false;
}

// max_window_layers counts the layers below the windows; 0 is a number of layers as well.
int64_t read_first_layer(const Json& config, const std::string& where) {
  const bool is_zero =
      !is_absent(config, "max_window_layers") && config.at("max_window_layers") == 0;
  return is_zero ? 0 : read_size_or(config, "max_window_layers", kDefaultMaxWindowLayers, where);
}

std::vector<bool> read_layer_types(const Json& types, int64_t num_layers,
                                   const std::string& where) {
  if (!types.is_array()) {
    throw Error(fmt::format("{}: 'layer_types' must be a list of texts", where));
  }
  if (static_cast<int64_t>(types.size()) != num_layers) {
    throw Error(fmt::format("{}: 'layer_types' has {} entries, num_hidden_layers is {}", where,
                            types.size(), num_layers));
  }
  std::vector<bool> is_sliding;
  for (const Json& type : types) {
    if (type != kSliding && type != kFull) {
      throw Error(fmt::format("{}: 'layer_types' has {}, must be \"{}\" or \"{}\"", where,
                              type.dump(), kFull, kSliding));
    }
    is_sliding.push_back(type == kSliding);
  }
  return is_sliding;
}

}  // namespace

std::vector<int64_t> read_layer_windows(const Json& config, const FamilyTraits& family,
                                        int64_t num_layers, const std::string& where) {
  std::vector<int64_t> windows(static_cast<size_t>(num_layers), 0);
  if (family.windows == WindowRule::kNone) {
    return windows;
  }
  const int64_t window = read_window(config, family, where);
  const int64_t first_layer = read_first_layer(config, where);
  std::vector<bool> is_sliding;
  if (!is_absent(config, "layer_types")) {
    is_sliding = read_layer_types(config.at("layer_types"), num_layers, where);
  }
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    const bool by_rule = has_window_by_rule(family, layer, first_layer);
    const bool has_window =
        is_sliding.empty() ? by_rule : static_cast<bool>(is_sliding[static_cast<size_t>(layer)]);
    if (!is_sliding.empty() && has_window && window == 0) {
      throw Error(
          fmt::format("{}: 'layer_types' has \"{}\" for layer {}, and there is no "
                      "sliding_window in use",
                      where, kSliding, layer));
    }
    if (family.windows == WindowRule::kEveryLayer && window > 0 && !has_window) {
      throw Error(
          fmt::format("{}: 'layer_types' has \"{}\" for layer {}; in a '{}' model "
                      "sliding_window is every layer's",
                      where, kFull, layer, family.name));
    }
    windows[static_cast<size_t>(layer)] = has_window ? window : 0;
  }
  return windows;
}

}  // namespace sft
