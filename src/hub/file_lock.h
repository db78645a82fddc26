#pragma once

#include <filesystem>
#include <functional>

namespace sft {

// An exclusive lock on a file, as the `filelock` package takes it (flock(2), which ends with the
// process), so that huggingface_hub and sft wait for each other. Missing folders are made. The file
// stays. Where the file system knows no locks, there is none, with a warning: what it guards must
// be right without it, only dearer.
class FileLock {
 public:
  // Waits until the lock is free; `on_wait` is called before each pause and makes it.
  FileLock(const std::filesystem::path& path, const std::function<void()>& on_wait);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace sft
