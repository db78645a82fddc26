#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sft/core/config_node.h"
#include "sft/io/json.h"

namespace sft {

// The columns of a benchmark's questions, made out of the fields of a data file's rows. Under
// `columns:` of a task's YAML each key is a column, in the order in which prompts replace them:
//
//   columns:
//     input: "{question}"               # a text; {field} is a field of the row
//     passage: "{title} -- {passage}"   # all fields are put in at once, so that a passage which
//                                       # holds "{title}" is not changed
//     A: "{choices[0]}"                 # an element of a list
//     alias: "{answer.value}"           # a field of an object
//     tests: {value: "{test_list}", join: "\n"}                   # a list's texts in one
//     subject: {value: "{subject}", replace: {"_": " "}}          # literal replacements, in order
//     label: {value: "{answer}", map: {"true": A, "false": B}}    # the whole value looked up
//     id: {value: "{question_id}", numbers: true}                 # a number as JSON writes it
//     ctx: {value: "{a} {b}", fields: {b: capitalize}, rules: [after_colon]}
//
// `fields` and `rules` name rows of column_rules(): what is done to a field's text before it is put
// in, and to the whole text, in order, before `replace` and `map`.
// A field that a text names must be there and hold text; under `numbers` it may also be a number,
// and under `map` a number or true or false, looked up as JSON writes it. A value that the map
// lacks is an error.
struct ColumnSpec {
  std::string name;
  std::string value;
  std::optional<std::string> join;
  bool takes_numbers = false;
  std::vector<std::pair<std::string, std::string>> field_rules;  // field, name of its rule
  std::vector<std::string> rules;
  std::vector<std::pair<std::string, std::string>> replacements;
  std::vector<std::pair<std::string, std::string>> map;
};

// What can be done to a text on its way into a column, by name.
struct ColumnRule {
  std::string_view name;
  std::string (*apply)(const std::string& text);
};
std::span<const ColumnRule> column_rules();

// Reads a column's YAML (its text, or a map as above); faults are noted at `node`.
ColumnSpec read_column(const std::string& name, const ConfigNode& node);
// Reads the map under `columns:`.
std::vector<ColumnSpec> read_columns(const ConfigNode& node);

// A question's or an exemplar's columns, in order.
struct Column {
  std::string name;
  std::string text;
};
using Columns = std::vector<Column>;

// The text of the column `name`; the caller knows that it exists.
const std::string& column_text(const Columns& columns, std::string_view name);

// One column of a row. `where` ("path:line") opens the message of the Error thrown where a field is
// absent or of another type, or a value has no entry in the map.
std::string make_column(const ColumnSpec& spec, const Json& row, const std::string& where);
// The texts of a list: every one where `spec.value` is "{field}" and nothing else and the field is
// a list, else the one text of make_column.
std::vector<std::string> make_list(const ColumnSpec& spec, const Json& row,
                                   const std::string& where);
Columns make_columns(const std::vector<ColumnSpec>& specs, const Json& row,
                     const std::string& where);

}  // namespace sft
