#include "sft/data/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/data/sample.h"
#include "sft/io/json.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Made by tests/reference/draw.py, with Python's hashlib and json.
const Json& reference() {
  static const Json json = read_json(SFT_TEST_SOURCE_DIR "/tests/reference/draw.json");
  return json;
}

std::vector<std::string> reference_ids() {
  return reference()["ids"].get<std::vector<std::string>>();
}

using Places = std::vector<size_t>;

TEST(ContentId, EqualsPythons) {
  for (const Json& row : reference()["contents"]) {
    std::vector<Turn> turns;
    for (const Json& turn : row["turns"]) {
      turns.push_back({.instruction = turn[0], .response = turn[1]});
    }
    EXPECT_EQ(content_id(turns), row["id"].get<std::string>()) << row["turns"].dump();
  }
}

TEST(DrawOrder, EqualsPythons) {
  for (const Json& row : reference()["draws"]) {
    EXPECT_EQ(draw_order(row["seed"], row["dataset"], reference_ids()), row["order"].get<Places>());
  }
}

TEST(EpochOrder, EqualsPythons) {
  for (const Json& row : reference()["epochs"]) {
    EXPECT_EQ(epoch_order(row["seed"], row["epoch"], reference_ids()), row["order"].get<Places>());
  }
}

TEST(HeldOut, EqualsPythons) {
  for (const Json& row : reference()["held_out"]) {
    EXPECT_EQ(held_out(row["seed"], row["fraction"], reference_ids()), row["places"].get<Places>());
  }
}

TEST(HeldOut, TakesAllDuplicatesOrNone) {
  const std::vector<std::string> ids = reference_ids();
  for (const double fraction : {0.02, 0.05, 0.1, 0.3, 0.7}) {
    const Places places = held_out(1, fraction, ids);
    for (size_t i = 0; i < ids.size(); ++i) {
      for (const size_t place : places) {
        if (without_suffix(ids[i]) == without_suffix(ids[place])) {
          EXPECT_THAT(places, testing::Contains(i)) << ids[i];
        }
      }
    }
  }
}

TEST(HeldOut, HoldsOutAtLeastOne) {
  const std::vector<std::string> one = {"0123456789abcdef"};
  EXPECT_THAT(held_out(1, 0.001, one), ElementsAre(0));
  EXPECT_THAT(held_out(1, 0.5, std::vector<std::string>()), IsEmpty());
}

TEST(DrawOrder, DoesNotDependOnTheOrderOfReading) {
  std::vector<std::string> ids = reference_ids();
  std::vector<std::string> drawn;
  for (const size_t place : draw_order(5, "d", ids)) {
    drawn.push_back(ids[place]);
  }
  std::ranges::reverse(ids);
  std::vector<std::string> again;
  for (const size_t place : draw_order(5, "d", ids)) {
    again.push_back(ids[place]);
  }
  EXPECT_EQ(again, drawn);
}

}  // namespace
}  // namespace sft
