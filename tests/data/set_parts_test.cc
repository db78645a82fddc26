// The parts that prepared sets are made with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "data/dataset_draw.h"
#include "data/file_hashes.h"
#include "data/seen_ids.h"
#include "data/spool.h"
#include "data/worker_pool.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

using testing::HasSubstr;

TEST(SeenIds, CountsRepetitions) {
  SeenIds seen;
  EXPECT_EQ(seen.unique("00000000000000ff"), "00000000000000ff");
  EXPECT_EQ(seen.unique("0000000000000000"), "0000000000000000");
  EXPECT_EQ(seen.unique("00000000000000ff"), "00000000000000ff-2");
  EXPECT_EQ(seen.unique("0000000000000000"), "0000000000000000-2");
  EXPECT_EQ(seen.unique("00000000000000ff"), "00000000000000ff-3");
}

TEST(SeenIds, RemembersMany) {
  SeenIds seen;
  for (int round = 1; round <= 2; ++round) {
    for (int i = 0; i < 20'000; ++i) {
      const std::string id = sha256_hex(std::to_string(i)).substr(0, 16);
      ASSERT_EQ(seen.unique(id), round == 1 ? id : id + "-2");
    }
  }
}

TEST(Spool, GivesBackInAnyOrder) {
  const TempFolder folder;
  const auto path = folder.path() / "spool";
  {
    Spool spool(path);
    std::vector<std::pair<uint64_t, std::string>> texts;
    for (int i = 0; i < 3000; ++i) {
      const std::string text(static_cast<size_t>(i), static_cast<char>('a' + i % 26));
      texts.emplace_back(spool.append(text), text);
    }
    for (auto text = texts.rbegin(); text != texts.rend(); ++text) {
      ASSERT_EQ(spool.read(text->first, text->second.size()), text->second);
    }
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Spool, AFullDiskIsAnErrorWithThePath) {
  // A file that may not grow stands for a disk that is full.
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "spool";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const std::string message = message_of([&] {
    Spool spool(path);
    const uint64_t place = spool.append("x");
    spool.read(place, 1);
  });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_THAT(message, HasSubstr(path.string() + ": cannot write: File too large"));
}

TEST(DatasetDraw, IsThatOfTheWholeList) {
  std::vector<std::string> ids;
  for (int i = 0; i < 500; ++i) {
    ids.push_back(sha256_hex(std::to_string(i)).substr(0, 16));
  }
  const std::vector<size_t> order = draw_order(7, "d", ids);
  const TempFolder folder;
  for (const size_t limit : {0, 1, 10, 499, 500}) {
    Spool spool(folder.path() / "spool");
    DatasetDraw draw({.dataset = "d", .seed = 7, .limit = limit, .is_shuffled = true}, spool);
    for (const std::string& id : ids) {
      draw.add(id, "text of " + id);
    }
    const auto drawn = draw.finish();
    ASSERT_EQ(drawn.size(), limit == 0 ? ids.size() : limit);
    for (size_t i = 0; i < drawn.size(); ++i) {
      ASSERT_EQ(draw.text(drawn[i]), "text of " + ids[order[i]]);
    }
  }
}

struct Numbers {
  int first = 0;
  std::vector<int> squares;
};

// Squares of 0 to 299 in batches of three; `fails` of them throws where it is worked on.
std::vector<int> squares(int threads, int fails) {
  int next = 0;
  std::vector<int> all;
  run_in_order<Numbers>(threads, {.make = [&]() -> std::unique_ptr<Numbers> {
                                    if (next == 300) {
                                      return nullptr;
                                    }
                                    auto batch = std::make_unique<Numbers>();
                                    batch->first = next;
                                    next += 3;
                                    return batch;
                                  },
                                  .work =
                                      [&](Numbers& batch) {
                                        for (int i = batch.first; i < batch.first + 3; ++i) {
                                          if (i >= fails) {
                                            throw Error("at " + std::to_string(i));
                                          }
                                          batch.squares.push_back(i * i);
                                        }
                                      },
                                  .take =
                                      [&](Numbers& batch) {
                                        all.insert(all.end(), batch.squares.begin(),
                                                   batch.squares.end());
                                      }});
  return all;
}

TEST(RunInOrder, KeepsTheOrder) {
  const std::vector<int> one = squares(1, 1000);
  ASSERT_EQ(one.size(), 300U);
  for (const int threads : {2, 3, 16}) {
    EXPECT_EQ(squares(threads, 1000), one);
  }
}

TEST(RunInOrder, TellsTheFirstFailure) {
  for (const int threads : {1, 2, 16}) {
    EXPECT_EQ(message_of([&] { squares(threads, 100); }), "at 100");
  }
}

TEST(RunInOrder, TellsFailuresOfWorkBeforeALaterOneOfMaking) {
  int made = 0;
  const auto run = [&](bool work_fails) {
    made = 0;
    run_in_order<int>(2, {.make = [&]() -> std::unique_ptr<int> {
                            if (made == 2) {
                              throw Error("made");
                            }
                            return std::make_unique<int>(made++);
                          },
                          .work =
                              [&](int& batch) {
                                if (work_fails && batch == 1) {
                                  throw Error("worked");
                                }
                              },
                          .take = [](int&) {}});
  };
  EXPECT_EQ(message_of([&] { run(true); }), "worked");
  EXPECT_EQ(message_of([&] { run(false); }), "made");
}

class FileHashesTest : public testing::Test {
 protected:
  // A file that is worth remembering, and was changed long ago.
  std::filesystem::path write(char letter) {
    const auto path = folder_.write("big", std::string(size_t{1} << 21, letter));
    const timeval times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ::utimes(path.c_str(), times);
    return path;
  }

  TempFolder folder_;
  FileHashes hashes_{folder_.path() / "hashes"};
};

TEST_F(FileHashesTest, AreThoseOfTheBytes) {
  EXPECT_EQ(hashes_.sha256(folder_.write("small", "abc")), sha256_hex("abc"));
  EXPECT_EQ(hashes_.sha256(write('a')), sha256_hex(std::string(size_t{1} << 21, 'a')));
  EXPECT_THROW(hashes_.sha256(folder_.path() / "absent"), Error);
}

TEST_F(FileHashesTest, SeeEveryChange) {
  // Same path, size and times of writing: the time of change tells.
  const std::string first = hashes_.sha256(write('a'));
  EXPECT_NE(hashes_.sha256(write('b')), first);
  EXPECT_EQ(hashes_.sha256(write('a')), first);
}

TEST_F(FileHashesTest, WhatJustChangedIsNotRemembered) {
  hashes_.sha256(write('a'));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "hashes"));
}

TEST_F(FileHashesTest, ADamagedNoteIsPassedOver) {
  const auto path = write('a');
  const std::string name =
      sha256_hex(std::filesystem::canonical(path).string()).substr(0, 32) + ".json";
  folder_.write("hashes/" + name, "{\"file\": ");
  EXPECT_EQ(hashes_.sha256(path), sha256_hex(std::string(size_t{1} << 21, 'a')));
}

}  // namespace
}  // namespace sft
