#pragma once

#include <span>

#include "cli/command.h"

namespace sft {

// The table of all subcommands, in the order of `sft --help`.
std::span<const Command> commands();

// Sets the number of threads that LibTorch computes with; 0: OMP_NUM_THREADS, else the cores.
void apply_threads(int threads);

}  // namespace sft
