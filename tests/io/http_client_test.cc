#include "sft/io/http_client.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http_server.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/io/sha1.h"

namespace sft {
namespace {

using testing::HasSubstr;

class HttpClientTest : public testing::Test {
 protected:
  void SetUp() override { setenv("no_proxy", "127.0.0.1", 1); }
};

HttpRequest request(const std::string& method, const std::string& url) {
  return {.method = method, .url = url, .headers = {}, .body = {}, .upload = std::nullopt};
}

ServedResponse echo(const ServedRequest& request) {
  return {.status = 201,
          .headers = {{"X-Odd-Name", " spaced "}, {"X-Given", request.header("x-asked")}},
          .body = request.method + " " + request.target + " " + request.body};
}

TEST_F(HttpClientTest, SendsAndReceives) {
  const HttpServer server(echo);
  CurlHttpClient client;
  HttpRequest post = request("POST", server.url() + "/a?b=c");
  post.headers = {{"X-Asked", "value"}};
  post.body = "body";
  const HttpResponse response = client.send(post);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.header("x-odd-name"), "spaced");
  EXPECT_EQ(response.header("x-given"), "value");
  EXPECT_EQ(response.header("x-none"), "");
  EXPECT_EQ(response.body, "POST /a?b=c body");
  EXPECT_EQ(client.send(request("HEAD", server.url() + "/")).body, "");
  EXPECT_EQ(client.send(request("GET", server.url() + "/x")).body, "GET /x ");
}

TEST_F(HttpClientTest, SendsAPartOfAFile) {
  const HttpServer server(echo);
  const TempFolder folder;
  HttpRequest put = request("PUT", server.url() + "/f");
  put.upload = FilePart{.path = folder.write("f", "0123456789"), .offset = 3, .size = 4};
  CurlHttpClient client;
  EXPECT_EQ(client.send(put).body, "PUT /f 3456");
}

TEST_F(HttpClientTest, GivesTheBodyToASinkWithTheStatusKnown) {
  const HttpServer server([](const ServedRequest&) {
    return ServedResponse{.status = 206, .body = std::string(1'000'000, 'x')};
  });
  CurlHttpClient client;
  size_t bytes = 0;
  const HttpResponse response = client.send(request("GET", server.url()),
                                            [&](const HttpResponse& head, std::string_view piece) {
                                              EXPECT_EQ(head.status, 206);
                                              bytes += piece.size();
                                            });
  EXPECT_EQ(bytes, 1'000'000);
  EXPECT_EQ(response.body, "");
}

TEST_F(HttpClientTest, PassesOnWhatTheSinkThrows) {
  const HttpServer server(echo);
  CurlHttpClient client;
  EXPECT_EQ(message_of([&] {
              client.send(request("GET", server.url()),
                          [](const HttpResponse&, std::string_view) { throw Error("enough"); });
            }),
            "enough");
  EXPECT_EQ(client.send(request("GET", server.url() + "/")).status, 201);  // and goes on
}

TEST_F(HttpClientTest, TellsAbsentServersFromBrokenAnswers) {
  const HttpServer server([](const ServedRequest&) {
    return ServedResponse{.body = std::string(1000, 'x'), .cut_after = 10};
  });
  CurlHttpClient client;
  try {
    client.send(request("GET", server.url()));
    FAIL();
  } catch (const HttpError& error) {
    EXPECT_EQ(error.kind(), HttpError::Kind::kBroken) << error.what();
  }
  try {
    client.send(request("GET", "http://127.0.0.1:1/"));
    FAIL();
  } catch (const HttpError& error) {
    EXPECT_EQ(error.kind(), HttpError::Kind::kUnreachable) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("http://127.0.0.1:1: "));
  }
}

TEST_F(HttpClientTest, FollowsNoRedirect) {
  const HttpServer server([](const ServedRequest&) {
    return ServedResponse{.status = 302, .headers = {{"Location", "/elsewhere"}}};
  });
  CurlHttpClient client;
  EXPECT_EQ(client.send(request("GET", server.url())).status, 302);
}

TEST(Url, IsReadAndResolved) {
  const Url url = parse_url("HTTPS://Host.Example:8443/a/b?c#d");
  EXPECT_EQ(url.origin(), "https://host.example:8443");
  EXPECT_EQ(url.path, "/a/b?c");
  EXPECT_EQ(parse_url("http://h").path, "/");
  EXPECT_EQ(resolve_url("http://h/a/b", "http://i/c"), "http://i/c");
  EXPECT_EQ(resolve_url("http://h/a/b", "//i/c"), "http://i/c");
  EXPECT_EQ(resolve_url("http://h/a/b?x/y", "/c"), "http://h/c");
  EXPECT_EQ(resolve_url("http://h/a/b?x/y", "c"), "http://h/a/c");
}

TEST(Url, RefusesOthers) {
  for (const char* const text : {"", "h/a", "ftp://h/", "file:///etc", "http://", "http://u@h/",
                                 "http://h/a b", "http://h/a\r\nX: y", "https://good\\@evil/"}) {
    EXPECT_THROW(parse_url(text), Error) << text;
  }
}

TEST(Url, EscapesAllButPlainCharacters) {
  EXPECT_EQ(url_escape("a b/c%\xc3\xa9~"), "a%20b%2Fc%25%C3%A9~");
  EXPECT_EQ(url_escape("a/b", "/"), "a/b");
}

TEST(Sha1, FollowsTheStandard) {  // FIPS 180-4's example
  Sha1 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

}  // namespace
}  // namespace sft
