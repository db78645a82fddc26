#include "sft/io/http_client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <mutex>

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "io/posix.h"

namespace sft {
namespace {

constexpr uint64_t kMostBodyBytes = uint64_t{64} << 20;

// curl_global_init once a process, before any other use; never undone, as the process ends with it.
void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] { SFT_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

// One transfer. Its functions are called by libcurl, through which no exception may pass.
struct Transfer {
  HttpResponse response;
  const HttpSink& sink;
  std::exception_ptr failure;
  int upload_descriptor = -1;
  uint64_t upload_offset = 0;
  uint64_t upload_left = 0;
  uint64_t upload_begin = 0;
  uint64_t upload_size = 0;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

size_t on_header(const char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line = trimmed({data, size * count});
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();  // of "100 Continue" or a proxy's answer
    const size_t space = std::min(line.find(' '), line.size());
    transfer.response.status = std::atoi(std::string(line.substr(space)).c_str());
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    transfer.response.headers[name] = std::string(trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

size_t on_body(const char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  try {
    if (transfer.sink) {
      transfer.sink(transfer.response, bytes);
    } else if (transfer.response.body.size() + bytes.size() > kMostBodyBytes) {
      throw Error(fmt::format("an answer of more than {} MB", kMostBodyBytes >> 20));
    } else {
      transfer.response.body += bytes;
    }
    return bytes.size();
  } catch (...) {
    transfer.failure = std::current_exception();
    return bytes.size() + 1;  // another number than was given: libcurl ends the transfer
  }
}

size_t on_upload(char* buffer, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(size * count, transfer.upload_left));
  if (wanted == 0) {
    return 0;
  }
  const ssize_t read = ::pread(transfer.upload_descriptor, buffer, wanted,
                               static_cast<off_t>(transfer.upload_offset));
  if (read <= 0) {  // an error, or a file that was cut meanwhile
    return CURL_READFUNC_ABORT;
  }
  transfer.upload_offset += static_cast<uint64_t>(read);
  transfer.upload_left -= static_cast<uint64_t>(read);
  return static_cast<size_t>(read);
}

// Any other number than 0 ends the transfer.
int on_progress(void* user, curl_off_t /*total*/, curl_off_t /*now*/, curl_off_t /*to_send*/,
                curl_off_t /*sent*/) {
  return (*static_cast<const std::function<bool()>*>(user))() ? 1 : 0;
}

// libcurl sends a body again where a kept connection turns out to be closed.
int on_rewind(void* user, curl_off_t offset, int /*origin*/) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (offset < 0 || static_cast<uint64_t>(offset) > transfer.upload_size) {
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.upload_offset = transfer.upload_begin + static_cast<uint64_t>(offset);
  transfer.upload_left = transfer.upload_size - static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

// A connection that the other side has closed raises SIGPIPE in the TLS library's writes, which
// would end the process. Blocked while libcurl works, and taken off where one came.
class PipeSignalBlock {
 public:
  PipeSignalBlock() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending = {};
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalBlock() {
    const timespec no_time = {};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &no_time) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PipeSignalBlock(const PipeSignalBlock&) = delete;
  PipeSignalBlock& operator=(const PipeSignalBlock&) = delete;

 private:
  sigset_t pipe_ = {};
  sigset_t before_ = {};
  bool was_pending_ = false;
};

HttpError::Kind kind_of(CURLcode code, bool has_answer) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return HttpError::Kind::kUnreachable;
    default:
      return has_answer ? HttpError::Kind::kBroken : HttpError::Kind::kUnreachable;
  }
}

const char* certificate_file() {
  for (const char* const name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    if (const char* const path = std::getenv(name); path != nullptr && *path != '\0') {
      return path;
    }
  }
  return nullptr;
}

}  // namespace

std::string HttpResponse::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? "" : found->second;
}

struct CurlHttpClient::State {
  Options options;
  CURL* handle = nullptr;
  std::array<char, CURL_ERROR_SIZE> message{};

  explicit State(Options given) : options(std::move(given)) {
    init_curl();
    handle = curl_easy_init();
    SFT_CHECK(handle != nullptr);
  }
  ~State() { curl_easy_cleanup(handle); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  template <typename T>
  void set(CURLoption option, T value) {
    SFT_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
  }
  void prepare(const HttpRequest& request, Transfer& transfer);
  void prepare_method(const HttpRequest& request, Transfer& transfer);
};

void CurlHttpClient::State::prepare(const HttpRequest& request, Transfer& transfer) {
  curl_easy_reset(handle);  // keeps open connections
  message.front() = '\0';
  set(CURLOPT_ERRORBUFFER, message.data());
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_seconds));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_seconds));
  set(CURLOPT_USERAGENT, "sft/" SFT_VERSION);
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  if (options.is_cancelled) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, &options.is_cancelled);
  }
  if (const char* const path = certificate_file(); path != nullptr) {
    set(CURLOPT_CAINFO, path);
  }
  prepare_method(request, transfer);
}

void CurlHttpClient::State::prepare_method(const HttpRequest& request, Transfer& transfer) {
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.upload.has_value()) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, on_upload);
    set(CURLOPT_READDATA, &transfer);
    set(CURLOPT_SEEKFUNCTION, on_rewind);
    set(CURLOPT_SEEKDATA, &transfer);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload->size));
  } else if (request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, request.body.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

CurlHttpClient::CurlHttpClient(Options options)
    : state_(std::make_unique<State>(std::move(options))) {}

CurlHttpClient::~CurlHttpClient() = default;

HttpResponse CurlHttpClient::send(const HttpRequest& request, const HttpSink& sink) {
  const Url url = parse_url(request.url);
  Transfer transfer = {.response = {}, .sink = sink, .failure = nullptr};
  std::optional<Descriptor> upload;
  if (request.upload.has_value()) {
    upload.emplace(request.upload->path, O_RDONLY);
    if (upload->get() < 0) {
      throw_system_error(request.upload->path, "open", errno);
    }
    transfer.upload_descriptor = upload->get();
    transfer.upload_begin = request.upload->offset;
    transfer.upload_offset = request.upload->offset;
    transfer.upload_size = request.upload->size;
    transfer.upload_left = request.upload->size;
  }
  state_->prepare(request, transfer);
  // "Expect: 100-continue" costs a second where a server does not know it.
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> list(
      curl_slist_append(nullptr, "Expect:"), &curl_slist_free_all);
  for (const auto& [name, value] : request.headers) {
    SFT_CHECK(value.find_first_of("\r\n") == std::string::npos);
    list.reset(curl_slist_append(list.release(), fmt::format("{}: {}", name, value).c_str()));
  }
  state_->set(CURLOPT_HTTPHEADER, list.get());

  CURLcode code = CURLE_OK;
  {
    const PipeSignalBlock block;
    code = curl_easy_perform(state_->handle);
  }
  if (transfer.failure) {
    std::rethrow_exception(transfer.failure);
  }
  if (code != CURLE_OK) {
    long connections = 0;
    curl_easy_getinfo(state_->handle, CURLINFO_NUM_CONNECTS, &connections);
    curl_off_t connect_time = 0;
    curl_easy_getinfo(state_->handle, CURLINFO_CONNECT_TIME_T, &connect_time);
    const bool was_connected = connections == 0 || connect_time > 0;
    const char* const text =
        state_->message.front() != '\0' ? state_->message.data() : curl_easy_strerror(code);
    throw HttpError(kind_of(code, was_connected), fmt::format("{}: {}", url.origin(), text));
  }
  return std::move(transfer.response);
}

}  // namespace sft
