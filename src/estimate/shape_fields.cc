#include "estimate/shape_fields.h"

#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {
namespace {

// Far past any model there is, and small enough that products of two sizes fit 64 bits.
constexpr int64_t kLargestSize = int64_t{1} << 24;

}  // namespace

int64_t checked_size(const Json& value, const std::string& key, const std::string& where) {
  if (!value.is_number_integer()) {
    throw Error(fmt::format("{}: '{}' is {}, must be a whole number", where, key, value.dump()));
  }
  // An unsigned value past 2^63 would turn negative as int64_t.
  const bool is_past_int64 =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kLargestSize);
  const auto size = value.get<int64_t>();
  if (is_past_int64 || size > kLargestSize) {
    throw Error(
        fmt::format("{}: '{}' is {}, at most {} is taken", where, key, value.dump(), kLargestSize));
  }
  if (size < 1) {
    throw Error(fmt::format("{}: '{}' is {}, must be at least 1", where, key, size));
  }
  return size;
}

bool is_absent(const Json& config, const std::string& key) {
  return !config.contains(key) || config.at(key).is_null();
}

int64_t read_size(const Json& config, const std::string& key, const std::string& where) {
  if (is_absent(config, key)) {
    throw Error(
        fmt::format("{}: '{}' is missing; is this a language model's config.json?", where, key));
  }
  return checked_size(config.at(key), key, where);
}

int64_t read_size_or(const Json& config, const std::string& key, int64_t fallback,
                     const std::string& where) {
  return is_absent(config, key) ? fallback : checked_size(config.at(key), key, where);
}

bool read_flag(const Json& config, const std::string& key, bool fallback,
               const std::string& where) {
  if (is_absent(config, key)) {
    return fallback;
  }
  if (!config.at(key).is_boolean()) {
    throw Error(
        fmt::format("{}: '{}' is {}, must be true or false", where, key, config.at(key).dump()));
  }
  return config.at(key).get<bool>();
}

}  // namespace sft
