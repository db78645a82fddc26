#include "hub/download.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/log.h"
#include "sft/io/http_retry.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 1 << 20;
constexpr int kOk = 200;
constexpr int kPartialContent = 206;
constexpr int kRangeNotSatisfiable = 416;

[[noreturn]] void throw_failed(const fs::path& path, const char* what, int code) {
  const bool is_full = code == ENOSPC || code == EDQUOT;
  throw Error(
      fmt::format("{}: cannot {}: {}{}", path.string(), what, std::generic_category().message(code),
                  is_full ? "; make room or let HF_HUB_CACHE name a folder on another disk, "
                            "and start again: it continues where it stopped"
                          : ""));
}

bool is_hex(const std::string& text, size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// "bytes 1000-1999/2000": whether a partial answer begins where it should.
bool begins_at(const HttpResponse& head, uint64_t offset) {
  const std::string range = head.header("content-range");
  const std::string prefix = fmt::format("bytes {}-", offset);
  return range.starts_with(prefix);
}

}  // namespace

EtagHash::EtagHash(const std::string& etag, std::optional<uint64_t> bytes) : etag_(etag) {
  if (is_hex(etag, 64)) {
    sha256_ = std::make_unique<Sha256>();
  } else if (is_hex(etag, 40) && bytes.has_value()) {
    sha1_ = std::make_unique<Sha1>();
    sha1_->update(fmt::format("blob {}", *bytes) + '\0');
  }
}

void EtagHash::update(std::string_view bytes) {
  if (sha256_) {
    sha256_->update(bytes);
  } else if (sha1_) {
    sha1_->update(bytes);
  }
}

bool EtagHash::holds() {
  return sha256_ ? sha256_->hex() == etag_ : !sha1_ || sha1_->hex() == etag_;
}

Download::Download(HubClient& client, RemoteFile file, fs::path blob,
                   std::function<void(uint64_t)> on_progress)
    : client_(client),
      file_(std::move(file)),
      blob_(std::move(blob)),
      incomplete_(blob_.string() + ".incomplete"),
      on_progress_(std::move(on_progress)) {}

Download::~Download() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

// Takes up what an earlier process left.
void Download::open() {
  descriptor_ = ::open(incomplete_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    throw_failed(incomplete_, "write here", errno);
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size > file_.bytes.value_or(0)) {
    restart();  // also where it is not known how much there should be
    return;
  }
  hash_ = std::make_unique<EtagHash>(file_.etag, file_.bytes);
  std::string buffer(kReadBytes, '\0');
  while (done_ < size) {
    const ssize_t count =
        ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(done_));
    if (count <= 0) {
      throw_failed(incomplete_, "read", count < 0 ? errno : EIO);
    }
    hash_->update({buffer.data(), static_cast<size_t>(count)});
    done_ += static_cast<uint64_t>(count);
  }
}

void Download::restart() {
  if (::ftruncate(descriptor_, 0) != 0) {
    throw_failed(incomplete_, "empty it", errno);
  }
  done_ = 0;
  hash_ = std::make_unique<EtagHash>(file_.etag, file_.bytes);
}

void Download::take(const HttpResponse& head, std::string_view bytes) {
  if (head.status != kOk && head.status != kPartialContent) {
    return;  // a refusal's text
  }
  if (file_.bytes.has_value() && done_ + bytes.size() > *file_.bytes) {
    throw HttpError(HttpError::Kind::kBroken, file_.name + ": more bytes came than the hub said");
  }
  hash_->update(bytes);
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(done_));
    if (count < 0 && errno != EINTR) {
      throw_failed(incomplete_, "write", errno);
    }
    const auto written = static_cast<size_t>(std::max<ssize_t>(count, 0));
    bytes.remove_prefix(written);
    done_ += written;
  }
  on_progress_(done_);
}

HttpResponse Download::fetch_rest() {
  HttpRequest request = {.method = "GET",
                         .url = file_.url,
                         .headers = {{"Accept-Encoding", "identity"}},
                         .body = {},
                         .upload = std::nullopt};
  const uint64_t begin = done_;
  if (begin > 0) {
    request.headers.emplace_back("Range", fmt::format("bytes={}-", begin));
  }
  bool is_first = true;
  return client_.follow(request, [&](const HttpResponse& head, std::string_view bytes) {
    if (std::exchange(is_first, false) && begin > 0 &&
        (head.status == kOk || (head.status == kPartialContent && !begins_at(head, begin)))) {
      restart();  // a server without Range sends all of it
      if (head.status == kPartialContent) {
        throw HttpError(HttpError::Kind::kBroken,
                        file_.name + ": another part came than asked for");
      }
    }
    take(head, bytes);
  });
}

bool Download::is_complete(const HttpResponse& last) const {
  return file_.bytes.has_value() ? done_ == *file_.bytes
                                 : last.status == kOk || last.status == kPartialContent;
}

void Download::fetch_all(const std::function<std::string(const HttpResponse&)>& explain) {
  Backoff backoff(client_.settings());
  while (!(file_.bytes.has_value() && done_ == *file_.bytes)) {
    const uint64_t before = done_;
    std::string why;
    HttpResponse response;
    try {
      response = fetch_rest();
      if (is_complete(response)) {
        return;
      }
      why = fmt::format("{}: answered {} after {} of {} bytes", file_.name, response.status, done_,
                        file_.bytes.value_or(0));
    } catch (const HttpError& error) {
      why = error.what();
    }
    if (response.status == kRangeNotSatisfiable) {
      restart();
    } else if (response.status >= 300 && !is_passing(response.status)) {
      throw Error(explain(response));
    }
    if (done_ > before) {
      backoff.reset();
    }
    if (!backoff.wait(&response, why)) {
      throw Error(why + "; start again later: what has come is kept");
    }
  }
}

void Download::commit() {
  if (::fsync(descriptor_) != 0) {
    throw_failed(incomplete_, "sync", errno);
  }
  if (::rename(incomplete_.c_str(), blob_.c_str()) != 0) {
    throw_failed(blob_, "put the file in its place", errno);
  }
  const int folder = ::open(blob_.parent_path().c_str(), O_RDONLY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // some file systems cannot, and then there is nothing more to do
    ::close(folder);
  }
}

void Download::run(const std::function<std::string(const HttpResponse&)>& explain) {
  std::error_code error;
  fs::create_directories(blob_.parent_path(), error);
  if (error) {
    throw_failed(blob_.parent_path(), "make the folder", error.value());
  }
  open();
  on_progress_(done_);
  for (int attempt = 0;; ++attempt) {
    fetch_all(explain);
    if (hash_->holds()) {
      break;
    }
    restart();
    if (attempt == 1) {
      throw Error(
          fmt::format("{}: the bytes that came do not have the hash {} that the hub "
                      "promised, twice; does a proxy change them?",
                      file_.url, file_.etag));
    }
    spdlog::warn("[hub] {}: the bytes that came do not have the promised hash; once more",
                 file_.name);
  }
  commit();
}

}  // namespace sft
