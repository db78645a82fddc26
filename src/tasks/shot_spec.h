#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sft/tasks/task_spec.h"

namespace sft {

std::vector<std::string> column_names(const std::vector<ColumnSpec>& columns);
bool contains(const std::vector<std::string>& names, std::string_view name);

// [{human: TEXT}, {bot: TEXT}, ...]; a text that names none of `columns` but nearly does is a
// fault.
std::vector<RoundItem> read_rounds(const ConfigNode& node, const std::vector<std::string>& columns);

// A fault where `file` leaves the data folder.
void check_relative(const std::string& file, const ConfigNode& node);

// The entry under `shots:` of `task`, whose columns and likelihood are already read.
ShotSpec read_shot(const std::string& key, const ConfigNode& node, const TaskSpec& task);

}  // namespace sft
