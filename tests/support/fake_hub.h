#pragma once

// The hub's URL layout on a server of our own, whose bad manners a test chooses. Large files come
// from a second server, as from the hub's storage.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http_server.h"

#include "sft/io/json.h"
#include "sft/io/sha1.h"
#include "sft/io/sha256.h"

namespace sft {

class FakeHub {
 public:
  struct File {
    std::string bytes;
    bool is_large = false;
  };
  struct Repo {
    std::string commit = std::string(39, 'a') + "1";
    std::map<std::string, File> files = {};
    std::string needs_token = {};  // gated: 401 without this token
  };
  // Looks at each request first, at the hub ("hub") or its storage ("storage"), and may answer it.
  using Interference =
      std::function<std::optional<ServedResponse>(const std::string& where, const ServedRequest&)>;
  // Changes a file's answer, as it goes out.
  using Spoiler = std::function<void(const ServedRequest&, ServedResponse&)>;

  FakeHub()
      : storage_([this](const ServedRequest& request) { return serve("storage", request); }),
        hub_([this](const ServedRequest& request) { return serve("hub", request); }) {}

  std::string url() const { return hub_.url(); }

  // Before the first request. `name` is "models/owner/name" or "datasets/owner/name".
  std::map<std::string, Repo> repos = {};
  std::map<std::string, std::string> revisions = {{"main", ""}};  // "": the repository's commit
  Interference interfere = {};
  Spoiler spoil = {};

  struct Logged {
    std::string where;
    ServedRequest request;
  };
  std::vector<Logged> log() const {
    const std::lock_guard guard(mutex_);
    return log_;
  }
  // Requests of this method whose target has this part.
  size_t count(const std::string& method, const std::string& part) const {
    size_t number = 0;
    for (const Logged& entry : log()) {
      number +=
          entry.request.method == method && entry.request.target.find(part) != std::string::npos;
    }
    return number;
  }
  static std::string etag(const File& file) {
    if (file.is_large) {
      return sha256_hex(file.bytes);
    }
    Sha1 hash;
    hash.update("blob " + std::to_string(file.bytes.size()) + '\0' + file.bytes);
    return hash.hex();
  }

 private:
  ServedResponse serve(const std::string& where, const ServedRequest& request) {
    {
      const std::lock_guard guard(mutex_);
      log_.push_back({where, request});
    }
    if (interfere) {
      if (std::optional<ServedResponse> response = interfere(where, request)) {
        return *std::move(response);
      }
    }
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (where == "storage") {
      return with_bytes(request, repos.at(unescape(path.substr(1, path.find("/-/") - 1)))
                                     .files.at(unescape(path.substr(path.find("/-/") + 3))));
    }
    if (path.starts_with("/api/")) {
      return listing(request, path);
    }
    return resolve(request, path);
  }

  static ServedResponse refuse(int status, const std::string& code) {
    return {.status = status, .headers = {{"X-Error-Code", code}}, .body = code};
  }

  std::optional<ServedResponse> refusal(const ServedRequest& request, const std::string& name) {
    if (!repos.contains(name)) {
      return refuse(404, "RepoNotFound");
    }
    const std::string& token = repos.at(name).needs_token;
    if (!token.empty() && request.header("authorization") != "Bearer " + token) {
      return refuse(401, "GatedRepo");
    }
    return std::nullopt;
  }

  // /api/{kind}/{owner}/{name}/revision/{revision}
  ServedResponse listing(const ServedRequest& request, const std::string& path) {
    const size_t end = path.find("/revision/");
    const std::string name = path.substr(5, end - 5);
    if (auto response = refusal(request, name)) {
      return *response;
    }
    const Repo& repo = repos.at(name);
    const std::string revision = unescape(path.substr(end + 10));
    if (!revisions.contains(revision) && revision != repo.commit) {
      return refuse(404, "RevisionNotFound");
    }
    Json siblings = Json::array();
    for (const auto& [file_name, file] : repo.files) {
      Json sibling = {{"rfilename", file_name}, {"size", file.bytes.size()}};
      if (file.is_large) {
        sibling["lfs"] = {{"sha256", etag(file)}, {"size", file.bytes.size()}};
      }
      siblings.push_back(sibling);
    }
    return {.body = Json{{"sha", repo.commit}, {"siblings", siblings}}.dump()};
  }

  // [/datasets]/{owner}/{name}/resolve/{revision}/{file}
  ServedResponse resolve(const ServedRequest& request, const std::string& path) {
    const size_t middle = path.find("/resolve/");
    const size_t file_begin = path.find('/', middle + 9);
    if (middle == std::string::npos || file_begin == std::string::npos) {
      return refuse(404, "RepoNotFound");
    }
    const bool is_dataset = path.starts_with("/datasets/");
    const std::string name =
        is_dataset ? path.substr(1, middle - 1) : "models" + path.substr(0, middle);
    if (auto response = refusal(request, name)) {
      return *response;
    }
    const Repo& repo = repos.at(name);
    const std::string file_name = unescape(path.substr(file_begin + 1));
    if (!repo.files.contains(file_name)) {
      return refuse(404, "EntryNotFound");
    }
    const File& file = repo.files.at(file_name);
    if (file.is_large) {
      return {.status = 302,
              .headers = {{"Location", storage_.url() + "/" + name + "/-/" + file_name},
                          {"X-Repo-Commit", repo.commit},
                          {"X-Linked-Etag", '"' + etag(file) + '"'},
                          {"X-Linked-Size", std::to_string(file.bytes.size())}},
              .body = "Found"};
    }
    ServedResponse response = with_bytes(request, file);
    response.headers.emplace_back("X-Repo-Commit", repo.commit);
    response.headers.emplace_back("ETag", '"' + etag(file) + '"');
    return response;
  }

  ServedResponse with_bytes(const ServedRequest& request, const File& file) {
    ServedResponse response = {.body = file.bytes};
    const std::string range = request.header("range");
    if (range.starts_with("bytes=")) {
      const size_t begin = std::stoul(range.substr(6));
      if (begin >= file.bytes.size()) {
        return {.status = 416};
      }
      response.status = 206;
      response.body = file.bytes.substr(begin);
      response.headers.emplace_back("Content-Range", "bytes " + std::to_string(begin) + "-" +
                                                         std::to_string(file.bytes.size() - 1) +
                                                         "/" + std::to_string(file.bytes.size()));
    }
    if (spoil) {
      spoil(request, response);
    }
    return response;
  }

  static std::string unescape(const std::string& text) {
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size()) {
        plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        plain += text[i];
      }
    }
    return plain;
  }

  mutable std::mutex mutex_;
  std::vector<Logged> log_;
  HttpServer storage_;
  HttpServer hub_;
};

}  // namespace sft
