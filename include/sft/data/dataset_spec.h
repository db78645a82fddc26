#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sft/data/row_reader.h"

namespace sft {

// Rows with a column for each part. Columns without a name are not there.
struct FieldsLayout {
  std::string instruction;  // "": text alone, all of it a response
  std::string input;        // joined to the instruction by one newline where it is not empty
  std::string response;
  std::string history;  // earlier turns: [[user, assistant], ...]
};

// Rows with a list of messages, or of texts, which then are the user's and the assistant's in turn.
// A system message at the start is joined in front of the first
// instruction by one newline, since templates know no system text.
struct MessagesLayout {
  enum class Turns { kAll, kFirst };
  std::string field;  // the column of the list
  std::string role = "role";
  std::string content = "content";
  std::string user = "user";
  std::string assistant = "assistant";
  Turns turns = Turns::kAll;
};

using RowLayout = std::variant<FieldsLayout, MessagesLayout>;

// Rows whose column has one of these values, as text (true, 42, none). The column may also be named
// by its role: instruction, input, response.
struct ValueRule {
  std::string column;
  std::vector<std::string> values;
};

// Files of a dataset's repository on the hub.
struct HubSource {
  std::string dataset;  // owner/name
  std::string revision = "main";
  std::vector<std::string> files;  // names or patterns, from the repository's root
  bool operator==(const HubSource&) const = default;
};

// A dataset's recipe: which files, and how a row becomes a sample.
struct DatasetSpec {
  std::string name;
  std::filesystem::path path;       // of the recipe, or of the data file or folder itself
  std::vector<std::string> files;   // names or patterns (* ? [..]), relative to the recipe's folder
  std::optional<HubSource> hub;     // in their place
  std::optional<RowFormat> format;  // none: each file's name tells
  std::optional<RowLayout> layout;  // none: each file's columns tell
  std::vector<ValueRule> keep;
  std::vector<ValueRule> drop;
  std::string license;
  std::string source;
  std::string published_name;
  double mean_tokens = 0;  // an estimate for plans; 0: none
};

// What `name_or_path` means: the recipe of that name (configs/datasets), a recipe's path (.yaml), a
// data file's path (another extension), a folder (all data files in and below it, whatever their
// names), a pattern ("mine/*.jsonl"), or a hub id (owner/name[@revision], where nothing here has
// that path: the hub's own Parquet form of its training rows). What is no recipe takes its name
// from the file, the folder or the id. Throws UsageError with all faults of the recipe.
DatasetSpec load_dataset_spec(const std::string& name_or_path);

struct DatasetFile {
  std::filesystem::path path;
  std::string name;  // as the recipe has it, patterns filled in: never a path of this machine
};

// Gives the local files of a hub source, those of its patterns in their order, then by name.
using FetchDataset = std::function<std::vector<DatasetFile>(const HubSource&)>;
// Throws Error: for callers without a hub.
std::vector<DatasetFile> no_hub(const HubSource& source);

// The files of `spec`, each once: patterns in their order, a pattern's matches sorted by name.
// Throws Error for a pattern that matches none.
std::vector<DatasetFile> find_dataset_files(const DatasetSpec& spec,
                                            const FetchDataset& fetch = no_hub);

}  // namespace sft
