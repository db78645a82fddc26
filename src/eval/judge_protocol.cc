#include "eval/judge_protocol.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sft/core/table.h"

namespace sft {
namespace {

constexpr std::array kProtocols = {
    JudgeProtocolRow{.name = "mt_bench", .make = make_mt_bench},
    JudgeProtocolRow{.name = "alpaca_eval", .make = make_alpaca_eval},
};

}  // namespace

std::span<const JudgeProtocolRow> judge_protocols() {
  return kProtocols;
}

std::unique_ptr<JudgeProtocol> make_judge_protocol(const TaskSpec& task, const TaskData& data,
                                                   const std::filesystem::path& data_dir) {
  SFT_CHECK(task.judge.has_value());
  const JudgeProtocolRow* row = nullptr;
  try {
    row = &find_entry(judge_protocols(), "judge protocol", task.judge->protocol);
  } catch (const UsageError& error) {
    throw UsageError(task.judge->where + ": " + error.what());
  }
  return row->make(task, data, data_dir);
}

const std::string& needed(const JudgeSpec& judge, const JudgeSpec::Names& names,
                          std::string_view use) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [use](const auto& entry) { return entry.first == use; });
  if (found == names.end()) {
    throw UsageError(fmt::format("{}: judge protocol '{}' needs '{}' under files or texts",
                                 judge.where, judge.protocol, use));
  }
  return found->second;
}

void refuse_unknown_uses(const JudgeSpec& judge, std::span<const std::string_view> known) {
  const std::vector<std::string> names(known.begin(), known.end());
  for (const JudgeSpec::Names* const uses : {&judge.files, &judge.optional_files, &judge.texts}) {
    for (const auto& [use, value] : *uses) {
      if (std::find(names.begin(), names.end(), use) == names.end()) {
        throw UsageError(judge.where + ": " + unknown_name("use", use, names));
      }
    }
  }
}

void need_columns(const TaskSpec& task, std::span<const std::string_view> columns) {
  for (const std::string_view name : columns) {
    if (std::none_of(task.columns.begin(), task.columns.end(),
                     [name](const ColumnSpec& column) { return column.name == name; })) {
      throw UsageError(fmt::format("{}: judge protocol '{}' needs a column '{}'", task.judge->where,
                                   task.judge->protocol, name));
    }
  }
}

std::string fill_names(std::string_view text,
                       std::span<const std::pair<std::string_view, std::string_view>> values) {
  std::string filled;
  while (true) {
    const size_t open = text.find('{');
    if (open == std::string_view::npos) {
      return filled.append(text);
    }
    filled.append(text.substr(0, open));
    text.remove_prefix(open);
    const auto value = std::find_if(values.begin(), values.end(), [text](const auto& entry) {
      const std::string_view name = entry.first;
      return text.substr(1).starts_with(name) && text.substr(1 + name.size()).starts_with('}');
    });
    const bool is_name = value != values.end();
    filled.append(is_name ? value->second : text.substr(0, 1));
    text.remove_prefix(is_name ? value->first.size() + 2 : 1);
  }
}

}  // namespace sft
