// `sft doctor`: what this machine has, what would not work on it, and the fix.

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/machine_probe.h"
#include "cli/model_names.h"

#include "sft/io/json.h"

namespace sft {
namespace {

std::string_view status_name(MachineCheck::Status status) {
  switch (status) {
    case MachineCheck::Status::kOk:
      return "ok";
    case MachineCheck::Status::kNote:
      return "note";
    case MachineCheck::Status::kProblem:
      return "problem";
  }
  return "";
}

Json check_json(const MachineCheck& check) {
  return {{"name", check.name},
          {"status", status_name(check.status)},
          {"found", check.found},
          {"fails", check.fails.empty() ? Json() : Json(check.fails)},
          {"fix", check.fix.empty() ? Json() : Json(check.fix)}};
}

int run_doctor(const CommonOptions& common) {
  const std::vector<MachineCheck> checks = probe_machine(hub_settings(common));
  if (common.is_json) {
    Json list = Json::array();
    for (const MachineCheck& check : checks) {
      list.push_back(check_json(check));
    }
    fmt::print("{}\n",
               dump_json({{"version", SFT_VERSION}, {"checks", list}}, JsonLayout::kIndented));
    return 0;
  }
  fmt::print("sft {}\n", SFT_VERSION);
  for (const MachineCheck& check : checks) {
    fmt::print("{:<8} {:<20} {}\n", status_name(check.status), check.name, check.found);
    if (!check.fails.empty()) {
      fmt::print("{:<29} {}\n", "", check.fails);
    }
    if (!check.fix.empty()) {
      fmt::print("{:<29} fix: {}\n", "", check.fix);
    }
  }
  return 0;
}

}  // namespace

RunCommand define_doctor(CLI::App& /*app*/, const CommonOptions& common) {
  return [&common] { return run_doctor(common); };
}

}  // namespace sft
