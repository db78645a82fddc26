#include "sft/core/config_node.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <tuple>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/table.h"

namespace sft {

// A value of the file. `entries` holds a map's pairs and, with empty keys, a list's items.
struct ConfigValue {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;
  bool is_quoted = false;
  std::string source;  // the file's name, or "--set"
  int line = 0;        // from 1; 0: nowhere in the file
  int column = 0;
  std::string path;  // "train.epochs"
  std::vector<std::pair<std::string, std::unique_ptr<ConfigValue>>> entries;
  std::vector<std::string> asked;  // the keys that a reader asked for

  ConfigValue* find(std::string_view key) const {
    for (const auto& [name, value] : entries) {
      if (name == key) {
        return value.get();
      }
    }
    return nullptr;
  }
};

struct ConfigDocument {
  std::unique_ptr<ConfigValue> root = std::make_unique<ConfigValue>();
  struct Fault {
    int line;
    int column;
    std::string text;
  };
  std::vector<Fault> faults;

  static std::string where(const ConfigValue& value) {
    if (value.line == 0) {
      return value.source;
    }
    return fmt::format("{}:{}:{}", value.source, value.line, value.column);
  }
  void add_fault(const ConfigValue& value, const std::string& message) {
    faults.push_back({value.line, value.column, where(value) + ": " + message});
  }
};

namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxValues = 10'000;  // keys are looked up one after another

// Makes the tree out of yaml-cpp's events: its own tree drops duplicate keys silently.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(ConfigDocument& document, std::string source)
      : document_(document), source_(std::move(source)) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override { no_alias(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { no_alias(mark); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    add(mark, ConfigValue::Kind::kNull);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& text) override {
    const bool is_quoted = tag == "!";
    if (expects_key()) {
      open_.back().key = text;
      open_.back().key_mark = mark;
      open_.back().has_key = true;
      return;
    }
    ConfigValue* value = add(mark, ConfigValue::Kind::kScalar);
    value->text = text;
    value->is_quoted = is_quoted;
    if (!is_quoted && (text == "~" || text == "null" || text.empty())) {
      value->kind = ConfigValue::Kind::kNull;
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
    open(mark, ConfigValue::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, ConfigValue::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    ConfigValue* value;
    bool has_key = false;
    std::string key;
    YAML::Mark key_mark;
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().value->kind == ConfigValue::Kind::kMap &&
           !open_.back().has_key;
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) const {
    throw UsageError(fmt::format("{}:{}:{}: {}", source_, mark.line + 1, mark.column + 1, why));
  }
  void no_alias(const YAML::Mark& mark) const {
    refuse(mark, "anchors and aliases are not supported; write the value out");
  }

  void open(const YAML::Mark& mark, ConfigValue::Kind kind) {
    if (expects_key()) {
      refuse(mark, "a key must be a plain word");
    }
    if (open_.size() >= kMaxDepth) {
      refuse(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    open_.push_back({.value = add(mark, kind), .has_key = false, .key = {}, .key_mark = {}});
  }

  // A new value in the innermost open map or list, or the document's root.
  ConfigValue* add(const YAML::Mark& mark, ConfigValue::Kind kind) {
    if (++num_values_ > kMaxValues) {
      refuse(mark, fmt::format("holds more than {} values", kMaxValues));
    }
    auto value = std::make_unique<ConfigValue>();
    value->kind = kind;
    value->source = source_;
    value->line = mark.line + 1;
    value->column = mark.column + 1;
    ConfigValue* const added = value.get();
    if (open_.empty()) {
      document_.root = std::move(value);
      return added;
    }
    Open& parent = open_.back();
    if (parent.value->kind == ConfigValue::Kind::kMap) {
      // A fault of a value is best shown where its key stands.
      value->line = parent.key_mark.line + 1;
      value->column = parent.key_mark.column + 1;
      value->path = parent.value->path.empty() ? parent.key : parent.value->path + "." + parent.key;
      parent.has_key = false;
      if (parent.value->find(parent.key) != nullptr) {
        document_.add_fault(*value, "duplicate key '" + parent.key + "'");
      }
    } else {
      value->path = fmt::format("{}[{}]", parent.value->path, parent.value->entries.size());
    }
    parent.value->entries.emplace_back(
        parent.value->kind == ConfigValue::Kind::kMap ? parent.key : "", std::move(value));
    return added;
  }

  ConfigDocument& document_;
  std::string source_;
  std::vector<Open> open_;
  size_t num_values_ = 0;
};

void parse_into(ConfigDocument& document, std::string_view text, const std::string& source) {
  if (text.size() > kMaxBytes) {
    throw UsageError(fmt::format("{}: {} long, at most {} are read", source,
                                 format_bytes(text.size()), format_bytes(kMaxBytes)));
  }
  document.root->source = source;
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(document, source);
    if (parser.HandleNextDocument(builder) && parser.HandleNextDocument(builder)) {
      throw UsageError(source + ": holds more than one YAML document");
    }
  } catch (const YAML::Exception& error) {
    throw UsageError(fmt::format("{}:{}:{}: not YAML: {}", source, error.mark.line + 1,
                                 error.mark.column + 1, error.msg));
  }
}

void apply_override(ConfigDocument& document, const std::string& text) {
  const std::string source = "--set " + text;
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(source + ": must be key.path=value");
  }
  ConfigDocument parsed;
  parse_into(parsed, std::string_view(text).substr(equals + 1), source);
  ConfigValue* place = document.root.get();
  std::string path;
  if (static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(equals),
                                     '.')) >= kMaxDepth) {
    throw UsageError(fmt::format("{}: its key is longer than {} levels", source, kMaxDepth));
  }
  std::istringstream keys(text.substr(0, equals));
  for (std::string key; std::getline(keys, key, '.');) {
    if (place->kind != ConfigValue::Kind::kMap) {
      if (place->kind != ConfigValue::Kind::kNull) {
        throw UsageError(
            fmt::format("{}: '{}' is no map in {}", source, path, ConfigDocument::where(*place)));
      }
      place->kind = ConfigValue::Kind::kMap;
    }
    path += (path.empty() ? "" : ".") + key;
    ConfigValue* next = place->find(key);
    if (next == nullptr) {
      place->entries.emplace_back(key, std::make_unique<ConfigValue>());
      next = place->entries.back().second.get();
      next->path = path;
    }
    place = next;
  }
  *place = std::move(*parsed.root);
  place->path = path;
  place->source = source;
  place->line = 0;
}

std::string kind_name(const ConfigValue& value) {
  switch (value.kind) {
    case ConfigValue::Kind::kNull:
      return "nothing";
    case ConfigValue::Kind::kScalar:
      return "'" + value.text + "'";
    case ConfigValue::Kind::kList:
      return "a list";
    case ConfigValue::Kind::kMap:
      return "a map";
  }
  return {};
}

void fault_type(ConfigDocument& document, const ConfigValue& value, std::string_view expected) {
  document.add_fault(value,
                     fmt::format("'{}' is {}, must be {}", value.path, kind_name(value), expected));
}

std::string range_text(const ConfigRange& range) {
  const bool has_min = range.min > -std::numeric_limits<double>::infinity();
  const bool has_max = range.max < std::numeric_limits<double>::infinity();
  if (has_min && has_max) {
    return fmt::format("from {:g} to {:g}", range.min, range.max);
  }
  return has_min ? fmt::format("at least {:g}", range.min) : fmt::format("at most {:g}", range.max);
}

}  // namespace

ConfigNode::ConfigNode(std::shared_ptr<ConfigDocument> document, ConfigValue* value)
    : document_(std::move(document)), value_(value) {}

ConfigNode ConfigNode::load(const std::filesystem::path& path,
                            std::span<const std::string> overrides) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UsageError(path.string() + ": no such file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(path.string() + ": cannot be opened for reading");
  }
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return parse(text, path.string(), overrides);
}

