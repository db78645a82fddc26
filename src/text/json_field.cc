#include "text/json_field.h"

#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {

std::vector<Json> list_field(const Json& object, const std::string& key, const std::string& where) {
  const Json value = field_or<Json>(object, key, Json::array(), where);
  if (!value.is_array()) {
    throw Error(fmt::format("{}: '{}' is a {}, not a list", where, key, value.type_name()));
  }
  return {value.begin(), value.end()};
}

}  // namespace sft
