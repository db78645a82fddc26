#pragma once

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
//     subject: {value: "{subject}", replace: {"_": " "}}          # literal replacements, in order
//     label: {value: "{answer}", map: {"true": A, "false": B}}    # the whole value looked up
//
// A field that a text names must be there and hold text; under `map` it may also be a number or
// true or false, looked up as JSON writes it. A value that the map lacks is an error.
struct ColumnSpec {
  std::string name;
  std::string value;
  std::vector<std::pair<std::string, std::string>> replacements;
  std::vector<std::pair<std::string, std::string>> map;
};

// Reads a column's YAML (its text, or {value, replace, map}); faults are noted at `node`.
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
Columns make_columns(const std::vector<ColumnSpec>& specs, const Json& row,
                     const std::string& where);

}  // namespace sft
