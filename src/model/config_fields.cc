#include "model/config_fields.h"

#include <cmath>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {

bool ConfigFields::has(const std::string& key) const {
  return json_.contains(key) && !json_.at(key).is_null();
}

void ConfigFields::read_positive(const std::string& key, double& value) const {
  if (!has(key)) {
    return;
  }
  const double number = json_member<double>(json_, key, where_);
  if (!(number > 0) || !std::isfinite(number)) {
    throw Error(where_ + ": " + key + " is " + format_shortest(number) +
                ", must be greater than 0");
  }
  value = number;
}

double ConfigFields::positive_or_none(const std::string& key, double fallback) const {
  double value = json_.contains(key) ? 0 : fallback;
  read_positive(key, value);
  return value;
}

std::string ConfigFields::text_or(const std::string& key, const std::string& fallback) const {
  return has(key) ? json_member<std::string>(json_, key, where_) : fallback;
}

void ConfigFields::require_text(const std::string& key, const std::string& supported) const {
  if (const std::string text = text_or(key, supported); text != supported) {
    throw Error(
        fmt::format("{}: {} '{}' is not supported, only '{}'", where_, key, text, supported));
  }
}

void ConfigFields::refuse_flag(const std::string& key) const {
  if (has(key) && json_member<bool>(json_, key, where_)) {
    throw Error(fmt::format("{}: {} true is not supported", where_, key));
  }
}

ConfigFields ConfigFields::object(const std::string& key) const {
  const Json& inner = json_.at(key);
  const std::string place = where_ + ": " + key;
  if (!inner.is_object()) {
    throw Error(place + " must be an object");
  }
  return {inner, place};
}

}  // namespace sft
