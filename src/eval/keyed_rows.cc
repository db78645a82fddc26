#include "eval/keyed_rows.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "sft/core/error.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRowBegin = R"({"key": ")";
constexpr size_t kKeyDigits = 64;
constexpr size_t kNameDigits = 32;
constexpr size_t kReadBytes = size_t{1} << 20;

[[noreturn]] void fail(const fs::path& path, std::string_view what) {
  throw Error(fmt::format("{}: {}: {}; free space there, or set SFT_HOME to another folder",
                          path.string(), what, std::strerror(errno)));
}

// Held while rows are read or a row is written.
class FileLock {
 public:
  FileLock(int descriptor, const fs::path& path) : descriptor_(descriptor) {
    while (flock(descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) {
        fail(path, "cannot be locked");
      }
    }
  }
  ~FileLock() { flock(descriptor_, LOCK_UN); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

uint64_t file_size(int descriptor, const fs::path& path) {
  const off_t size = lseek(descriptor, 0, SEEK_END);
  if (size < 0) {
    fail(path, "cannot be read");
  }
  return static_cast<uint64_t>(size);
}

size_t read_at(int descriptor, char* bytes, size_t count, uint64_t offset) {
  size_t done = 0;
  while (done < count) {
    const ssize_t got =
        pread(descriptor, bytes + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    done += static_cast<size_t>(got);
  }
  return done;
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      fail(path, "cannot be written");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

KeyedRows::KeyedRows(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    fail(path_, "cannot be opened");
  }
  index_rows();
}

KeyedRows::KeyedRows(const fs::path& folder, std::string_view subject)
    : KeyedRows(folder / (sha256_hex(subject).substr(0, kNameDigits) + ".jsonl")) {}

KeyedRows::~KeyedRows() {
  close(descriptor_);
}

// Notes where the rows are; their members are read when they are asked for.
void KeyedRows::index_rows() {
  const FileLock lock(descriptor_, path_);
  const uint64_t size = file_size(descriptor_, path_);
  std::string bytes;
  uint64_t begin = 0;  // of `bytes` in the file
  while (begin + bytes.size() < size) {
    const size_t held = bytes.size();
    bytes.resize(held + kReadBytes);
    const size_t got = read_at(descriptor_, bytes.data() + held, kReadBytes, begin + held);
    bytes.resize(held + got);
    if (got == 0) {
      return;
    }
    size_t row = 0;
    for (size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', row)) {
      const std::string_view text = std::string_view(bytes).substr(row, end - row);
      if (text.starts_with(kRowBegin) && text.size() > kRowBegin.size() + kKeyDigits) {
        places_[std::string(text.substr(kRowBegin.size(), kKeyDigits))] = {.begin = begin + row,
                                                                           .size = text.size()};
      }
      row = end + 1;
    }
    bytes.erase(0, row);
    begin += row;
  }
}

std::optional<Json> KeyedRows::find(const std::string& key) const {
  const std::optional<std::string> row = find_row(key);
  if (!row) {
    return std::nullopt;
  }
  try {
    Json json = parse_json(*row, path_.string());
    return json.is_object() ? std::optional(std::move(json)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // a row that was never finished
  }
}

std::optional<std::string> KeyedRows::find_row(const std::string& key) const {
  const std::lock_guard guard(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) {
    return std::nullopt;
  }
  std::string row(found->second.size, '\0');
  const size_t got = read_at(descriptor_, row.data(), row.size(), found->second.begin);
  return got == row.size() ? std::optional(std::move(row)) : std::nullopt;
}

void KeyedRows::append(const std::string& key, const Json& members) {
  Json json = {{"key", key}};
  json.update(members);
  const std::string row = dump_json(json, JsonLayout::kCompact);
  const std::lock_guard guard(mutex_);
  const FileLock lock(descriptor_, path_);
  const uint64_t size = file_size(descriptor_, path_);
  char last = '\n';
  if (size > 0 && read_at(descriptor_, &last, 1, size - 1) != 1) {
    fail(path_, "cannot be read");
  }
  // A row that a killed run left unfinished stays a line of its own.
  const std::string_view gap = last == '\n' ? "" : "\n";
  write_all(descriptor_, fmt::format("{}{}\n", gap, row), path_);
  places_[key] = {.begin = size + gap.size(), .size = row.size()};
}

}  // namespace sft
