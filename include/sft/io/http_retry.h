#pragma once

#include <optional>

#include "sft/io/http_client.h"

namespace sft {

// Whether a refusal may pass by itself: 408, 429 and the errors of a server that has a bad day.
bool is_passing(int status);

// Seconds that a refusal asks to wait: Retry-After, as a number or a date (`unix_now` is the time
// now), or the Hugging Face hub's own `RateLimit: "api";r=0;t=55`.
std::optional<double> asked_pause(const HttpResponse& response, double unix_now);

}  // namespace sft