ConfigNode ConfigNode::parse(std::string_view text, const std::string& name,
                             std::span<const std::string> overrides) {
  auto document = std::make_shared<ConfigDocument>();
  parse_into(*document, text, name);
  for (const std::string& override_text : overrides) {
    apply_override(*document, override_text);
  }
  ConfigNode root(document, document->root.get());
  if (!root.is_map() && !root.is_null()) {
    throw UsageError(root.where() + ": must be a map of keys to values");
  }
  return root;
}

bool ConfigNode::is_null() const {
  return value_->kind == ConfigValue::Kind::kNull;
}
bool ConfigNode::is_scalar() const {
  return value_->kind == ConfigValue::Kind::kScalar;
}
bool ConfigNode::is_list() const {
  return value_->kind == ConfigValue::Kind::kList;
}
bool ConfigNode::is_map() const {
  return value_->kind == ConfigValue::Kind::kMap;
}

bool ConfigNode::has(std::string_view key) const {
  return value_->find(key) != nullptr;
}

ConfigNode ConfigNode::at(const std::string& key) const {
  value_->asked.push_back(key);
  if (!is_map() && !is_null()) {
    const std::string message =
        fmt::format("'{}' is {}, must be a map", value_->path, kind_name(*value_));
    const auto is_same = [&](const ConfigDocument::Fault& fault) {
      return fault.text.ends_with(message);
    };
    if (std::none_of(document_->faults.begin(), document_->faults.end(), is_same)) {
      fault(message);
    }
  }
  if (ConfigValue* const found = value_->find(key); found != nullptr) {
    return {document_, found};
  }
  // An absent value still knows where its parent stands, for `fault` and `require`.
  auto absent = std::make_unique<ConfigValue>();
  absent->source = value_->source;
  absent->line = value_->line;
  absent->column = value_->column;
  absent->path = value_->path.empty() ? key : value_->path + "." + key;
  ConfigValue* const value = absent.get();
  // Owned by an aliasing pointer that keeps the document alive too.
  struct Holder {
    std::shared_ptr<ConfigDocument> document;
    std::unique_ptr<ConfigValue> value;
  };
  auto holder = std::make_shared<Holder>(Holder{document_, std::move(absent)});
  return {std::shared_ptr<ConfigDocument>(holder, document_.get()), value};
}

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> keys;
  if (is_map()) {
    for (const auto& [key, value] : value_->entries) {
      keys.push_back(key);
    }
  }
  return keys;
}

