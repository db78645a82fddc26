#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command.h"

namespace sft {

struct DataFlags {
  std::string config;
  std::string output;     // prepare
  int64_t num_shown = 5;  // show
  std::string color = "auto";
  std::string tasks;  // check
  std::string data_dir;
  std::vector<std::string> names;  // fetch
  bool is_list = false;
};

// The verbs of `sft data`; each returns the exit code.
int fetch_data(const DataFlags& flags, const CommonOptions& common);
int prepare_data(const DataFlags& flags, const CommonOptions& common);
int show_data(const DataFlags& flags, const CommonOptions& common);
int check_data(const DataFlags& flags, const CommonOptions& common);

}  // namespace sft
