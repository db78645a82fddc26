#include "data/csv_reader.h"

#include <set>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

constexpr size_t kLongestRecord = size_t{64} << 20;
constexpr int kEnd = InputFile::kEnd;

// nlohmann's writer is the check for valid UTF-8 that io already relies on.
bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
  } catch (const Json::type_error&) {
    return false;
  }
  return true;
}

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& path) : file_(path) {
  file_.skip_byte_order_mark();
  if (auto record = next_record()) {
    columns_ = std::move(*record);
    check_columns();
  }
}

std::optional<Row> CsvReader::next() {
  const auto record = next_record();
  if (!record) {
    return std::nullopt;
  }
  if (record->size() != columns_.size()) {
    refuse(
        fmt::format("has {} fields, the header names {} columns", record->size(), columns_.size()));
  }
  Json value = Json::object();
  for (size_t i = 0; i < columns_.size(); ++i) {
    value.push_back({columns_[i], (*record)[i]});
  }
  return Row{.value = std::move(value), .where = fmt::format("{}:{}", file_.name(), record_line_)};
}

std::optional<std::vector<std::string>> CsvReader::next_record() {
  // Blank lines are no records.
  while (columns_.size() != 1 && (file_.peek() == '\n' || file_.peek() == '\r')) {
    line_ += file_.get() == '\n' ? 1 : 0;
  }
  if (file_.peek() == kEnd) {
    return std::nullopt;
  }
  record_line_ = line_;
  record_bytes_ = 0;
  std::vector<std::string> fields(1);
  while (true) {
    const int next = file_.get();
    if (next == '\r' && file_.peek() == '\n') {
      continue;
    }
    if (next == kEnd || next == '\n') {
      line_ += next == '\n' ? 1 : 0;
      break;
    }
    if (next == ',') {
      fields.emplace_back();
    } else if (next == '"') {
      if (!fields.back().empty()) {
        refuse(
            "a quote inside a field that does not begin with one; double it and quote the field");
      }
      read_quoted(fields.back());
    } else {
      append(fields.back(), static_cast<char>(next));
    }
  }
  for (const std::string& field : fields) {
    if (!is_utf8(field)) {
      refuse("is no valid UTF-8");
    }
  }
  return fields;
}

// The rest of a field behind its first quote, through its last.
void CsvReader::read_quoted(std::string& field) {
  while (true) {
    const int next = file_.get();
    if (next == kEnd) {
      refuse("a quoted field does not end");
    }
    if (next == '"') {
      if (file_.peek() != '"') {
        break;
      }
      file_.get();
    }
    line_ += next == '\n' ? 1 : 0;
    append(field, static_cast<char>(next));
  }
  const int after = file_.peek();
  if (after != ',' && after != '\n' && after != '\r' && after != kEnd) {
    refuse("text behind a quoted field's end; a quote inside it must be doubled");
  }
}

void CsvReader::append(std::string& field, char c) {
  if (++record_bytes_ > kLongestRecord) {
    refuse("a record longer than " + format_bytes(kLongestRecord) + "; is a quote left open?");
  }
  field += c;
}

void CsvReader::refuse(const std::string& why) const {
  throw Error(fmt::format("{}:{}: {}", file_.name(), record_line_, why));
}

void CsvReader::check_columns() const {
  std::set<std::string> seen;
  for (const std::string& column : columns_) {
    if (column.empty()) {
      refuse("the header has a column without a name");
    }
    if (!seen.insert(column).second) {
      refuse("the header names column '" + column + "' twice");
    }
  }
}

}  // namespace sft
