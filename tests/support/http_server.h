#pragma once

// A small HTTP/1.1 server on 127.0.0.1 for tests: a thread a connection, answers made by a
// function, and bad manners on request: connections that end too early, slowly sent bytes.

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sft {

struct ServedRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct ServedResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::optional<size_t> cut_after = {};       // body bytes before the connection ends
  std::function<void(size_t)> on_sent = {};   // told of body bytes sent so far, every 4 kB
  std::optional<size_t> content_length = {};  // of HEAD, or a lie
};

class HttpServer {
 public:
  using Handler = std::function<ServedResponse(const ServedRequest&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (listener_ < 0 ||
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~HttpServer() {
    stops_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard guard(mutex_);
      for (const int connection : open_) {
        ::shutdown(connection, SHUT_RDWR);
      }
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void accept_all() {
    while (!stops_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) {
        continue;
      }
      const std::lock_guard guard(mutex_);
      open_.insert(connection);
      threads_.emplace_back([this, connection] {
        serve(connection);
        const std::lock_guard end(mutex_);
        open_.erase(connection);
        ::close(connection);
      });
    }
  }

  void serve(int connection) {
    std::string pending;
    while (!stops_) {
      std::optional<ServedRequest> request = read_request(connection, pending);
      if (!request || !answer(connection, *request, handler_(*request))) {
        return;
      }
    }
  }

  static bool receive(int connection, std::string& pending) {
    char buffer[1 << 16];
    const ssize_t count = ::recv(connection, buffer, sizeof(buffer), 0);
    if (count <= 0) {
      return false;
    }
    pending.append(buffer, static_cast<size_t>(count));
    return true;
  }

  static std::optional<ServedRequest> read_request(int connection, std::string& pending) {
    size_t end = 0;
    while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(connection, pending)) {
        return std::nullopt;
      }
    }
    ServedRequest request;
    const std::string head = pending.substr(0, end + 2);
    pending.erase(0, end + 4);
    const size_t first_space = head.find(' ');
    const size_t second_space = head.find(' ', first_space + 1);
    request.method = head.substr(0, first_space);
    request.target = head.substr(first_space + 1, second_space - first_space - 1);
    for (size_t begin = head.find("\r\n") + 2; begin < head.size();) {
      const size_t line_end = head.find("\r\n", begin);
      const std::string line = head.substr(begin, line_end - begin);
      const size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
      begin = line_end + 2;
    }
    const std::string length = request.header("content-length");
    const size_t wanted = length.empty() ? 0 : std::stoul(length);
    while (pending.size() < wanted) {
      if (!receive(connection, pending)) {
        return std::nullopt;
      }
    }
    request.body = pending.substr(0, wanted);
    pending.erase(0, wanted);
    return request;
  }

  static bool send_all(int connection, const char* data, size_t size) {
    while (size > 0) {
      const ssize_t count = ::send(connection, data, size, MSG_NOSIGNAL);
      if (count <= 0) {
        return false;
      }
      data += count;
      size -= static_cast<size_t>(count);
    }
    return true;
  }

  // Whether the connection may be used for another request.
  static bool answer(int connection, const ServedRequest& request, const ServedResponse& response) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " Status\r\n";
    for (const auto& [name, value] : response.headers) {
      head += name + ": " + value + "\r\n";
    }
    const size_t length = response.content_length.value_or(response.body.size());
    head += "Content-Length: " + std::to_string(length) + "\r\n\r\n";
    if (!send_all(connection, head.data(), head.size())) {
      return false;
    }
    if (request.method == "HEAD") {
      return true;
    }
    const size_t size = std::min(response.body.size(), response.cut_after.value_or(SIZE_MAX));
    const size_t piece = response.on_sent ? 4096 : size;
    for (size_t sent = 0; sent < size;) {
      const size_t count = std::min(piece, size - sent);
      if (!send_all(connection, response.body.data() + sent, count)) {
        return false;
      }
      sent += count;
      if (response.on_sent) {
        response.on_sent(sent);
      }
    }
    return size == length;
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stops_ = false;
  std::thread acceptor_;
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::thread> threads_;
};

}  // namespace sft
