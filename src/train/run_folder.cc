#include "sft/train/run_folder.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

constexpr const char* kConfigFile = "config.yaml";
constexpr const char* kRunFile = "run.json";

// Every scalar of a YAML tree under its key path: "train.epochs" -> "10".
void flatten(const ConfigNode& node, const std::string& path,
             std::map<std::string, std::string>& values) {
  if (node.is_map()) {
    for (const std::string& key : node.keys()) {
      std::string key_path = path;
      key_path.append(path.empty() ? "" : ".").append(key);
      flatten(node.at(key), key_path, values);
    }
  } else if (node.is_list()) {
    for (const ConfigNode& item : node.items()) {
      flatten(item, path + "[]", values);
    }
  } else {
    std::string text;
    if (node.is_scalar()) {
      node.get(text);
    }
    values[path] += text + " ";
  }
}

std::map<std::string, std::string> flat(const std::string& yaml, const std::string& name) {
  std::map<std::string, std::string> values;
  flatten(ConfigNode::parse(yaml, name), "", values);
  return values;
}

std::string shown(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? "absent"
                               : "'" + found->second.substr(0, found->second.size() - 1) + "'";
}

// Where the folder stands is no property of the run: a moved folder continues.
bool decides_run(const std::string& key) {
  return key != "output";
}

void check_same_config(const std::string& config_yaml, const fs::path& file) {
  const std::map<std::string, std::string> before = flat(read_file(file), file.string());
  const std::map<std::string, std::string> now = flat(config_yaml, "config");
  std::map<std::string, std::string> all = before;
  all.insert(now.begin(), now.end());
  std::vector<std::string> faults;
  for (const auto& [key, value] : all) {
    if (decides_run(key) && shown(before, key) != shown(now, key)) {
      faults.push_back(file.string() + ": '" + key + "' is " + shown(before, key) +
                       " in the run that is there, " + shown(now, key) +
                       " in this config; take another output, or the same config");
    }
  }
  if (!faults.empty()) {
    throw UsageError(std::move(faults));
  }
}

// Empty, or holding nothing but what a killed start left while it wrote config.yaml.
bool is_as_empty(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(std::string(".") + kConfigFile + ".tmp")) {
      return false;
    }
  }
  return true;
}

// The nearest folder above `path` that exists must take new entries.
void check_can_make(const fs::path& path) {
  std::error_code error;
  fs::path parent = fs::absolute(path).parent_path();
  while (!fs::exists(parent, error) && parent.has_relative_path()) {
    parent = parent.parent_path();
  }
  if (!fs::is_directory(parent, error)) {
    throw Error(path.string() + ": cannot be made: " + parent.string() + " is no folder");
  }
  if (access(parent.c_str(), W_OK | X_OK) != 0) {
    throw Error(path.string() + ": cannot be made: " + parent.string() + ": " +
                std::strerror(errno));
  }
}

bool is_done(const fs::path& run_file) {
  std::error_code error;
  if (!fs::exists(run_file, error)) {
    return false;
  }
  return json_member<std::string>(read_json(run_file), "status", run_file.string()) == "done";
}

}  // namespace

RunFolder::RunFolder(const TrainConfig& config, ResumePolicy policy)
    : path_(config.output), config_yaml_(to_yaml(config)) {
  std::error_code error;
  const bool exists = fs::exists(fs::symlink_status(path_, error));
  const fs::path config_file = path_ / kConfigFile;
  if (!exists) {
    check_can_make(path_);
    return;
  }
  if (!fs::is_directory(path_, error) || (!fs::exists(config_file, error) && !is_as_empty(path_))) {
    throw Error(path_.string() +
                ": is there and is no run of sft; nothing was changed. Take another output");
  }
  if (access(path_.c_str(), W_OK | X_OK) != 0) {
    throw Error(path_.string() + ": cannot be written: " + std::strerror(errno));
  }
  lock();
  if (!fs::exists(config_file, error)) {
    return;  // an empty folder
  }
  if (policy == ResumePolicy::kNever) {
    throw Error(path_.string() + ": a run is there and --resume is never; take another output");
  }
  check_same_config(config_yaml_, config_file);
  state_ = is_done(path_ / kRunFile) ? RunFolderState::kDone : RunFolderState::kContinue;
}

void RunFolder::begin() {
  if (state_ != RunFolderState::kNew) {
    return;
  }
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) {
    throw Error(path_.string() + ": cannot be made: " + error.message());
  }
  if (lock_descriptor_ < 0) {
    lock();
    if (fs::exists(path_ / kConfigFile, error)) {
      throw Error(path_.string() + ": another process began a run here; start again");
    }
  }
  write_file(path_ / kConfigFile, config_yaml_);
}

RunFolder::~RunFolder() {
  if (lock_descriptor_ >= 0) {
    close(lock_descriptor_);
  }
}

void RunFolder::lock() {
  lock_descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_descriptor_ < 0) {
    throw Error(path_.string() + ": cannot be opened: " + std::strerror(errno));
  }
  if (flock(lock_descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(path_.string() + ": another process is at work in this run");
  }
}

}  // namespace sft
