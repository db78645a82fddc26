#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/hub_listing.h"

#include "sft/hub/hub.h"

namespace sft {

// A want that the cache does not satisfy.
struct MissingFiles {
  HubWant want;
  std::vector<std::string> names;  // or patterns, where no one has listed the repository
  uint64_t bytes = 0;              // 0: unknown
};

// What is missing of `want`, from the listing or, where there is none, from what the want knows.
MissingFiles missing_files(const HubWant& want, const Listing& listing,
                           const std::vector<std::string>& absent);

// One line: which files of which repositories, how large, why they cannot be fetched now, and how
// to get them.
std::string missing_message(const std::vector<MissingFiles>& missing, const HubSettings& settings,
                            const std::string& why);

}  // namespace sft
