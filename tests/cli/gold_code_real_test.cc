// The benchmarks' own programs through `sft eval --responses`: needs ../shared.

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "run_binary.h"
#include "temp_folder.h"

#include "sft/io/json.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

std::string response_line(size_t id, const std::string& response) {
  return dump_json({{"id", std::to_string(id)}, {"response", response}}, JsonLayout::kCompact) +
         "\n";
}

class GoldCode : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no folder ../shared";
    }
    const BinaryResult doctor = run_binary({"doctor", "--offline", "--json"}, folder.path());
    for (const Json& check : Json::parse(doctor.out).at("checks")) {
      if (check.at("name") == "sandbox" && check.at("status") != "ok") {
        GTEST_SKIP() << check.at("found");
      }
    }
  }

  static std::filesystem::path bench() { return shared_folder() / "data" / "bench"; }

  Json score(const std::string& task, const std::string& responses) const {
    folder.write("gold.jsonl", responses);
    const BinaryResult result = run_binary({"eval", "--responses", "gold.jsonl", "--task", task,
                                            "--data-dir", bench().string(), "--output", "out"},
                                           folder.path());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_json(folder.path() / "out" / "results.json").at("results").at(0);
  }

  TempFolder folder;
};

TEST_F(GoldCode, OfHumanEvalPasses) {
  std::string responses;
  size_t num_rows = 0;
  JsonlReader reader(bench() / "humaneval" / "HumanEval.jsonl");
  while (const auto row = reader.next()) {
    responses += response_line(num_rows++, row->value["canonical_solution"].get<std::string>());
  }
  const Json entry = score("humaneval:0", responses);
  EXPECT_EQ(entry.at("outcomes").dump(), R"({"passed":164,"failed":0,"timed out":0})");
  EXPECT_EQ(entry.at("score"), 100.0);
  EXPECT_EQ(entry.at("strict").at("score"), 100.0);
}

// Ten programs are tested by modules that the study does not import for their tests.
TEST_F(GoldCode, OfMbppPassesButForTheStudysImports) {
  const Json rows = read_json(bench() / "mbpp" / "sanitized-mbpp.json");
  std::string responses;
  for (size_t i = 7; i <= 263; ++i) {
    responses += response_line(i, "[BEGIN]\n" + rows[i].at("code").get<std::string>() + "\n[DONE]");
  }
  const Json entry = score("mbpp:0", responses);
  EXPECT_EQ(entry.at("n"), 257);
  EXPECT_EQ(entry.at("outcomes").dump(),
            R"({"pass":247,"wrong_answer":0,"failed":10,"timeout":0})");
  EXPECT_DOUBLE_EQ(entry.at("score").get<double>(), 100.0 * 247 / 257);
  EXPECT_EQ(entry.at("strict").at("score"), 100.0);
}

}  // namespace
}  // namespace sft
