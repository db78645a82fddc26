// Writing to the hub, as its clients do it:
//
//   POST /api/repos/create                    makes the repository
//   POST /api/models/{repo}/preupload/main    says of each file whether it is "regular" or "lfs"
//   POST /{repo}.git/info/lfs/objects/batch   git-lfs: where each large file's bytes go, if
//   anywhere PUT  ...                                  the bytes, in one piece or in parts POST
//   /api/models/{repo}/commit/main       JSON Lines: a header, then a file each, the small ones
//                                             with their bytes

#include "sft/hub/publish.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "hub/hub_client.h"

#include "sft/core/error.h"
#include "sft/core/log.h"
#include "sft/core/progress.h"
#include "sft/io/base64.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

constexpr size_t kSampleBytes = 512;
constexpr size_t kReadBytes = 1 << 20;
constexpr uint64_t kMegabyte = 1'000'000;
constexpr size_t kFilesPerRequest = 200;

// A file with what the upload needs to know of it.
struct Item {
  const PublishFile* file = nullptr;
  bool is_large = false;
  bool is_ignored = false;
  std::string sha256;  // of large files
};

std::string beginning(const PublishFile& file) {
  if (file.path.empty()) {
    return file.text.substr(0, kSampleBytes);
  }
  const MappedFile mapped(file.path);
  const auto bytes = mapped.bytes().first(std::min(kSampleBytes, mapped.bytes().size()));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hash_of(const PublishFile& file) {
  if (file.path.empty()) {
    return sha256_hex(file.text);
  }
  const MappedFile mapped(file.path);
  Sha256 hash;
  for (size_t begin = 0; begin < mapped.bytes().size(); begin += kReadBytes) {
    hash.update(mapped.bytes().subspan(begin, std::min(kReadBytes, mapped.bytes().size() - begin)));
  }
  return hash.hex();
}

// An object's member that may be absent or null.
Json member_or_null(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) ? object[key] : Json();
}

class Publication {
 public:
  Publication(const PublishOptions& options, const HubSettings& settings, HttpClient& http)
      : options_(options), settings_(settings), client_(settings, http) {}

  PublishResult run(const std::vector<PublishFile>& files, const Clock& clock) {
    result_.url = page_url(settings_, RepoKind::kModel, options_.repo);
    ensure_repository();
    for (const PublishFile& file : files) {
      items_.push_back({.file = &file, .is_large = false, .is_ignored = false, .sha256 = {}});
    }
    ask_modes();
    upload_large(clock);
    commit();
    return result_;
  }

 private:
  Json post(const std::string& url, const std::string& body, const std::string& type);
  Json post_json(const std::string& path, const Json& value) {
    return post(settings_.endpoint + path, value.dump(), "application/json");
  }
  void ensure_repository();
  void ask_modes();
  void upload_large(const Clock& clock);
  std::map<std::string, Json> ask_actions();
  void upload(const Item& item, const Json& actions, Progress& progress);
  void upload_parts(const Item& item, const Json& upload, Progress& progress);
  std::string put(const std::string& url, const FilePart& part, const Json& headers);
  void commit();
  [[noreturn]] void refuse(const HttpResponse& response, const std::string& url) const;

  const PublishOptions& options_;
  const HubSettings& settings_;
  HubClient client_;
  std::vector<Item> items_;
  PublishResult result_;
};

void Publication::refuse(const HttpResponse& response, const std::string& url) const {
  if (response.status == 401 || response.status == 403) {
    throw Error(
        fmt::format("{}: the hub answers {}{}; HF_TOKEN must be a token that may write to {}", url,
                    response.status, quoted_text(response.body, settings_), options_.repo));
  }
  throw Error(fmt::format("{}: the hub answers {}{}", url, response.status,
                          quoted_text(response.body, settings_)));
}

Json Publication::post(const std::string& url, const std::string& body, const std::string& type) {
  HttpRequest request = {.method = "POST",
                         .url = url,
                         .headers = {{"Content-Type", type}, {"Accept", type}},
                         .body = body,
                         .upload = std::nullopt};
  if (type == "application/x-ndjson") {
    request.headers.back().second = "application/json";
  }
  const HttpResponse response = client_.send_patiently(request);
  if (response.status != 200 && response.status != 201) {
    refuse(response, url);
  }
  return response.body.empty() ? Json::object() : parse_json(response.body, url);
}

// Makes the repository where there is none, and never lets a model become public unasked.
void Publication::ensure_repository() {
  HttpRequest info;
  info.url = settings_.endpoint + "/api/models/" + options_.repo;
  HttpResponse response = client_.send_patiently(info);
  const bool is_new = response.status == 404 || response.status == 401;
  if (is_new) {
    const size_t slash = options_.repo.find('/');
    post_json("/api/repos/create", {{"type", "model"},
                                    {"name", options_.repo.substr(slash + 1)},
                                    {"organization", options_.repo.substr(0, slash)},
                                    {"visibility", options_.is_public ? "public" : "private"}});
    response = client_.send_patiently(info);
  }
  if (response.status != 200) {
    refuse(response, info.url);
  }
  const Json is_private = member_or_null(parse_json(response.body, info.url), "private");
  result_.is_private = is_private.is_boolean() && is_private.get<bool>();
  if (!result_.is_private && !options_.is_public) {
    throw Error(
        fmt::format("{}: this repository is public{}; give --public to publish there, or "
                    "make it private on its page",
                    result_.url, is_new ? ", though a private one was asked for" : ""));
  }
}

