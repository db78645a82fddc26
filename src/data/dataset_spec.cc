#include "sft/data/dataset_spec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <glob.h>

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/io/input_file.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

constexpr std::pair<std::string_view, RowFormat> kFormats[] = {{"jsonl", RowFormat::kJsonl},
                                                               {"json", RowFormat::kJson},
                                                               {"csv", RowFormat::kCsv},
                                                               {"parquet", RowFormat::kParquet}};
constexpr std::pair<std::string_view, MessagesLayout::Turns> kTurns[] = {
    {"all", MessagesLayout::Turns::kAll}, {"first", MessagesLayout::Turns::kFirst}};

// owner/name, with the characters that the hub allows.
bool is_hub_name(const std::string& text) {
  const size_t slash = text.find('/');
  const auto is_part = [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.front() != '-' &&
           std::ranges::all_of(part, [](unsigned char c) {
             return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
           });
  };
  return slash != std::string::npos && is_part(std::string_view(text).substr(0, slash)) &&
         is_part(std::string_view(text).substr(slash + 1));
}

void read_format(const ConfigNode& root, std::optional<RowFormat>& format) {
  if (!root.at("format").is_null()) {
    RowFormat read = RowFormat::kJsonl;
    root.read_choice("format", read, kFormats);
    format = read;
  }
}

FieldsLayout read_fields(const ConfigNode& node) {
  FieldsLayout fields;
  node.read("instruction", fields.instruction);
  node.read("input", fields.input);
  node.require("response");
  node.read("response", fields.response);
  node.read("history", fields.history);
  node.finish();
  if (fields.instruction.empty() && !(fields.input.empty() && fields.history.empty())) {
    node.fault("'fields' has input or history but no instruction");
  }
  return fields;
}

MessagesLayout read_messages(const ConfigNode& node) {
  MessagesLayout messages;
  node.require("field");
  node.read("field", messages.field);
  node.read("role", messages.role);
  node.read("content", messages.content);
  node.read("user", messages.user);
  node.read("assistant", messages.assistant);
  node.read_choice("turns", messages.turns, kTurns);
  node.finish();
  if (messages.user == messages.assistant) {
    node.fault("'messages.user' and 'messages.assistant' are both '" + messages.user + "'");
  }
  return messages;
}

void read_layout(const ConfigNode& root, std::optional<RowLayout>& layout) {
  const ConfigNode fields = root.at("fields");
  const ConfigNode messages = root.at("messages");
  if (!fields.is_null() && !messages.is_null()) {
    messages.fault("has both 'fields' and 'messages'; keep one");
  }
  if (!fields.is_null()) {
    layout = read_fields(fields);
  } else if (!messages.is_null()) {
    layout = read_messages(messages);
  }
}

std::vector<ValueRule> read_rules(const ConfigNode& root, const std::string& key) {
  const ConfigNode node = root.at(key);
  std::vector<ValueRule> rules;
  for (const std::string& column : node.keys()) {
    ValueRule rule = {.column = column, .values = {}};
    node.at(column).get(rule.values);
    rules.push_back(std::move(rule));
  }
  if (!node.is_map() && !node.is_null()) {
    node.fault("'" + key + "' must be a map of columns to lists of values");
  }
  return rules;
}

void read_source(const ConfigNode& root, DatasetSpec& spec) {
  const ConfigNode hub = root.at("hub");
  if (hub.is_null()) {
    root.require("files");
    root.read("files", spec.files);
    return;
  }
  if (!root.at("files").is_null()) {
    hub.fault("has both 'files' and 'hub'; keep one");
  }
  HubSource source;
  hub.require("dataset");
  hub.require("files");
  hub.read("dataset", source.dataset);
  hub.read("revision", source.revision);
  hub.read("files", source.files);
  hub.finish();
  if (!source.dataset.empty() && !is_hub_name(source.dataset)) {
    hub.at("dataset").fault("'hub.dataset' is '" + source.dataset + "', must be owner/name");
  }
  spec.hub = std::move(source);
}

DatasetSpec read_spec(const ConfigNode& root, const fs::path& path) {
  DatasetSpec spec;
  spec.path = path;
  spec.name = path.stem().string();
  root.read("name", spec.name);
  read_source(root, spec);
  read_format(root, spec.format);
  read_layout(root, spec.layout);
  spec.keep = read_rules(root, "keep");
  spec.drop = read_rules(root, "drop");
  root.read("license", spec.license);
  root.read("source", spec.source);
  root.read("published_name", spec.published_name);
  root.read("mean_tokens", spec.mean_tokens, {.min = 0});
  root.finish();
  return spec;
}

