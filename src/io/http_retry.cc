#include "sft/io/http_retry.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include <curl/curl.h>

namespace sft {

bool is_passing(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status <= 599);
}

std::optional<double> asked_pause(const HttpResponse& response, double unix_now) {
  std::string text = response.header("retry-after");
  if (text.empty()) {
    const std::string limit = response.header("ratelimit");
    const size_t place = limit.find(";t=");
    text = place == std::string::npos ? "" : limit.substr(place + 3);
  }
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end != text.c_str()) {
    return std::isfinite(seconds) && seconds >= 0 ? std::optional(seconds) : std::nullopt;
  }
  const time_t date = curl_getdate(text.c_str(), nullptr);
  return date < 0 ? std::nullopt
                  : std::optional(std::max(0.0, static_cast<double>(date) - unix_now));
}

}  // namespace sft