void Publication::ask_modes() {
  std::map<std::string, Item*> by_name;
  for (size_t begin = 0; begin < items_.size(); begin += kFilesPerRequest) {
    Json list = Json::array();
    for (size_t i = begin; i < std::min(begin + kFilesPerRequest, items_.size()); ++i) {
      const PublishFile& file = *items_[i].file;
      by_name[file.name] = &items_[i];
      list.push_back({{"path", file.name},
                      {"sample", encode_base64(beginning(file))},
                      {"size", file.bytes()}});
    }
    const std::string path = "/api/models/" + options_.repo + "/preupload/main";
    const Json answer = post_json(path, {{"files", list}});
    for (const Json& mode : json_member<Json>(answer, "files", path)) {
      const auto item = by_name.find(json_member<std::string>(mode, "path", path));
      if (item == by_name.end()) {
        continue;
      }
      // Storage takes no empty file.
      item->second->is_large = json_member<std::string>(mode, "uploadMode", path) == "lfs" &&
                               !item->second->file->path.empty() && item->second->file->bytes() > 0;
      item->second->is_ignored = member_or_null(mode, "shouldIgnore") == true;
    }
  }
}

std::map<std::string, Json> Publication::ask_actions() {
  const std::string type = "application/vnd.git-lfs+json";
  const std::string url = settings_.endpoint + "/" + options_.repo + ".git/info/lfs/objects/batch";
  Json objects = Json::array();
  for (Item& item : items_) {
    if (item.is_large) {
      item.sha256 = hash_of(*item.file);
      objects.push_back({{"oid", item.sha256}, {"size", item.file->bytes()}});
    }
  }
  std::map<std::string, Json> actions;
  if (objects.empty()) {
    return actions;
  }
  const Json answer = post(url,
                           Json{{"operation", "upload"},
                                {"transfers", {"basic", "multipart"}},
                                {"objects", objects},
                                {"hash_algo", "sha256"},
                                {"ref", {{"name", "main"}}}}
                               .dump(),
                           type);
  for (const Json& object : json_member<Json>(answer, "objects", url)) {
    if (const Json error = member_or_null(object, "error"); !error.is_null()) {
      throw Error(fmt::format("{}: refused:{}", url, quoted_text(error.dump(), settings_)));
    }
    actions[json_member<std::string>(object, "oid", url)] = member_or_null(object, "actions");
  }
  return actions;
}

void Publication::upload_large(const Clock& clock) {
  const std::map<std::string, Json> actions = ask_actions();
  uint64_t total = 0;
  std::vector<const Item*> open;
  std::set<std::string> seen;
  for (const Item& item : items_) {
    if (!item.is_large || !seen.insert(item.sha256).second) {
      continue;
    }
    const auto found = actions.find(item.sha256);
    if (found == actions.end()) {
      throw Error(options_.repo + ": the hub does not say where " + item.file->name + " goes");
    }
    if (member_or_null(found->second, "upload").is_null()) {
      result_.present_bytes += item.file->bytes();
      spdlog::info("[hub] {} is there already", item.file->name);
    } else {
      open.push_back(&item);
      total += item.file->bytes();
    }
  }
  Progress progress({.what = "upload " + options_.repo,
                     .unit = "MB",
                     .total = (total + kMegabyte - 1) / kMegabyte,
                     .is_quiet = settings_.is_quiet},
                    clock);
  for (const Item* const item : open) {
    upload(*item, actions.at(item->sha256), progress);
  }
}

// The storage's answer to one piece: its ETag.
std::string Publication::put(const std::string& url, const FilePart& part, const Json& headers) {
  HttpRequest request = {.method = "PUT", .url = url, .headers = {}, .body = {}, .upload = part};
  for (const auto& [name, value] : headers.items()) {
    if (value.is_string()) {
      request.headers.emplace_back(name, value.get<std::string>());
    }
  }
  const HttpResponse response = client_.send_patiently(request);
  if (response.status < 200 || response.status > 299) {
    throw Error(
        fmt::format("{}: the storage answers {}{} to {}; start again, what is whole there "
                    "stays",
                    parse_url(url).origin(), response.status, quoted_text(response.body, settings_),
                    part.path.filename().string()));
  }
  return response.header("etag");
}

