#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "sft/io/http_client.h"

namespace sft {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Spaces and control characters in a URL would end the request's first line, and begin another.
bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

bool has_scheme(const std::string& text) {
  const size_t colon = text.find("://");
  return colon != std::string::npos && text.find_first_of("/?#") > colon;
}

}  // namespace

Url parse_url(const std::string& text) {
  const size_t colon = text.find("://");
  Url url;
  url.scheme = lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string::npos || (url.scheme != "http" && url.scheme != "https") ||
      !is_printable(text)) {
    throw Error(fmt::format("'{}': not an http:// or https:// address", text));
  }
  const size_t host_begin = colon + 3;
  const size_t host_end = std::min(text.find_first_of("/?#", host_begin), text.size());
  url.host = lower(text.substr(host_begin, host_end - host_begin));
  if (url.host.empty() || url.host.find_first_of("@\\") != std::string::npos) {
    throw Error(
        fmt::format("'{}://...': an address with a user name, or without a host", url.scheme));
  }
  url.path = text.substr(host_end, text.find('#', host_end) - host_end);
  if (!url.path.starts_with('/')) {
    url.path.insert(0, "/");
  }
  return url;
}

std::string resolve_url(const std::string& base, const std::string& location) {
  if (has_scheme(location)) {
    parse_url(location);
    return location;
  }
  const Url url = parse_url(base);
  std::string whole;
  if (location.starts_with("//")) {
    whole = url.scheme + ":" + location;
  } else if (location.starts_with('/')) {
    whole = url.origin() + location;
  } else {
    const std::string path = url.path.substr(0, url.path.find('?'));
    whole = url.origin() + path.substr(0, path.rfind('/') + 1) + location;
  }
  parse_url(whole);
  return whole;
}

std::string url_escape(std::string_view text, std::string_view kept) {
  constexpr std::string_view kUnreserved = "-._~";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte < 0x80 && std::isalnum(byte) != 0) ||
                          kUnreserved.find(c) != std::string_view::npos ||
                          kept.find(c) != std::string_view::npos;
    escaped += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return escaped;
}

}  // namespace sft
