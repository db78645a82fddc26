#pragma once

#include <string>
#include <variant>
#include <vector>

#include "sft/data/dataset.h"
#include "sft/data/dataset_spec.h"
#include "sft/io/json.h"

namespace sft {

// The layout that a row's columns tell, of: instruction/input/output, prompt/completion, messages
// (OpenAI), conversations (ShareGPT), text alone. Throws Error where it is none of them.
RowLayout recognise_layout(const Row& row);

// A row as turns, or why it is none.
std::variant<std::vector<Turn>, DropReason> map_row(const RowLayout& layout, const Row& row);

// Whether the row's column (named as in the file, or by its role) has one of the rule's values.
bool matches_rule(const ValueRule& rule, const RowLayout& layout, const Row& row);

// Throws Error where the row is no object.
void check_object(const Row& row);

}  // namespace sft
