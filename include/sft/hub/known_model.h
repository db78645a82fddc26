#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sft {

// What configs/models/*.yaml say of a model on the hub: its licence, and how large what sft fetches
// of it is, for when the hub cannot be asked.
struct KnownModel {
  std::string repo;
  std::string license;
  std::vector<std::string> files;  // names or patterns
  uint64_t bytes = 0;              // of all of them
  uint64_t tokenizer_bytes = 0;    // of the tokenizer's alone
};

// None where no file has it. Throws UsageError with the faults of a file.
std::optional<KnownModel> find_known_model(const std::string& repo);

}  // namespace sft
