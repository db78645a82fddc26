#include <algorithm>
#include <cstdlib>
#include <string>

#include "sft/core/error.h"
#include "sft/hub/hub.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A folder named in the environment; "~/" is the home folder, as huggingface_hub takes it.
fs::path expanded(const std::string& path) {
  if (path == "~" || path.starts_with("~/")) {
    return variable("HOME") + path.substr(1);
  }
  return path;
}

fs::path cache_folder() {
  if (const std::string cache = variable("HF_HUB_CACHE"); !cache.empty()) {
    return expanded(cache);
  }
  if (const std::string home = variable("HF_HOME"); !home.empty()) {
    return expanded(home) / "hub";
  }
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
    return expanded(cache) / "huggingface" / "hub";
  }
  return expanded("~") / ".cache" / "huggingface" / "hub";
}

// The values that huggingface_hub takes for "yes".
bool is_true(std::string value) {
  std::ranges::transform(value, value.begin(), [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string endpoint_or(std::string standard) {
  std::string endpoint = variable("HF_ENDPOINT");
  if (endpoint.empty()) {
    return standard;
  }
  while (endpoint.ends_with('/')) {
    endpoint.pop_back();
  }
  try {
    parse_url(endpoint);
  } catch (const Error& error) {
    throw UsageError(std::string("HF_ENDPOINT: ") + error.what());
  }
  return endpoint;
}

// A token copied with its line's end is meant without; its text must not show in the message.
std::string token() {
  std::string text = variable("HF_TOKEN");
  const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_blank(text.back())) {
    text.pop_back();
  }
  const size_t begin = static_cast<size_t>(std::ranges::find_if_not(text, is_blank) - text.begin());
  text.erase(0, begin);
  if (!std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) {
    throw UsageError("HF_TOKEN: holds spaces or other characters that no token has");
  }
  return text;
}

}  // namespace

HubSettings hub_settings_from_environment() {
  HubSettings settings;
  settings.cache = cache_folder();
  settings.endpoint = endpoint_or(settings.endpoint);
  settings.token = token();
  settings.is_offline = is_true(variable("HF_HUB_OFFLINE"));
  return settings;
}

}  // namespace sft
