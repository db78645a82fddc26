#include "sft/io/json.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/io/file.h"

namespace sft {
namespace {

constexpr size_t kMaxDepth = 100;
constexpr size_t kLongestShown = 60;  // bytes of a key or value in a message

std::string shortened(const std::string& text) {
  if (text.size() <= kLongestShown) {
    return text;
  }
  size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;  // not inside a UTF-8 sequence
  }
  return text.substr(0, end) + "...";
}

// "line 3, column 14"; only "column 14" for a text of one line, such as a line of a JSONL file.
std::string place(std::string_view text, size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0
  const size_t column = before.size() - line_start;
  if (text.substr(0, text.find_last_not_of(" \r\n") + 1).find('\n') == std::string_view::npos) {
    return fmt::format("column {}", std::max<size_t>(column, 1));
  }
  return fmt::format("line {}, column {}", std::count(before.begin(), before.end(), '\n') + 1,
                     std::max<size_t>(column, 1));
}

// The reason in a message of nlohmann's parser: "... while parsing value - <reason>; last read:
// '<text of any length>'; expected <what>".
std::string reason(const std::string& message) {
  const size_t start = message.find(" - ");
  std::string text = start == std::string::npos ? message.substr(message.find("] ") + 2)
                                                : message.substr(start + 3);
  if (const size_t read = text.find("; last read: "); read != std::string::npos) {
    text.resize(read);
  }
  return shortened(text);
}

// Makes the value out of nlohmann's parser events. The library's own reader takes duplicate keys
// and any depth, and its ordered objects look for each new key among all former ones, which for a
// vocabulary of 100,000 keys takes minutes.
class ValueBuilder {
 public:
  ValueBuilder(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Json take_root() { return std::move(root_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string& /*text*/) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) { return false; }  // no such thing in JSON text

  bool start_object(size_t /*size*/) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(size_t /*size*/) { return open(Json::array()); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (!open_.back().keys.insert(name).second) {
      throw Error(fmt::format("{}: duplicate key '{}'{}", where_, shortened(name), path()));
    }
    open_.back().key = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) {
    throw Error(fmt::format("{}: broken JSON at {}: {}", where_, place(text_, position),
                            reason(error.what())));
  }

 private:
  struct Open {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool open(Json value) {
    if (open_.size() >= kMaxDepth) {
      throw Error(
          fmt::format("{}: JSON nested deeper than {} levels{}", where_, kMaxDepth, path()));
    }
    open_.push_back({.value = std::move(value), .key = {}, .keys = {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Open& parent = open_.back(); parent.value.is_array()) {
      parent.value.get_ref<Json::array_t&>().push_back(std::move(value));
    } else {
      parent.value.get_ref<Json::object_t&>().emplace_back(std::move(parent.key), std::move(value));
    }
    return true;
  }

  // " in 'model.vocab'": the keys on the way to where the parser is; "" at the top.
  std::string path() const {
    std::string keys;
    for (size_t i = 0; i + 1 < open_.size() && keys.size() < kLongestShown; ++i) {
      if (open_[i].value.is_object()) {
        keys += (keys.empty() ? "" : ".") + open_[i].key;
      }
    }
    return keys.empty() ? "" : " in '" + shortened(keys) + "'";
  }

  std::string_view text_;
  const std::string& where_;
  std::vector<Open> open_;
  Json root_;
};

class Writer {
 public:
  explicit Writer(JsonLayout layout) : is_indented_(layout == JsonLayout::kIndented) {}

  void write(const Json& value) {
    if (value.is_object()) {
      write_members(value.get_ref<const Json::object_t&>());
    } else if (value.is_array()) {
      write_items(value.get_ref<const Json::array_t&>());
    } else if (value.is_string()) {
      write_string(value.get_ref<const std::string&>());
    } else if (value.is_number_float()) {
      write_float(value.get<double>());
    } else {
      text_ += value.dump();
    }
  }

  std::string take_text() { return std::move(text_); }

 private:
  void write_members(const Json::object_t& members) {
    text_ += '{';
    ++depth_;
    bool is_first = true;
    for (const auto& [key, value] : members) {
      separate(std::exchange(is_first, false));
      write_string(key);
      text_ += ": ";
      write(value);
    }
    end(members.empty(), '}');
  }

  void write_items(const Json::array_t& items) {
    text_ += '[';
    ++depth_;
    bool is_first = true;
    for (const Json& item : items) {
      separate(std::exchange(is_first, false));
      write(item);
    }
    end(items.empty(), ']');
  }

  void separate(bool is_first) {
    if (!is_first) {
      text_ += is_indented_ ? "," : ", ";
    }
    start_line();
  }

  void end(bool is_empty, char bracket) {
    --depth_;
    if (!is_empty) {
      start_line();
    }
    text_ += bracket;
  }

  void start_line() {
    if (is_indented_) {
      text_ += '\n';
      text_.append(2 * depth_, ' ');
    }
  }

  void write_string(const std::string& text) {
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
      return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    });
    if (is_plain) {
      text_ += '"' + text + '"';
    } else {
      text_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }

  void write_float(double value) {
    if (!std::isfinite(value)) {
      text_ += "null";
      return;
    }
    const std::string digits = format_shortest(value);
    text_ += digits;
    if (digits.find_first_not_of("-0123456789") == std::string::npos) {
      text_ += ".0";  // stays a float when it is read
    }
  }

  bool is_indented_;
  size_t depth_ = 0;
  std::string text_;
};

[[noreturn]] void refuse_member(const std::string& where, const std::string& key, const Json& value,
                                std::string_view wanted) {
  throw Error(fmt::format("{}: '{}' is {}, must be {}", where, shortened(key),
                          shortened(dump_json(value, JsonLayout::kCompact)), wanted));
}

const Json& find_member(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object()) {
    throw Error(fmt::format("{}: no object but {}, so '{}' is missing", where,
                            shortened(dump_json(object, JsonLayout::kCompact)), shortened(key)));
  }
  const auto found = object.find(key);
  if (found == object.end()) {
    throw Error(fmt::format("{}: '{}' is missing", where, shortened(key)));
  }
  return *found;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  // The parser would take it for the end of the text, whatever follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw Error(fmt::format("{}: broken JSON at {}: a zero byte", where, place(text, zero + 1)));
  }
  ValueBuilder builder(text, where);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take_root();
}

Json read_json(const std::filesystem::path& path, uint64_t max_bytes) {
  return parse_json(read_file(path, max_bytes), path.string());
}

std::string dump_json(const Json& value, JsonLayout layout) {
  Writer writer(layout);
  writer.write(value);
  return writer.take_text() + (layout == JsonLayout::kIndented ? "\n" : "");
}

template <>
Json json_member(const Json& object, const std::string& key, const std::string& where) {
  return find_member(object, key, where);
}

template <>
std::string json_member(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = find_member(object, key, where);
  if (!value.is_string()) {
    refuse_member(where, key, value, "a text");
  }
  return value.get<std::string>();
}

template <>
bool json_member(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = find_member(object, key, where);
  if (!value.is_boolean()) {
    refuse_member(where, key, value, "true or false");
  }
  return value.get<bool>();
}

template <>
double json_member(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = find_member(object, key, where);
  if (!value.is_number()) {
    refuse_member(where, key, value, "a number");
  }
  return value.get<double>();
}

template <>
int64_t json_member(const Json& object, const std::string& key, const std::string& where) {
  const Json& value = find_member(object, key, where);
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && !std::in_range<int64_t>(value.get<uint64_t>()))) {
    refuse_member(where, key, value, "a whole number");
  }
  return value.get<int64_t>();
}

std::vector<std::string> json_texts(const Json& list, const std::string& fault) {
  std::vector<std::string> texts;
  for (const Json& text : list) {
    if (!text.is_string()) {
      throw Error(fault);
    }
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

}  // namespace sft
