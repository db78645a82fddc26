#include "data/file_hashes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Smaller files are hashed faster than remembered.
constexpr uint64_t kSmallBytes = uint64_t{1} << 20;
constexpr std::time_t kSettledSeconds = 2;

// What must be unchanged, as JSON.
Json identity(const fs::path& canonical, const struct stat& status) {
  const auto nanoseconds = [](const timespec& time) {
    return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec);
  };
  return {{"path", canonical.string()},
          {"device", static_cast<uint64_t>(status.st_dev)},
          {"inode", static_cast<uint64_t>(status.st_ino)},
          {"bytes", static_cast<uint64_t>(status.st_size)},
          {"modified", nanoseconds(status.st_mtim)},
          {"changed", nanoseconds(status.st_ctim)}};
}

std::optional<std::string> remembered(const fs::path& note, const Json& identity) {
  std::error_code error;
  if (!fs::exists(note, error)) {
    return std::nullopt;
  }
  try {
    const Json read = read_json(note);
    if (read.is_object() && read.contains("file") && read["file"] == identity) {
      return json_member<std::string>(read, "sha256", note.string());
    }
  } catch (const Error&) {
    // A damaged note is worth no more than none: the file is read again.
  }
  return std::nullopt;
}

// Read and not mapped: the pages of a mapped file count as the process's memory.
std::string read_sha256(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> buffer(size_t{1} << 20);
  Sha256 hash;
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
         stream.gcount() > 0) {
    hash.update(std::string_view(buffer.data(), static_cast<size_t>(stream.gcount())));
  }
  if (!stream.eof()) {
    throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
  }
  return hash.hex();
}

}  // namespace

std::string FileHashes::sha256(const fs::path& file) const {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    throw Error(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  if (static_cast<uint64_t>(status.st_size) < kSmallBytes) {
    return read_sha256(file);
  }
  const fs::path canonical = fs::canonical(file);
  const Json same = identity(canonical, status);
  constexpr size_t kNameDigits = 32;
  const fs::path note = folder_ / (sha256_hex(canonical.string()).substr(0, kNameDigits) + ".json");
  if (const std::optional<std::string> hash = remembered(note, same)) {
    return *hash;
  }
  std::string hash = read_sha256(file);
  const std::time_t newest = std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
  if (std::time(nullptr) - newest > kSettledSeconds) {
    write_file(note, dump_json({{"file", same}, {"sha256", hash}}, JsonLayout::kIndented));
  }
  return hash;
}

}  // namespace sft
