#pragma once

#include <string>
#include <vector>

#include "sft/hub/hub.h"

namespace sft {

// One thing that a machine has or lacks.
struct MachineCheck {
  enum class Status { kOk, kNote, kProblem };

  std::string name;  // "memory"
  Status status = Status::kOk;
  std::string found;  // what there is
  std::string fails;  // what would not work; "" where all does
  std::string fix;    // what to do about it
};

// Looks at devices, memory, disks, sandbox, Slurm, Python and the hub, in this order. Takes some
// seconds at most, changes nothing, throws nothing for what is not there.
std::vector<MachineCheck> probe_machine(const HubSettings& settings);

}  // namespace sft
