#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sft/core/error.h"

namespace sft {

// A part of a file, sent as a request's body without being read into memory at once.
struct FilePart {
  std::filesystem::path path;
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct HttpRequest {
  std::string method = "GET";  // GET, HEAD, POST or PUT
  std::string url;             // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                // of POST and PUT, or
  std::optional<FilePart> upload;  // in its place
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // lower-case names; of equal ones the last
  std::string body;                            // "" where a sink took it

  // "" where there is no such header.
  std::string header(const std::string& lower_case_name) const;
};

// No whole answer came: the server was not found, not reached, or fell silent, or it ended the
// connection. The message says which, without the request's headers.
class HttpError : public Error {
 public:
  enum class Kind { kUnreachable, kBroken };
  HttpError(Kind kind, const std::string& message) : Error(message), kind_(kind) {}

  // kUnreachable: there was no connection at all, so a second try helps little.
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// Takes an answer's body as it comes; `head` is the answer without it. What it throws ends the
// transfer and comes out of `send`.
using HttpSink = std::function<void(const HttpResponse& head, std::string_view bytes)>;

// The seam for the network. One request after another; follows no redirect and tries nothing twice,
// which is for those to do who know where a token may go.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // The answer, whatever its status. Without `sink` the body is collected, at most 64 MB (Error).
  // Throws HttpError.
  virtual HttpResponse send(const HttpRequest& request, const HttpSink& sink = nullptr) = 0;
};

// libcurl's. Proxies as http_proxy, https_proxy and no_proxy say; certificates are checked, against
// SSL_CERT_FILE or CURL_CA_BUNDLE where set. Gives a connection up that takes longer than
// `connect_seconds` to be made or stays silent for `stall_seconds`.
class CurlHttpClient final : public HttpClient {
 public:
  struct Options {
    int connect_seconds = 8;
    int stall_seconds = 30;
    // Asked about once a second while a transfer lasts, which ends (HttpError) where it says so.
    std::function<bool()> is_cancelled = nullptr;
  };
  CurlHttpClient() : CurlHttpClient(Options{}) {}
  explicit CurlHttpClient(Options options);
  ~CurlHttpClient() override;
  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  HttpResponse send(const HttpRequest& request, const HttpSink& sink = nullptr) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The parts of an http or https URL that matter here.
struct Url {
  std::string scheme;  // "https"
  std::string host;    // lower case, with ":port" where the URL has one
  std::string path;    // with query, "/" at least

  // Scheme, host and port.
  std::string origin() const { return scheme + "://" + host; }
};

// Throws Error where `text` is no http or https URL, or has a user name in it.
Url parse_url(const std::string& text);

// `location`, the target of a redirect that `base` answered, as a whole URL. Throws Error as above.
std::string resolve_url(const std::string& base, const std::string& location);

// Percent-encoded but for letters, digits, "-._~" and the characters of `kept`.
std::string url_escape(std::string_view text, std::string_view kept = "");

}  // namespace sft
