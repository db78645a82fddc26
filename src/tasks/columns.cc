#include "sft/tasks/columns.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

constexpr size_t kMaxColumnBytes = 64'000'000;  // as much as a line of a file may have

// "{choices[2]}": a field of the row, and which element of it where it is a list.
struct FieldName {
  std::string_view name;
  std::optional<size_t> index;
};

// What stands between the braces; none where it is no field's name.
std::optional<FieldName> parse_field(std::string_view text) {
  const size_t bracket = text.find('[');
  FieldName field{.name = text.substr(0, bracket), .index = std::nullopt};
  if (bracket != std::string_view::npos) {
    size_t index = 0;
    const char* const begin = text.data() + bracket + 1;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, index);
    if (error != std::errc() || stop + 1 != end || *stop != ']') {
      return std::nullopt;
    }
    field.index = index;
  }
  const bool is_name = !field.name.empty() && field.name.find_first_of("{}[]") == field.name.npos;
  return is_name ? std::optional(field) : std::nullopt;
}

// A column's value as pieces of text, with a field behind each but the last.
struct Piece {
  std::string_view text;
  std::optional<FieldName> field;
};

std::optional<std::vector<Piece>> parse_value(std::string_view value) {
  std::vector<Piece> pieces;
  while (true) {
    const size_t open = value.find('{');
    if (open == std::string_view::npos) {
      pieces.push_back({.text = value, .field = std::nullopt});
      return pieces;
    }
    const size_t close = value.find('}', open);
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    const std::optional<FieldName> field = parse_field(value.substr(open + 1, close - open - 1));
    if (!field) {
      return std::nullopt;
    }
    pieces.push_back({.text = value.substr(0, open), .field = field});
    value = value.substr(close + 1);
  }
}

std::vector<std::pair<std::string, std::string>> read_text_map(const ConfigNode& node) {
  std::vector<std::pair<std::string, std::string>> map;
  for (const std::string& key : node.keys()) {
    std::string text;
    const ConfigNode value = node.at(key);
    if (!value.is_null()) {  // null: an empty text
      value.get(text);
    }
    map.emplace_back(key, text);
  }
  return map;
}

std::string known_fields(const Json& row) {
  std::string text;
  for (const auto& [key, value] : row.items()) {
    text += (text.empty() ? "" : ", ") + key;
  }
  return text;
}

std::string_view kind_of(const Json& value) {
  if (value.is_string()) {
    return "text";
  }
  if (value.is_number()) {
    return "a number";
  }
  if (value.is_boolean()) {
    return "true or false";
  }
  return value.is_null() ? "null" : value.is_array() ? "a list" : "an object";
}

const Json& find_field(const FieldName& field, const Json& row, const std::string& where) {
  if (!row.is_object()) {
    throw Error(fmt::format("{}: the row is {}, must be an object", where, kind_of(row)));
  }
  const auto found = row.find(field.name);
  if (found == row.end()) {
    throw Error(
        fmt::format("{}: no field '{}' (the row has: {})", where, field.name, known_fields(row)));
  }
  if (!field.index) {
    return *found;
  }
  if (!found->is_array()) {
    throw Error(
        fmt::format("{}: field '{}' is {}, must be a list", where, field.name, kind_of(*found)));
  }
  if (*field.index >= found->size()) {
    throw Error(fmt::format("{}: field '{}' has {} elements, element [{}] is needed", where,
                            field.name, found->size(), *field.index));
  }
  return (*found)[*field.index];
}

enum class Types { kText, kAnyScalar };

std::string field_text(const FieldName& field, Types types, const Json& row,
                       const std::string& where) {
  const Json& value = find_field(field, row, where);
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (types == Types::kAnyScalar && (value.is_boolean() || value.is_number())) {
    return value.dump();
  }
  throw Error(fmt::format("{}: field '{}' is {}, must be {}", where, field.name, kind_of(value),
                          types == Types::kText ? "text" : "text, a number, or true or false"));
}

std::string replace_all(const std::string& text, std::string_view from, std::string_view to,
                        const std::string& where) {
  std::string replaced;
  size_t begin = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
    replaced.append(text, begin, at - begin).append(to);
    begin = at + from.size();
    if (replaced.size() > kMaxColumnBytes) {
      throw Error(fmt::format("{}: replacing '{}' makes a text longer than {}", where, from,
                              format_bytes(kMaxColumnBytes)));
    }
  }
  return replaced.append(text, begin);
}

std::string look_up(const ColumnSpec& spec, const std::string& value, const std::string& where) {
  std::string known;
  for (const auto& [from, to] : spec.map) {
    if (from == value) {
      return to;
    }
    known += (known.empty() ? "" : ", ") + from;
  }
  throw Error(
      fmt::format("{}: '{}' for column '{}' must be one of: {}", where, value, spec.name, known));
}

}  // namespace

ColumnSpec read_column(const std::string& name, const ConfigNode& node) {
  ColumnSpec spec{.name = name, .value = {}, .replacements = {}, .map = {}};
  if (node.is_map()) {
    node.require("value");
    node.read("value", spec.value);
    spec.replacements = read_text_map(node.at("replace"));
    spec.map = read_text_map(node.at("map"));
    node.finish();
  } else {
    node.get(spec.value);
  }
  if (!parse_value(spec.value)) {
    node.fault("'" + spec.value + "': braces must hold a field, as in {question} or {choices[0]}");
  }
  for (const auto& [from, to] : spec.replacements) {
    if (from.empty()) {
      node.fault("'replace' has an empty text to look for");
    }
  }
  return spec;
}

std::vector<ColumnSpec> read_columns(const ConfigNode& node) {
  std::vector<ColumnSpec> specs;
  for (const std::string& name : node.keys()) {
    specs.push_back(read_column(name, node.at(name)));
  }
  return specs;
}

const std::string& column_text(const Columns& columns, std::string_view name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [name](const Column& column) { return column.name == name; });
  SFT_CHECK(found != columns.end());
  return found->text;
}

std::string make_column(const ColumnSpec& spec, const Json& row, const std::string& where) {
  const std::optional<std::vector<Piece>> pieces = parse_value(spec.value);
  SFT_CHECK(pieces.has_value());  // read_column refuses others
  std::string text;
  for (const Piece& piece : *pieces) {
    text += piece.text;
    if (piece.field) {
      text +=
          field_text(*piece.field, spec.map.empty() ? Types::kText : Types::kAnyScalar, row, where);
    }
  }
  for (const auto& [from, to] : spec.replacements) {
    text = replace_all(text, from, to, where);
  }
  return spec.map.empty() ? text : look_up(spec, text, where);
}

Columns make_columns(const std::vector<ColumnSpec>& specs, const Json& row,
                     const std::string& where) {
  Columns columns;
  for (const ColumnSpec& spec : specs) {
    columns.push_back({.name = spec.name, .text = make_column(spec, row, where)});
  }
  return columns;
}

}  // namespace sft
