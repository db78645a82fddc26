#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sft {

// The work failed for a reason the user can act on: a file, data, weights, the network (exit 1).
// The message is one line: where, what with both values, what to do. What would break it, in a path
// or a value from outside, is escaped here (one_line.h).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);

 protected:
  struct Lines {
    std::string text;
  };
  explicit Error(const Lines& lines) : std::runtime_error(lines.text) {}
};

// Wrong usage: flags, a config, dataset, template or task file, an unknown name (exit 2). Holds
// every fault found, a line each, so that a user mends a file in one go.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& fault) : UsageError(std::vector<std::string>{fault}) {}
  explicit UsageError(std::vector<std::string> faults) : UsageError(Checked(std::move(faults))) {}

  const std::vector<std::string>& faults() const { return faults_; }

 private:
  // Each fault as one line; past a hundred, the rest are counted.
  struct Checked {
    explicit Checked(std::vector<std::string> all);
    std::string joined() const;
    std::vector<std::string> faults;
  };
  explicit UsageError(Checked checked)
      : Error(Lines{checked.joined()}), faults_(std::move(checked.faults)) {}

  std::vector<std::string> faults_;
};

// Stopped by a signal after saving; the same command continues (exit 75).
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Ends the process with the place and the condition: a bug of ours, never of the user's.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace sft

#define SFT_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::sft::check_failed(__FILE__, __LINE__, #condition))
