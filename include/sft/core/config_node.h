#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sft {

struct ConfigDocument;
struct ConfigValue;

// What a number may be, both ends allowed.
struct ConfigRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

// A place in a YAML file that is being read into a plain struct. Every reader marks its key as
// known and notes a fault (with file:line:column) instead of throwing, so that all faults come out
// at once; `check` throws them. Order of calls:
//
//   const ConfigNode root = ConfigNode::load(path, overrides);
//   root.read("epochs", config.epochs, {.min = 1});   // absent: the struct's default stays
//   const ConfigNode train = root.at("train");        // absent: an empty map
//   train.read(...);
//   train.finish();                                   // unknown keys are faults
//   root.finish();
//   root.check();                                     // throws UsageError with all faults
//
// Anchors and aliases, duplicate keys, nesting past 32 levels, more than 10,000 values and files
// past 1 MB are refused. Copies are cheap and share one document.
class ConfigNode {
 public:
  // Reads a file. `overrides` are "key.path=value" texts, each replacing or adding one value; the
  // value is YAML. Throws UsageError where the text is no YAML, Error where the file is unreadable.
  static ConfigNode load(const std::filesystem::path& path,
                         std::span<const std::string> overrides = {});
  // The same for a text; `name` stands for the file in messages.
  static ConfigNode parse(std::string_view text, const std::string& name,
                          std::span<const std::string> overrides = {});

  bool is_null() const;  // absent, or null
  bool is_scalar() const;
  bool is_list() const;
  bool is_map() const;

  bool has(std::string_view key) const;
  // The value under `key`; a null node where it is absent. A fault where this is no map.
  ConfigNode at(const std::string& key) const;
  std::vector<std::string> keys() const;  // of a map, in the file's order
  std::vector<ConfigNode> items() const;  // of a list; a fault where it is neither list nor null

  // The value itself. A fault (and `value` unchanged) where it is of another type or out of range.
  void get(bool& value) const;
  void get(int64_t& value, ConfigRange range = {}) const;
  void get(double& value, ConfigRange range = {}) const;
  void get(std::string& value) const;
  void get(std::vector<std::string>& value) const;  // a single scalar counts as a list of one
  // One of `choices`; the fault names the nearest.
  template <typename Enum>
  void get_choice(Enum& value, std::span<const std::pair<std::string_view, Enum>> choices) const;

  // The same for the value under `key`: absent or null leaves `value` as it is.
  template <typename T>
  void read(const std::string& key, T& value) const;
  template <typename T>
  void read(const std::string& key, T& value, ConfigRange range) const;
  template <typename Enum, size_t kSize>
  void read_choice(const std::string& key, Enum& value,
                   const std::pair<std::string_view, Enum> (&choices)[kSize]) const;

  // A fault where `key` is absent or null.
  void require(const std::string& key) const;
  // Notes a fault at this place.
  void fault(const std::string& message) const;
  // Faults for all keys of this map that no one asked for, with the nearest known one.
  void finish() const;
  // Throws UsageError where there are faults, of the whole document and in its order.
  void check() const;

  // "file:line:column".
  std::string where() const;

 private:
  ConfigNode(std::shared_ptr<ConfigDocument> document, ConfigValue* value);
  int choice_index(std::span<const std::string_view> names) const;

  std::shared_ptr<ConfigDocument> document_;
  ConfigValue* value_;  // owned by document_
};

template <typename Enum>
void ConfigNode::get_choice(Enum& value,
                            std::span<const std::pair<std::string_view, Enum>> choices) const {
  std::vector<std::string_view> names;
  for (const auto& [name, choice] : choices) {
    names.push_back(name);
  }
  if (const int index = choice_index(names); index >= 0) {
    value = choices[static_cast<size_t>(index)].second;
  }
}

template <typename T>
void ConfigNode::read(const std::string& key, T& value) const {
  if (const ConfigNode node = at(key); !node.is_null()) {
    node.get(value);
  }
}

template <typename T>
void ConfigNode::read(const std::string& key, T& value, ConfigRange range) const {
  if (const ConfigNode node = at(key); !node.is_null()) {
    node.get(value, range);
  }
}

template <typename Enum, size_t kSize>
void ConfigNode::read_choice(const std::string& key, Enum& value,
                             const std::pair<std::string_view, Enum> (&choices)[kSize]) const {
  if (const ConfigNode node = at(key); !node.is_null()) {
    node.get_choice(value, std::span<const std::pair<std::string_view, Enum>>(choices));
  }
}

}  // namespace sft
