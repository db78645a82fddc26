#include "data/json_rows.h"

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

constexpr size_t kLongestRow = size_t{64} << 20;

bool is_space(int c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

JsonRows::JsonRows(const std::filesystem::path& path) : file_(path) {
  file_.skip_byte_order_mark();
  const int first = skip_space();
  is_array_ = first == '[';
  if (is_array_) {
    file_.get();
  } else if (first != '{' && first != InputFile::kEnd) {
    throw Error(file_.name() +
                ": begins with neither '[' nor '{'; a .json file holds an array of " +
                "objects, or one object a line");
  }
}

std::optional<Row> JsonRows::next() {
  if (is_at_end_ || !find_row()) {
    is_at_end_ = true;
    return std::nullopt;
  }
  read_value();
  return Row{.value = parse_json(text_, where()), .where = where()};
}

// Moves to the next row's first byte; false where there is none.
bool JsonRows::find_row() {
  int c = skip_space();
  ++row_;
  if (!is_array_) {
    return c != InputFile::kEnd;
  }
  if (row_ > 1 && c == ',') {
    file_.get();
    c = skip_space();
    if (c == ']') {
      refuse("is missing: a ',' stands before the ']'");
    }
  } else if (row_ > 1 && c != ']' && c != InputFile::kEnd) {
    refuse(fmt::format("a ',' or ']' must stand before it, not '{}'", static_cast<char>(c)));
  }
  if (c == InputFile::kEnd) {
    refuse("the file ends here, without the array's ']'; was it cut?");
  }
  if (c != ']') {
    return true;
  }
  file_.get();
  if (skip_space() != InputFile::kEnd) {
    throw Error(file_.name() + ": text behind the array's ']'");
  }
  return false;
}

// Collects one value: to the bracket that closes its first, or a scalar's end.
void JsonRows::read_value() {
  text_.clear();
  const int first = file_.peek();
  if (first != '{' && first != '[') {
    read_scalar();
    return;
  }
  size_t depth = 0;
  bool is_text = false;
  bool is_escaped = false;
  do {
    const int c = file_.get();
    if (c == InputFile::kEnd) {
      refuse("the file ends inside it; was it cut?");
    }
    if (text_.size() == kLongestRow) {
      refuse("longer than " + format_bytes(kLongestRow) + "; is it one row an object?");
    }
    text_ += static_cast<char>(c);
    if (is_text) {
      is_text = is_escaped || c != '"';
      is_escaped = !is_escaped && c == '\\';
    } else if (c == '"') {
      is_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  } while (depth > 0);
}

void JsonRows::read_scalar() {
  bool is_text = false;
  bool is_escaped = false;
  for (int c = file_.peek(); c != InputFile::kEnd; c = file_.peek()) {
    if (!is_text && (c == ',' || c == ']' || is_space(c))) {
      break;
    }
    if (text_.size() == kLongestRow) {
      refuse("longer than " + format_bytes(kLongestRow));
    }
    if (c == '"' && !is_escaped) {
      is_text = !is_text;
    }
    is_escaped = is_text && !is_escaped && c == '\\';
    text_ += static_cast<char>(file_.get());
  }
}

// The first byte that is no white space, still to be read.
int JsonRows::skip_space() {
  int c = file_.peek();
  for (; is_space(c); c = file_.peek()) {
    file_.get();
  }
  return c;
}

std::string JsonRows::where() const {
  return fmt::format("{}: row {}", file_.name(), row_);
}

void JsonRows::refuse(const std::string& why) const {
  throw Error(where() + ": " + why);
}

}  // namespace sft
