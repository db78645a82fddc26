#include "sft/io/weights_hash_memory.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "sft/core/error.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsUntilSure = 2;
constexpr int64_t kNanoseconds = 1'000'000'000;

// What tells one state of a folder's weights from another.
struct Fingerprint {
  Json files = Json::array();
  double newest_seconds = 0;  // since 1970
};

Fingerprint fingerprint(const SafetensorsFolder& folder) {
  std::set<fs::path> paths;
  for (const auto& [name, view] : folder.tensors()) {
    paths.insert(fs::weakly_canonical(folder.file_of(name)));
  }
  Fingerprint print;
  for (const fs::path& path : paths) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      throw Error(path.string() + ": is gone; was it replaced meanwhile? start again");
    }
    const auto nanoseconds = [](const timespec& time) {
      return time.tv_sec * kNanoseconds + time.tv_nsec;
    };
    print.files.push_back({path.string(), status.st_size, nanoseconds(status.st_mtim),
                           nanoseconds(status.st_ctim), status.st_ino});
    print.newest_seconds =
        std::max({print.newest_seconds, static_cast<double>(status.st_mtim.tv_sec + 1),
                  static_cast<double>(status.st_ctim.tv_sec + 1)});
  }
  return print;
}

std::optional<std::string> recall(const fs::path& memory, const Json& files) {
  std::ifstream stream(memory);
  std::optional<std::string> hash;
  for (std::string line; std::getline(stream, line);) {
    try {
      const Json row = parse_json(line, memory.string());
      if (row.is_object() && row.contains("files") && row["files"] == files) {
        hash = json_member<std::string>(row, "sha256", memory.string());
      }
    } catch (const Error&) {
      continue;  // a row that a killed process left half written
    }
  }
  return hash;
}

void remember(const fs::path& memory, const Json& files, const std::string& hash) {
  std::error_code error;
  fs::create_directories(memory.parent_path(), error);
  std::ofstream stream(memory, std::ios::app);
  // The leading newline ends what a killed process left half written.
  stream << "\n" + dump_json({{"files", files}, {"sha256", hash}}, JsonLayout::kCompact) + "\n";
  stream.flush();
  if (!stream) {
    spdlog::warn("[io] the hash of the weights is not remembered; it cannot be written to path={}",
                 memory.string());
  }
}

}  // namespace

std::string WeightsHashMemory::hash(const SafetensorsFolder& folder) const {
  const Fingerprint before = fingerprint(folder);
  if (std::optional<std::string> known = recall(path_, before.files)) {
    return *known;
  }
  std::string hash = weights_sha256(folder.tensors());
  const bool is_sure = before.newest_seconds + kSecondsUntilSure < clock_.unix_seconds();
  if (is_sure && fingerprint(folder).files == before.files) {
    remember(path_, before.files, hash);
  }
  return hash;
}

}  // namespace sft
