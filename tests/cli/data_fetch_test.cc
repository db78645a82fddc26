// `sft data fetch` against a hub of our own.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_hub.h"
#include "workplace.h"

#include "sft/io/file.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DataFetch : public Workplace {
 protected:
  void SetUp() override {
    Workplace::SetUp();
    setenv("no_proxy", "127.0.0.1", 1);
    setenv("HF_ENDPOINT", server.url().c_str(), 1);
    setenv("HF_HUB_CACHE", (folder.path() / "cache").c_str(), 1);
    for (const char* const name : {"HF_TOKEN", "HF_HUB_OFFLINE", "SFT_DATA_DIR"}) {
      unsetenv(name);
    }
    server.repos["datasets/yahma/alpaca-cleaned"].files["alpaca_data_cleaned.json"] = {
        R"([{"instruction": "Count.", "input": "to two", "output": "1, 2"}])", true};
    server.repos["datasets/GAIR/lima"].files["train.jsonl"] = {
        "{\"conversations\": [\"a\", "
        "\"b\"]}\n"};
    server.repos["datasets/GAIR/lima"].needs_token = "hf_mine";
    const std::string parquet = read_file(SFT_TEST_SOURCE_DIR "/tests/reference/small.parquet");
    server.repos["datasets/acme/bench"].files["main/test.parquet"] = {parquet, true};
    folder.write("configs/bench/tiny.yaml", bench(3000));
  }
  static std::string bench(int rows) {
    return "name: tiny\nlicense: mit\nsource: ours, small\nhub: acme/bench\nfiles:\n"
           "  tiny/test.jsonl: {from: [main/test.parquet], rows: " +
           std::to_string(rows) + "}\n";
  }
  BinaryResult fetch(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"data", "fetch"});
    return sft(arguments);
  }

  FakeHub server;
};

TEST_F(DataFetch, ListsWhatThereIs) {
  const BinaryResult result = fetch({"--list"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("alpaca                yahma/alpaca-cleaned"),
                                HasSubstr("51,760 rows, 44 MB"), HasSubstr("bench/gsm8k"),
                                HasSubstr("bench/tiny            acme/bench")));
  EXPECT_GE(parse_json(fetch({"--list", "--json"}).out, "list").size(), 16U);
  EXPECT_TRUE(server.log().empty());
}

TEST_F(DataFetch, SaysWhatItIsAndFetchesItOnce) {
  const BinaryResult result = fetch({"alpaca"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("alpaca: yahma on the Hugging Face hub; 51,760 rows, 44 MB; "
                                    "licence cc-by-4.0"));
  EXPECT_THAT(result.out,
              AllOf(testing::StartsWith("alpaca: "), HasSubstr("alpaca_data_cleaned.json (64 B)")));
  const size_t requests = server.log().size();
  EXPECT_EQ(fetch({"alpaca"}).exit_code, 0);
  EXPECT_EQ(server.log().size(), requests);
  const BinaryResult shown =
      sft({"data", "show", "--config", "run.yaml", "--set", "data.datasets=[alpaca]", "--offline"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("###Question: Count.\nto two\n###Answer:\xC2\xAB 1, 2"));
}

TEST_F(DataFetch, AGatedOneNamesTheToken) {
  const BinaryResult refused = fetch({"lima"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("HF_TOKEN"));
  setenv("HF_TOKEN", "hf_mine", 1);
  EXPECT_EQ(fetch({"lima"}).exit_code, 0);
}

TEST_F(DataFetch, MakesTheFilesOfABenchmark) {
  const BinaryResult result = fetch({"bench/tiny", "--data-dir", "here"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string lines = read_whole_file(folder.path() / "here/tiny/test.jsonl");
  EXPECT_EQ(std::ranges::count(lines, '\n'), 3000);
  EXPECT_THAT(lines, HasSubstr("{\"text\": \"row 0 \xC3\xA9\", \"large\": \"L0\""));
  const size_t requests = server.log().size();
  EXPECT_EQ(fetch({"bench/tiny", "--data-dir", "here"}).exit_code, 0);
  EXPECT_EQ(server.log().size(), requests);
}

TEST_F(DataFetch, ABenchmarkMayHaveOtherColumns) {
  folder.write("configs/bench/tiny.yaml", R"(name: tiny
license: mit
source: ours, small
hub: acme/bench
files:
  tiny/test.json:
    from: [main/test.parquet]
    rows: 3000
    columns:
      question: "Q: {large}"
      label: {value: "{is_even}", map: {"true": "0", "false": "1"}}
      title: {value: "{large} -- {kind}", rules: [before_dashes]}
      rest: {value: "{large} -- {kind}", rules: [after_dashes]}
    lists:
      words: "{words}"
  tiny/copy.parquet: {from: [main/test.parquet], copy: true}
elsewhere:
  tiny/shots.jsonl: two worked examples
)");
  const BinaryResult result = fetch({"bench/tiny", "--data-dir", "here"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("here/tiny/shots.jsonl is on no hub: two worked examples"));
  const Json rows = parse_json(read_whole_file(folder.path() / "here/tiny/test.json"), "test.json");
  ASSERT_EQ(rows.size(), 3000U);
  EXPECT_EQ(rows[2], parse_json(R"({"question": "Q: L2", "label": "0", "title": "L2",
                                    "rest": "even", "words": ["a", "a"]})",
                                "row"));
  EXPECT_EQ(read_whole_file(folder.path() / "here/tiny/copy.parquet"),
            read_file(SFT_TEST_SOURCE_DIR "/tests/reference/small.parquet"));
}

TEST_F(DataFetch, ABenchmarkWithOtherRowsIsNotTaken) {
  folder.write("configs/bench/tiny.yaml", bench(2999));
  const BinaryResult result = fetch({"bench/tiny", "--data-dir", "here"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("3000 rows on the hub, there must be 2999"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "here/tiny/test.jsonl"));
}

TEST_F(DataFetch, ACopyIsOfOneFile) {
  for (const std::string from : {"[]", "[a, b]"}) {
    folder.write("configs/bench/tiny.yaml",
                 "name: tiny\nlicense: mit\nsource: ours\nhub: acme/bench\nfiles:\n"
                 "  tiny/x.csv: {from: " +
                     from + ", copy: true}\n");
    const BinaryResult result = fetch({"bench/tiny"});
    EXPECT_EQ(result.exit_code, 2) << from;
    EXPECT_THAT(result.err, HasSubstr("tiny.yaml:6:3: 'tiny/x.csv' is a copy")) << from;
  }
}

TEST_F(DataFetch, UnknownNamesAreFaults) {
  EXPECT_EQ(fetch({}).exit_code, 2);
  EXPECT_EQ(fetch({"alpaka"}).exit_code, 2);
  EXPECT_EQ(fetch({"bench/gsm9k"}).exit_code, 2);
  EXPECT_EQ(fetch({"rows.yaml"}).exit_code, 2);
}

}  // namespace
}  // namespace sft
