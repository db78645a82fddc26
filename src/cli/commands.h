#pragma once

#include <span>

#include "cli/command.h"

namespace sft {

// The table of all subcommands, in the order of `sft --help`.
std::span<const Command> commands();

// Sets the number of threads that LibTorch computes with; 0: OMP_NUM_THREADS, else the cores.
void apply_threads(int threads);

RunCommand define_data(CLI::App& app, const CommonOptions& common);
RunCommand define_train(CLI::App& app, const CommonOptions& common);
RunCommand define_eval(CLI::App& app, const CommonOptions& common);
RunCommand define_diff(CLI::App& app, const CommonOptions& common);
RunCommand define_score(CLI::App& app, const CommonOptions& common);
RunCommand define_generate(CLI::App& app, const CommonOptions& common);
RunCommand define_tokenize(CLI::App& app, const CommonOptions& common);
RunCommand define_import(CLI::App& app, const CommonOptions& common);
RunCommand define_merge(CLI::App& app, const CommonOptions& common);
RunCommand define_init(CLI::App& app, const CommonOptions& common);
RunCommand define_publish(CLI::App& app, const CommonOptions& common);
RunCommand define_doctor(CLI::App& app, const CommonOptions& common);

}  // namespace sft