std::vector<ConfigNode> ConfigNode::items() const {
  std::vector<ConfigNode> items;
  if (is_list()) {
    for (const auto& [key, value] : value_->entries) {
      items.push_back({document_, value.get()});
    }
  } else if (!is_null()) {
    fault_type(*document_, *value_, "a list");
  }
  return items;
}

void ConfigNode::get(bool& value) const {
  if (is_scalar() && !value_->is_quoted && (value_->text == "true" || value_->text == "false")) {
    value = value_->text == "true";
    return;
  }
  fault_type(*document_, *value_, "true or false");
}

void ConfigNode::get(int64_t& value, ConfigRange range) const {
  int64_t number = 0;
  const char* const end = value_->text.data() + value_->text.size();
  const auto [stop, error] = std::from_chars(value_->text.data(), end, number);
  if (!is_scalar() || value_->is_quoted || error != std::errc() || stop != end) {
    fault_type(*document_, *value_, "a whole number");
    return;
  }
  if (static_cast<double>(number) < range.min || static_cast<double>(number) > range.max) {
    fault_type(*document_, *value_, range_text(range));
    return;
  }
  value = number;
}

void ConfigNode::get(double& value, ConfigRange range) const {
  double number = 0;
  const char* const end = value_->text.data() + value_->text.size();
  const auto [stop, error] = std::from_chars(value_->text.data(), end, number);
  if (!is_scalar() || value_->is_quoted || error != std::errc() || stop != end ||
      number - number != 0) {
    fault_type(*document_, *value_, "a finite number");
    return;
  }
  if (number < range.min || number > range.max) {
    fault_type(*document_, *value_, range_text(range));
    return;
  }
  value = number;
}

void ConfigNode::get(std::string& value) const {
  if (!is_scalar()) {
    fault_type(*document_, *value_, "a text");
    return;
  }
  value = value_->text;
}

void ConfigNode::get(std::vector<std::string>& value) const {
  if (is_scalar()) {
    value = {value_->text};
    return;
  }
  std::vector<std::string> texts;
  for (const ConfigNode& item : items()) {
    std::string text;
    item.get(text);
    texts.push_back(std::move(text));
  }
  value = std::move(texts);
}

int ConfigNode::choice_index(std::span<const std::string_view> names) const {
  std::vector<std::string> known;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_scalar() && names[i] == value_->text) {
      return static_cast<int>(i);
    }
    known.emplace_back(names[i]);
  }
  if (is_scalar()) {
    fault(unknown_name("value of '" + value_->path + "'", value_->text, known));
  } else {
    fault_type(*document_, *value_, "one of its names");
  }
  return -1;
}

void ConfigNode::require(const std::string& key) const {
  if (const ConfigNode node = at(key); node.is_null()) {
    node.fault("'" + node.value_->path + "' is missing");
  }
}

void ConfigNode::fault(const std::string& message) const {
  document_->add_fault(*value_, message);
}

void ConfigNode::finish() const {
  for (const auto& [key, value] : value_->entries) {
    if (is_map() && std::ranges::find(value_->asked, key) == value_->asked.end()) {
      const std::string nearest = nearest_name(key, value_->asked);
      document_->add_fault(*value,
                           "unknown key '" + value->path + "'" +
                               (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    }
  }
}

void ConfigNode::check() const {
  if (document_->faults.empty()) {
    return;
  }
  std::ranges::stable_sort(document_->faults, {}, [](const ConfigDocument::Fault& fault) {
    return std::tuple(fault.line, fault.column);
  });
  std::vector<std::string> texts;
  for (const ConfigDocument::Fault& fault : document_->faults) {
    texts.push_back(fault.text);
  }
  throw UsageError(std::move(texts));
}

std::string ConfigNode::where() const {
  return ConfigDocument::where(*value_);
}

}  // namespace sft