std::string escape_pattern(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

// Regular files that match `pattern` below `folder`, named relative to it, sorted bytewise.
std::vector<DatasetFile> match(const fs::path& folder, const std::string& pattern) {
  const bool is_absolute = fs::path(pattern).is_absolute();
  const std::string prefix = is_absolute || folder.empty() ? "" : folder.string() + "/";
  glob_t found = {};
  const std::unique_ptr<glob_t, decltype(&globfree)> owner(&found, &globfree);
  std::vector<DatasetFile> files;
  if (glob((escape_pattern(prefix) + pattern).c_str(), GLOB_NOSORT, nullptr, &found) != 0) {
    return files;
  }
  for (size_t i = 0; i < found.gl_pathc; ++i) {
    const std::string path = found.gl_pathv[i];
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      continue;
    }
    files.push_back(
        {.path = path,
         .name = is_absolute ? fs::path(path).filename().string() : path.substr(prefix.size())});
  }
  std::ranges::sort(files, {}, &DatasetFile::name);
  return files;
}

// "lima_1029" of lima_1029.jsonl.gz.
std::string data_name(const fs::path& file) {
  return without_packing(file).stem().string();
}

// All data files in and below a folder but hidden ones and what the hub's tools write about a
// dataset.
DatasetSpec folder_spec(const fs::path& folder) {
  constexpr std::array<std::string_view, 4> kAbout = {"dataset_info.json", "dataset_infos.json",
                                                      "dataset_dict.json", "state.json"};
  DatasetSpec spec;
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  spec.name = (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
  spec.path = folder / "";  // so that names are relative to the folder itself
  for (auto entry = fs::recursive_directory_iterator(folder);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && find_format(entry->path()) &&
               std::ranges::find(kAbout, name) == kAbout.end()) {
      spec.files.push_back(escape_pattern(entry->path().lexically_relative(folder).string()));
    }
  }
  std::ranges::sort(spec.files);
  if (spec.files.empty()) {
    throw UsageError(folder.string() +
                     ": no data files in this folder (.jsonl, .json, .csv, .parquet)");
  }
  return spec;
}

DatasetSpec pattern_spec(const fs::path& pattern) {
  DatasetSpec spec;
  const std::string folder = fs::absolute(pattern).lexically_normal().parent_path().filename();
  spec.name = folder.find_first_of("*?[") == std::string::npos ? folder : data_name(pattern);
  spec.path = pattern.parent_path() / "";
  spec.files = {pattern.filename().string()};
  return spec;
}

// The rows of the split "train" as the hub itself has turned them into Parquet.
std::optional<DatasetSpec> hub_spec(const std::string& text) {
  const size_t at = text.find('@');
  const std::string repository = text.substr(0, at);
  // A slip in a data file's path is no hub id.
  if (!is_hub_name(repository) || find_format(repository)) {
    return std::nullopt;
  }
  DatasetSpec spec;
  spec.name = repository.substr(repository.find('/') + 1);
  spec.path = text;
  spec.hub = {.dataset = repository,
              .revision = at == std::string::npos ? "refs/convert/parquet" : text.substr(at + 1),
              .files = {"default/train/*.parquet"}};
  return spec;
}

}  // namespace

DatasetSpec load_dataset_spec(const std::string& name_or_path) {
  const fs::path given = name_or_path;
  const std::string extension = given.extension().string();
  const bool is_name = name_or_path.find('/') == std::string::npos && extension.empty();
  std::error_code error;
  if (fs::is_directory(given, error) && !is_name) {
    return folder_spec(given);
  }
  if (is_name || extension == ".yaml") {
    const fs::path path = find_config("dataset", "datasets", name_or_path);
    const ConfigNode root = ConfigNode::load(path);
    DatasetSpec spec = read_spec(root, path);
    root.check();
    return spec;
  }
  if (fs::is_regular_file(given, error)) {
    DatasetSpec spec;
    spec.name = data_name(given);
    spec.path = given;
    spec.files = {escape_pattern(given.filename().string())};
    return spec;
  }
  if (name_or_path.find_first_of("*?[") != std::string::npos) {
    return pattern_spec(given);
  }
  if (auto spec = hub_spec(name_or_path)) {
    return *spec;
  }
  throw UsageError(name_or_path + ": no such dataset file, folder or hub id");
}

std::vector<DatasetFile> no_hub(const HubSource& source) {
  throw Error(source.dataset + ": is on the hub, and this command does not fetch from it");
}

std::vector<DatasetFile> find_dataset_files(const DatasetSpec& spec, const FetchDataset& fetch) {
  if (spec.hub) {
    return fetch(*spec.hub);
  }
  const fs::path folder = spec.path.parent_path();
  std::vector<DatasetFile> files;
  std::set<fs::path> seen;
  for (const std::string& pattern : spec.files) {
    const std::vector<DatasetFile> matches = match(folder, pattern);
    if (matches.empty()) {
      throw Error(fmt::format("{}: no file matches '{}' in {}", spec.path.string(), pattern,
                              folder.empty() ? "." : folder.string()));
    }
    for (const DatasetFile& file : matches) {
      std::error_code error;
      const fs::path place = fs::canonical(file.path, error);
      if (error) {
        throw Error(file.path.string() + ": cannot be opened: " + error.message());
      }
      if (seen.insert(place).second) {
        files.push_back(file);
      }
    }
  }
  return files;
}

}  // namespace sft