void Publication::upload_parts(const Item& item, const Json& upload, Progress& progress) {
  const std::string where = options_.repo + ": upload of " + item.file->name;
  const Json headers = json_member<Json>(upload, "header", where);
  const Json& chunk = headers["chunk_size"];
  const uint64_t part_bytes = chunk.is_string()
                                  ? std::strtoull(chunk.get<std::string>().c_str(), nullptr, 10)
                              : chunk.is_number_unsigned() ? chunk.get<uint64_t>()
                                                           : 0;
  std::map<uint64_t, std::string> urls;  // by the part's number
  for (const auto& [name, value] : headers.items()) {
    if (name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos &&
        value.is_string()) {
      urls[std::stoull(name)] = value.get<std::string>();
    }
  }
  const uint64_t size = item.file->bytes();
  if (part_bytes == 0 || urls.size() != (size + part_bytes - 1) / part_bytes) {
    throw Error(fmt::format("{}: the hub gives {} parts of {} bytes for {} bytes", where,
                            urls.size(), part_bytes, size));
  }
  Json parts = Json::array();
  uint64_t begin = 0;
  for (const auto& [number, url] : urls) {
    const FilePart part = {
        .path = item.file->path, .offset = begin, .size = std::min(part_bytes, size - begin)};
    const std::string etag = put(url, part, Json::object());
    if (etag.empty()) {
      throw Error(where + ": the storage confirms no ETag of a part");
    }
    parts.push_back({{"partNumber", parts.size() + 1}, {"etag", etag}});
    begin += part.size;
    result_.uploaded_bytes += part.size;
    progress.update(result_.uploaded_bytes / kMegabyte, item.file->name);
  }
  post(json_member<std::string>(upload, "href", where),
       Json{{"oid", item.sha256}, {"parts", parts}}.dump(), "application/vnd.git-lfs+json");
}

void Publication::upload(const Item& item, const Json& actions, Progress& progress) {
  const std::string where = options_.repo + ": upload of " + item.file->name;
  const Json upload = json_member<Json>(actions, "upload", where);
  const Json headers = member_or_null(upload, "header");
  if (headers.is_object() && headers.contains("chunk_size")) {
    upload_parts(item, upload, progress);
  } else {
    put(json_member<std::string>(upload, "href", where),
        {.path = item.file->path, .offset = 0, .size = item.file->bytes()},
        headers.is_object() ? headers : Json::object());
    result_.uploaded_bytes += item.file->bytes();
    progress.update(result_.uploaded_bytes / kMegabyte, item.file->name);
  }
  if (const Json verify = member_or_null(actions, "verify"); verify.is_object()) {
    post(json_member<std::string>(verify, "href", where),
         Json{{"oid", item.sha256}, {"size", item.file->bytes()}}.dump(),
         "application/vnd.git-lfs+json");
  }
}

void Publication::commit() {
  std::string lines =
      Json{{"key", "header"}, {"value", {{"summary", options_.summary}, {"description", ""}}}}
          .dump() +
      "\n";
  for (const Item& item : items_) {
    const PublishFile& file = *item.file;
    if (item.is_ignored) {
      spdlog::warn("[hub] {} is not uploaded: the repository's .gitignore says so", file.name);
      continue;
    }
    const Json value =
        item.is_large
            ? Json{{"path", file.name},
                   {"algo", "sha256"},
                   {"oid", item.sha256},
                   {"size", file.bytes()}}
            : Json{{"content", encode_base64(file.path.empty() ? file.text : read_file(file.path))},
                   {"path", file.name},
                   {"encoding", "base64"}};
    lines += Json{{"key", item.is_large ? "lfsFile" : "file"}, {"value", value}}.dump() + "\n";
  }
  const Json answer = post(settings_.endpoint + "/api/models/" + options_.repo + "/commit/main",
                           lines, "application/x-ndjson");
  const Json id = member_or_null(answer, "commitOid");
  result_.commit = id.is_string() ? id.get<std::string>() : "";
}

}  // namespace

uint64_t PublishFile::bytes() const {
  return path.empty() ? text.size() : std::filesystem::file_size(path);
}

PublishResult publish(const std::vector<PublishFile>& files, const PublishOptions& options,
                      const HubSettings& settings, HttpClient& http, const Clock& clock) {
  if (settings.token.empty()) {
    throw Error("HF_TOKEN is not set; set it to a token that may write to " + options.repo);
  }
  if (settings.is_offline) {
    throw Error("publishing needs the network, and this is offline (HF_HUB_OFFLINE, --offline)");
  }
  return Publication(options, settings, http).run(files, clock);
}

std::string ask_licence(const std::string& repo, const HubSettings& settings, HttpClient& http) {
  if (settings.is_offline) {
    return "";
  }
  try {
    HubClient client(settings, http);
    HttpRequest request;
    request.url = settings.endpoint + "/api/models/" + repo;
    const HttpResponse response = client.send_patiently(request);
    if (response.status != 200) {
      return "";
    }
    const Json card = member_or_null(parse_json(response.body, request.url), "cardData");
    const Json license = member_or_null(card, "license");
    return license.is_string() ? license.get<std::string>() : "";
  } catch (const Error& error) {
    spdlog::warn("[hub] the licence of {} is not known: {}", repo, error.what());
    return "";
  }
}

}  // namespace sft
