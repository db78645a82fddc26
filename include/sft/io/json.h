#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace sft {

// Keys stay in the order in which they were written or read.
using Json = nlohmann::ordered_json;

// JSON text to a value. `where` ("path", "path:line") opens the message of the Error thrown on bad
// syntax (with line and column), nesting past 100 levels, duplicate keys, or a number too large for
// a double. Whole numbers past 64 bits become doubles. Takes time linear in the text.
Json parse_json(std::string_view text, const std::string& where);
// The same for a file of at most `max_bytes`.
Json read_json(const std::filesystem::path& path, uint64_t max_bytes = 100'000'000);

enum class JsonLayout { kCompact, kIndented };

// A value to text: UTF-8 unescaped, floats in the shortest form that reads back equal and as a
// float (NaN and infinities are null), invalid UTF-8 replaced by U+FFFD. Indented by two spaces,
// with a final newline; compact: ", " and ": " between, as Python's json writes a line.
std::string dump_json(const Json& value, JsonLayout layout);

// The member `key` of an object as T (std::string, bool, double, int64_t, Json). Throws Error that
// names `where`, the key and what is there instead: absent, or of another type. A double may be
// written as a whole number. It looks at the keys one after another: walk through large objects.
template <typename T>
T json_member(const Json& object, const std::string& key, const std::string& where);

template <>
Json json_member(const Json& object, const std::string& key, const std::string& where);
template <>
std::string json_member(const Json& object, const std::string& key, const std::string& where);
template <>
bool json_member(const Json& object, const std::string& key, const std::string& where);
template <>
double json_member(const Json& object, const std::string& key, const std::string& where);
template <>
int64_t json_member(const Json& object, const std::string& key, const std::string& where);

// The texts of a list. Throws Error with the message `fault` for an element that is none.
std::vector<std::string> json_texts(const Json& list, const std::string& fault);

}  // namespace sft
