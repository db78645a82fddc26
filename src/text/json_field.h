#pragma once

#include <string>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// The member `key` of `object` as T, `otherwise` where it is absent or null. Throws Error where it
// is of another type.
template <typename T>
T field_or(const Json& object, const std::string& key, T otherwise, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return otherwise;
  }
  return json_member<T>(object, key, where);
}

// The items of the list under `key`; none where it is absent or null. Throws Error where it is no
// list.
std::vector<Json> list_field(const Json& object, const std::string& key, const std::string& where);

}  // namespace sft
