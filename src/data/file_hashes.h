#pragma once

#include <filesystem>
#include <string>

namespace sft {

// SHA-256 of files, remembered in a folder, so that gigabytes are read once and not at every start:
// a file is the same as long as its path, device, inode, size and times of change are. What was
// changed in the last seconds is not remembered, since a second change may leave the times equal.
class FileHashes {
 public:
  explicit FileHashes(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Throws Error where the file cannot be read, or the memory not be written.
  std::string sha256(const std::filesystem::path& file) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace sft
