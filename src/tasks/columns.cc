#include "sft/tasks/columns.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/table.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr size_t kMaxColumnBytes = 64'000'000;  // as much as a line of a file may have

// "{choices[2]}": a field of the row (inside another: "answer.value"), and which element of it
// where it is a list.
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

// A field by its own name, else by a path of names.
const Json& find_member(std::string_view name, const Json& row, const std::string& where) {
  if (!row.is_object()) {
    throw Error(fmt::format("{}: the row is {}, must be an object", where, kind_of(row)));
  }
  if (const auto found = row.find(name); found != row.end()) {
    return *found;
  }
  const size_t dot = name.find('.');
  const auto outer = dot == std::string_view::npos ? row.end() : row.find(name.substr(0, dot));
  if (outer == row.end() || !outer->is_object()) {
    throw Error(fmt::format("{}: no field '{}' (the row has: {})", where, name, known_fields(row)));
  }
  return find_member(name.substr(dot + 1), *outer, where);
}

const Json& find_field(const FieldName& field, const Json& row, const std::string& where) {
  const Json& found = find_member(field.name, row, where);
  if (!field.index) {
    return found;
  }
  if (!found.is_array()) {
    throw Error(
        fmt::format("{}: field '{}' is {}, must be a list", where, field.name, kind_of(found)));
  }
  if (*field.index >= found.size()) {
    throw Error(fmt::format("{}: field '{}' has {} elements, element [{}] is needed", where,
                            field.name, found.size(), *field.index));
  }
  return found[*field.index];
}

enum class Types { kText, kAnyScalar };

std::vector<std::string> list_texts(const Json& list, std::string_view name,
                                    const std::string& where) {
  std::vector<std::string> texts;
  for (const Json& element : list) {
    if (!element.is_string()) {
      throw Error(fmt::format("{}: field '{}' must be a list of texts, not of {}", where, name,
                              kind_of(element)));
    }
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::string joined(const std::vector<std::string>& texts, const std::string& separator) {
  std::string result;
  for (size_t i = 0; i < texts.size(); ++i) {
    result += (i == 0 ? "" : separator) + texts[i];
  }
  return result;
}

std::string field_text(const FieldName& field, const ColumnSpec& spec, const Json& row,
                       const std::string& where) {
  const Json& value = find_field(field, row, where);
  const Types types = spec.map.empty() ? Types::kText : Types::kAnyScalar;
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (spec.takes_numbers && value.is_number()) {
    return value.dump();
  }
  if (value.is_array() && spec.join) {
    return joined(list_texts(value, field.name, where), *spec.join);
  }
  if (types == Types::kAnyScalar && (value.is_boolean() || value.is_number())) {
    return value.dump();
  }
  throw Error(fmt::format("{}: field '{}' is {}, must be {}", where, field.name, kind_of(value),
                          types == Types::kText ? "text" : "text, a number, or true or false"));
}

std::string apply_rule(std::string_view name, const std::string& text) {
  return find_entry(column_rules(), "column rule", name).apply(text);
}

// The field's text after its own rule.
std::string ruled_field_text(const FieldName& field, const ColumnSpec& spec, const Json& row,
                             const std::string& where) {
  std::string text = field_text(field, spec, row, where);
  for (const auto& [name, rule] : spec.field_rules) {
    if (name == field.name) {
      text = apply_rule(rule, text);
    }
  }
  return text;
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

void check_rules(const ColumnSpec& spec, const ConfigNode& node) {
  std::vector<std::string> names = spec.rules;
  for (const auto& [field, rule] : spec.field_rules) {
    names.push_back(rule);
  }
  for (const std::string& name : names) {
    try {
      find_entry(column_rules(), "column rule", name);
    } catch (const UsageError& error) {
      node.fault(error.what());
    }
  }
}

}  // namespace

ColumnSpec read_column(const std::string& name, const ConfigNode& node) {
  ColumnSpec spec;
  spec.name = name;
  if (node.is_map()) {
    node.require("value");
    node.read("value", spec.value);
    if (node.has("join")) {
      node.at("join").get(spec.join.emplace());
    }
    node.read("numbers", spec.takes_numbers);
    spec.field_rules = read_text_map(node.at("fields"));
    node.read("rules", spec.rules);
    check_rules(spec, node);
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
      text += ruled_field_text(*piece.field, spec, row, where);
    }
  }
  for (const std::string& rule : spec.rules) {
    text = apply_rule(rule, text);
  }
  for (const auto& [from, to] : spec.replacements) {
    text = python_replace(std::move(text), from, to);
    if (text.size() > kMaxColumnBytes) {
      throw Error(fmt::format("{}: replacing '{}' makes a text longer than {}", where, from,
                              format_bytes(kMaxColumnBytes)));
    }
  }
  return spec.map.empty() ? text : look_up(spec, text, where);
}

std::vector<std::string> make_list(const ColumnSpec& spec, const Json& row,
                                   const std::string& where) {
  const std::optional<std::vector<Piece>> pieces = parse_value(spec.value);
  SFT_CHECK(pieces.has_value());
  const bool is_one_field =
      pieces->size() == 2 && pieces->front().text.empty() && pieces->back().text.empty();
  if (is_one_field) {
    const FieldName& field = *pieces->front().field;
    const Json& value = find_field(field, row, where);
    if (value.is_array()) {
      return list_texts(value, field.name, where);
    }
  }
  return {make_column(spec, row, where)};
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
