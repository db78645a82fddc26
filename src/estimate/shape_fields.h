#pragma once

#include <cstdint>
#include <string>

#include "sft/io/json.h"

namespace sft {

// Fields of a config.json, checked. `where` opens the message of the Error thrown.

// Neither there nor null.
bool is_absent(const Json& config, const std::string& key);
// A whole number from 1 to what any model may have.
int64_t checked_size(const Json& value, const std::string& key, const std::string& where);
int64_t read_size(const Json& config, const std::string& key, const std::string& where);
int64_t read_size_or(const Json& config, const std::string& key, int64_t fallback,
                     const std::string& where);
bool read_flag(const Json& config, const std::string& key, bool fallback, const std::string& where);

}  // namespace sft
