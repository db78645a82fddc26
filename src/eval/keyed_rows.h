#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "sft/io/json.h"

namespace sft {

// Rows {"key": SHA-256 in hex, ...} of a file that is only ever appended to, a row with one write
// under a lock, so that runs side by side may share it and a killed run loses nothing but a row
// half written, which is passed over. Of equal keys the last row counts. Throws Error where the
// file cannot be written. Safe to share between threads.
class KeyedRows {
 public:
  explicit KeyedRows(std::filesystem::path path);
  // In a folder that has a file for each `subject`: <first 32 digits of its SHA-256>.jsonl.
  KeyedRows(const std::filesystem::path& folder, std::string_view subject);
  ~KeyedRows();
  KeyedRows(const KeyedRows&) = delete;
  KeyedRows& operator=(const KeyedRows&) = delete;

  std::optional<Json> find(const std::string& key) const;
  // Adds an object's members behind the key.
  void append(const std::string& key, const Json& members);

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Place {
    uint64_t begin = 0;
    uint64_t size = 0;
  };
  void index_rows();
  std::optional<std::string> find_row(const std::string& key) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, Place> places_;
};

}  // namespace sft
