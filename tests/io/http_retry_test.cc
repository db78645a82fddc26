#include "sft/io/http_retry.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sft {
namespace {

HttpResponse with_header(const std::string& name, const std::string& value) {
  HttpResponse response;
  response.headers[name] = value;
  return response;
}

TEST(IsPassing, NamesWhatMayBeGoneAWhileLater) {
  for (const int status : {408, 429, 500, 502, 503, 504, 529}) {
    EXPECT_TRUE(is_passing(status)) << status;
  }
  for (const int status : {200, 301, 400, 401, 404, 501}) {
    EXPECT_FALSE(is_passing(status)) << status;
  }
}

TEST(AskedPause, TakesSecondsAndDates) {
  constexpr double kNow = 1445412480;  // Wed, 21 Oct 2015 07:28:00 GMT
  EXPECT_EQ(asked_pause(with_header("retry-after", "1.5"), kNow), 1.5);
  EXPECT_EQ(asked_pause(with_header("retry-after", "Wed, 21 Oct 2015 07:29:00 GMT"), kNow), 60);
  EXPECT_EQ(asked_pause(with_header("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT"), kNow), 0);
  EXPECT_EQ(asked_pause(with_header("ratelimit", "\"api\";r=0;t=55"), kNow), 55);
  for (const char* const nothing : {"", "-3", "inf", "soon"}) {
    EXPECT_EQ(asked_pause(with_header("retry-after", nothing), kNow), std::nullopt) << nothing;
  }
}

}  // namespace
}  // namespace sft
