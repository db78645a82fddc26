#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sft/core/clock.h"
#include "sft/hub/hub.h"
#include "sft/io/http_client.h"

namespace sft {

// A file on its way to a repository: one on disk, or a text.
struct PublishFile {
  std::string name;            // in the repository
  std::filesystem::path path;  // "": `text`
  std::string text;

  uint64_t bytes() const;
};

struct PublishOptions {
  std::string repo;        // owner/name
  bool is_public = false;  // a new repository is private unless this is set, and one that is public
                           // already is not written to
  std::string summary = "Upload with sft";  // of the commit
};

struct PublishResult {
  std::string url;     // of the repository
  std::string commit;  // "" where the hub does not say
  bool is_private = true;
  uint64_t uploaded_bytes = 0;  // of large files
  uint64_t present_bytes = 0;   // of large files that the hub had already
};

// Puts `files` into one commit of a model repository, which is made where it is not there. Large
// files go to the hub's storage first, those that it has already are passed over, so that the same
// call continues after it was cut; nothing is visible before the commit. Throws Error.
PublishResult publish(const std::vector<PublishFile>& files, const PublishOptions& options,
                      const HubSettings& settings, HttpClient& http, const Clock& clock);

// A model's licence as its page on the hub states it; "" where it does not, or cannot be asked.
std::string ask_licence(const std::string& repo, const HubSettings& settings, HttpClient& http);

}  // namespace sft
