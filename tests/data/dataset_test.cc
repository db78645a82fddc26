#include "sft/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/json.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A recipe beside its data in a folder of its own.
class DatasetTest : public testing::Test {
 protected:
  Dataset read(const std::string& recipe) {
    return read_dataset(load_dataset_spec(folder_.write("d.yaml", recipe).string()));
  }
  Dataset read_rows(const std::string& rows) {
    return read_dataset(load_dataset_spec(folder_.write("d.jsonl", rows).string()));
  }
  std::string error_of(const std::string& recipe) {
    try {
      read(recipe);
    } catch (const Error& error) {
      return error.what();
    }
    return "was taken";
  }

  TempFolder folder_;
};

// "instruction>response" of each turn, turns divided by |.
std::vector<std::string> shown(const Dataset& dataset) {
  std::vector<std::string> samples;
  for (const Sample& sample : dataset.samples) {
    std::string text;
    for (const Turn& turn : sample.turns) {
      text += (text.empty() ? "" : "|") + turn.instruction + ">" + turn.response;
    }
    samples.push_back(text);
  }
  return samples;
}

TEST_F(DatasetTest, MapsColumnsByTheRecipe) {
  folder_.write("mine/b.jsonl", "{\"q\": \"q3\", \"c\": null, \"r\": \"r3\"}\n");
  folder_.write("mine/a.jsonl",
                "{\"q\": \"q1\", \"c\": \"in\", \"r\": \"r1\"}\n{\"q\": \"q2\", \"r\": \"r2\"}\n");
  const Dataset dataset = read(
      "name: mine\nfiles: [mine/*.jsonl]\n"
      "fields: {instruction: q, input: c, response: r}\nlicense: cc0\nmean_tokens: 180\n");
  EXPECT_EQ(dataset.name, "mine");
  EXPECT_THAT(shown(dataset), ElementsAre("q1\nin>r1", "q2>r2", "q3>r3"));
  EXPECT_EQ(dataset.rows, 3);
  EXPECT_EQ(dataset.dropped.total(), 0);
  EXPECT_EQ(dataset.samples[1].source, "mine/a.jsonl:2");
  EXPECT_EQ(dataset.samples[1].dataset, "mine");
}

TEST_F(DatasetTest, HistoryIsEarlierTurns) {
  EXPECT_THAT(shown(read_rows("{\"instruction\": \"c\", \"input\": \"x\", \"output\": \"d\", "
                              "\"history\": [[\"a\", \"b\"]]}\n"
                              "{\"instruction\": \"e\", \"output\": \"f\", \"history\": null}\n")),
              ElementsAre("a>b|c\nx>d", "e>f"));
}

TEST_F(DatasetTest, RecognisesLayoutsByTheirColumns) {
  EXPECT_THAT(shown(read_rows("{\"instruction\": \"a\", \"output\": \"b\"}\n"
                              "{\"instruction\": \"a\", \"input\": \"x\", \"output\": \"b\"}\n")),
              ElementsAre("a>b", "a\nx>b"));
  EXPECT_THAT(shown(read_rows("{\"prompt\": \"a\", \"completion\": \" b\"}\n")),
              ElementsAre("a> b"));
  EXPECT_THAT(shown(read_rows("{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, "
                              "{\"role\": \"user\", \"content\": \"a\"}, "
                              "{\"role\": \"assistant\", \"content\": \"b\"}]}\n")),
              ElementsAre("s\na>b"));
  EXPECT_THAT(shown(read_rows("{\"id\": 1, \"conversations\": ["
                              "{\"from\": \"human\", \"value\": \"a\"}, "
                              "{\"from\": \"gpt\", \"value\": \"b\"}, "
                              "{\"from\": \"human\", \"value\": \"c\"}, "
                              "{\"from\": \"gpt\", \"value\": \"d\"}]}\n")),
              ElementsAre("a>b|c>d"));
  EXPECT_THAT(shown(read_rows("{\"url\": \"u\", \"text\": \"all of it\"}\n")),
              ElementsAre(">all of it"));
}

TEST_F(DatasetTest, TakesTheFirstExchangeOnly) {
  folder_.write("d.jsonl",
                "{\"data\": [{\"who\": \"u\", \"says\": \"a\"}, {\"who\": \"m\", \"says\": \"b\"}, "
                "{\"who\": \"u\", \"says\": \"c\"}]}\n");
  EXPECT_THAT(shown(read("files: [d.jsonl]\nmessages: {field: data, role: who, content: says, "
                         "user: u, assistant: m, turns: first}\n")),
              ElementsAre("a>b"));
}

TEST_F(DatasetTest, DropsAreCountedByReason) {
  folder_.write("d.jsonl",
                "{\"q\": \"1\", \"r\": \"x\", \"ok\": true}\n"
                "{\"q\": \"2\", \"r\": \"x\", \"ok\": false}\n"
                "{\"q\": \"3\", \"r\": \"none\", \"ok\": true}\n"
                "{\"q\": \"4\", \"r\": \" \\n\", \"ok\": true}\n"
                "{\"q\": \"5\", \"r\": null, \"ok\": true}\n"
                "{\"q\": \"\", \"r\": \"x\", \"ok\": true}\n");
  const Dataset dataset = read(
      "files: [d.jsonl]\nfields: {instruction: q, response: r}\n"
      "keep: {ok: [true]}\ndrop: {response: [none, nothing]}\n");
  EXPECT_THAT(shown(dataset), ElementsAre("1>x"));
  EXPECT_EQ(dataset.rows, 6);
  EXPECT_EQ(dataset.dropped.of(DropReason::kKeepRule), 1);
  EXPECT_EQ(dataset.dropped.of(DropReason::kDropRule), 1);
  EXPECT_EQ(dataset.dropped.of(DropReason::kEmptyResponse), 2);
  EXPECT_EQ(dataset.dropped.of(DropReason::kEmptyInstruction), 1);
  EXPECT_EQ(dataset.dropped.text(),
            "5 dropped (1 keep_rule, 1 drop_rule, 2 empty_response, 1 empty_instruction)");
}

TEST_F(DatasetTest, ConversationsOutOfTurnAreDropped) {
  const auto messages = [](const std::string& roles) {
    Json list = Json::array();
    for (const char role : roles) {
      Json message = Json::object();
      message["role"] = role == 'u' ? "user" : role == 'a' ? "assistant" : "tool";
      message["content"] = std::string(1, role);
      list.push_back(std::move(message));
    }
    Json row = Json::object();
    row["messages"] = std::move(list);
    return row.dump() + "\n";
  };
  const Dataset dataset = read_rows(messages("ua") + messages("uau") + messages("aua") +
                                    messages("uuaa") + messages("ut") + messages("uaua"));
  EXPECT_THAT(shown(dataset), ElementsAre("u>a", "u>a|u>a"));
  EXPECT_EQ(dataset.dropped.of(DropReason::kRoles), 4);
}

TEST_F(DatasetTest, DuplicatesGetSuffixesInTheOrderOfReading) {
  const Dataset dataset =
      read_rows("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"a\"}\n{\"text\": \"a\"}\n");
  const std::string id = content_id({{"", "a"}});
  EXPECT_EQ(dataset.samples[0].id, id);
  EXPECT_EQ(dataset.samples[1].id, content_id({{"", "b"}}));
  EXPECT_EQ(dataset.samples[2].id, id + "-2");
  EXPECT_EQ(dataset.samples[3].id, id + "-3");
}

TEST_F(DatasetTest, AFileMatchedTwiceIsReadOnce) {
  folder_.write("a.jsonl", "{\"text\": \"a\"}\n");
  EXPECT_EQ(read("files: [a.jsonl, '*.jsonl']\n").rows, 1);
}

TEST_F(DatasetTest, OddFileNamesAreNames) {
  const auto path = folder_.write("odd [x]*?/a [1] *.jsonl", "{\"text\": \"a\"}\n");
  folder_.write("odd [x]*?/a [1] other.jsonl", "{\"text\": \"b\"}\n");
  const Dataset dataset = read_dataset(load_dataset_spec(path.string()));
  EXPECT_THAT(shown(dataset), ElementsAre(">a"));
  EXPECT_EQ(dataset.samples[0].source, "a [1] *.jsonl:1");
}

struct Fault {
  const char* name;
  const char* rows;  // of d.jsonl
  const char* recipe;
  const char* message;
};

class BadDataset : public DatasetTest, public testing::WithParamInterface<Fault> {};

TEST_P(BadDataset, IsAnErrorThatSaysWhere) {
  folder_.write("d.jsonl", GetParam().rows);
  EXPECT_THAT(error_of(std::string("files: [d.jsonl]\n") + GetParam().recipe),
              HasSubstr(GetParam().message));
}

constexpr const char* kFields = "fields: {instruction: q, response: r}\n";

INSTANTIATE_TEST_SUITE_P(
    Rows, BadDataset,
    testing::Values(
        Fault{"column", "{\"q\": \"a\", \"r\": \"b\"}\n{\"qq\": \"a\", \"r\": \"b\"}\n",
              "fields: {instruction: q, response: rr}\n",
              "d.jsonl:1: no column 'rr' (did you mean 'r'?); the row has: q, r"},
        Fault{"later_column", "{\"q\": \"a\", \"r\": \"b\"}\n{\"x\": \"a\", \"r\": \"b\"}\n",
              kFields, "d.jsonl:2: no column 'q'"},
        Fault{"number", "{\"q\": \"a\", \"r\": 4}\n", kFields,
              "d.jsonl:1: 'r' is 4, must be a text"},
        Fault{"list", "{\"q\": [\"a\"], \"r\": \"b\"}\n", kFields,
              "d.jsonl:1: 'q' is a list, must be a text"},
        Fault{"row", "{\"q\": \"a\", \"r\": \"b\"}\n[1]\n", kFields,
              "d.jsonl:2: is a list, must be an object"},
        Fault{"line", "{\"q\": \"a\", \"r\": \"b\"}\n{\"q\": \n", kFields, "d.jsonl:2"},
        Fault{"optional_column", "{\"q\": \"a\", \"r\": \"b\"}\n",
              "fields: {instruction: q, input: contxt, response: r}\n",
              "no row has the column 'contxt' that 'fields' names"},
        Fault{"rule_column", "{\"q\": \"a\", \"r\": \"b\"}\n",
              "fields: {instruction: q, response: r}\nkeep: {is_right: [true]}\n",
              "d.jsonl:1: no column 'is_right'"},
        Fault{"history", "{\"instruction\": \"a\", \"output\": \"b\", \"history\": [\"c\"]}\n", "",
              "d.jsonl:1: 'history' holds a text, must be a list of [user, assistant] pairs"},
        Fault{"messages", "{\"m\": {}}\n", "messages: {field: m}\n",
              "d.jsonl:1: 'm' is an object, must be a list of messages"},
        Fault{"message", "{\"m\": [{\"role\": \"user\", \"content\": [1]}]}\n",
              "messages: {field: m}\n", "d.jsonl:1: m[0]: 'content' is a list, must be a text"},
        Fault{"layout", "{\"a\": 1, \"b\": 2}\n", "",
              "d.jsonl:1: the columns a, b are no known layout"},
        Fault{"empty", "", kFields, "d.jsonl: dataset 'd' has no rows in this file"}),
    [](const auto& info) { return info.param.name; });

class BadRecipe : public DatasetTest, public testing::WithParamInterface<Fault> {};

TEST_P(BadRecipe, IsAUsageErrorWithThePlace) {
  folder_.write("d.jsonl", "{\"text\": \"a\"}\n");
  const auto path = folder_.write("d.yaml", GetParam().recipe);
  try {
    load_dataset_spec(path.string());
    FAIL() << "was taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(path.string() + GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Recipes, BadRecipe,
    testing::Values(
        Fault{"key", "", "files: [d.jsonl]\nlicence: x\n",
              ":2:1: unknown key 'licence'; did you mean 'license'?"},
        Fault{"files", "", "name: d\n", ":1:1: 'files' is missing"},
        Fault{"both", "", "files: [d.jsonl]\nfields: {response: r}\nmessages: {field: m}\n",
              ":3:1: has both 'fields' and 'messages'"},
        Fault{"response", "", "files: [d.jsonl]\nfields: {instruction: r}\n",
              ":2:1: 'fields.response' is missing"},
        Fault{"format", "", "files: [d.jsonl]\nformat: parqet\n",
              ":2:1: unknown value of 'format' 'parqet' (did you mean 'parquet'?"},
        Fault{"hub", "", "hub: {dataset: owner/name}\n", ":1:1: 'hub.files' is missing"},
        Fault{"hub_name", "", "hub: {dataset: owner, files: [a]}\n",
              ":1:7: 'hub.dataset' is 'owner', must be owner/name"},
        Fault{"hub_and_files", "", "files: [d.jsonl]\nhub: {dataset: a/b, files: [a]}\n",
              ":2:1: has both 'files' and 'hub'"},
        Fault{"turns", "", "files: [d.jsonl]\nmessages: {field: m, turns: frist}\n",
              ":2:22: unknown value of 'messages.turns' 'frist' (did you mean 'first'?"},
        Fault{"rule", "", "files: [d.jsonl]\nkeep: [a]\n", ":2:1: 'keep' must be a map"}),
    [](const auto& info) { return info.param.name; });

TEST_F(DatasetTest, AFolderIsAllItsDataFiles) {
  folder_.write("mine/b.json", "[{\"text\": \"b\"}]");
  folder_.write("mine/a/train.jsonl", "{\"text\": \"a\"}\n");
  folder_.write("mine/README.md", "# mine");
  folder_.write("mine/dataset_info.json", "{\"features\": {}}");
  folder_.write("mine/.cache/x.jsonl", "{\"text\": \"x\"}\n");
  for (const char* const name : {"mine", "mine/"}) {
    const Dataset dataset = read_dataset(load_dataset_spec((folder_.path() / name).string()));
    EXPECT_EQ(dataset.name, "mine");
    EXPECT_THAT(shown(dataset), ElementsAre(">a", ">b"));
    EXPECT_EQ(dataset.samples[0].source, "a/train.jsonl:1");
  }
  std::filesystem::create_directory(folder_.path() / "none");
  EXPECT_THROW(load_dataset_spec((folder_.path() / "none").string()), UsageError);
}

TEST_F(DatasetTest, APatternIsItsFolder) {
  folder_.write("mine/a.jsonl", "{\"text\": \"a\"}\n");
  folder_.write("mine/b.jsonl", "{\"text\": \"b\"}\n");
  const Dataset dataset =
      read_dataset(load_dataset_spec((folder_.path() / "mine/*.jsonl").string()));
  EXPECT_EQ(dataset.name, "mine");
  EXPECT_THAT(shown(dataset), ElementsAre(">a", ">b"));
}

TEST(HubDataset, IsAskedForWhereNothingHereHasThePath) {
  const DatasetSpec plain = load_dataset_spec("owner/some.name");
  EXPECT_EQ(plain.name, "some.name");
  EXPECT_EQ(plain.hub, (HubSource{.dataset = "owner/some.name",
                                  .revision = "refs/convert/parquet",
                                  .files = {"default/train/*.parquet"}}));
  EXPECT_EQ(load_dataset_spec("owner/name@v1").hub->revision, "v1");
  EXPECT_THROW(load_dataset_spec("owner/absent.jsonl"), UsageError);
  EXPECT_THROW(find_dataset_files(plain), Error);
  const TempFolder folder;
  const auto path = folder.write("a.jsonl", "{\"text\": \"a\"}\n");
  std::vector<std::string> asked;
  const auto files = find_dataset_files(plain, [&](const HubSource& source) {
    asked.push_back(source.dataset);
    return std::vector<DatasetFile>{{.path = path, .name = "a.jsonl"}};
  });
  EXPECT_THAT(asked, ElementsAre("owner/some.name"));
  EXPECT_EQ(files.at(0).path, path);
}

TEST_F(DatasetTest, AConversationMayBeTextsInTurn) {
  EXPECT_THAT(shown(read_rows("{\"conversations\": [\"a\", \"b\", \"c\", \"d\"]}\n"
                              "{\"conversations\": [\"a\"]}\n")),
              ElementsAre("a>b|c>d"));
}

TEST_F(DatasetTest, ARowOfAnotherTypeFarDownIsNamed) {
  std::string lines;
  std::string items = "[";
  for (int i = 0; i < 40'000; ++i) {
    lines += "{\"text\": \"a\"}\n";
    items += "{\"text\": \"a\"},\n";
  }
  folder_.write("d.jsonl", lines + "{\"text\": 5}\n");
  EXPECT_THAT(error_of("files: [d.jsonl]\n"), HasSubstr("d.jsonl:40001: 'text' is 5, must be a"));
  folder_.write("d.json", items + "{\"text\": [1]}]");
  EXPECT_THAT(error_of("files: [d.json]\n"), HasSubstr("d.json: row 40001: 'text' is a list"));
}

TEST_F(DatasetTest, MissingFilesAreNamed) {
  EXPECT_THAT(error_of("files: ['no/*.jsonl']\n"),
              HasSubstr("d.yaml: no file matches 'no/*.jsonl' in " + folder_.path().string()));
  EXPECT_THROW(load_dataset_spec((folder_.path() / "absent.jsonl").string()), UsageError);
  EXPECT_THROW(load_dataset_spec("no_such_dataset"), UsageError);
}

TEST_F(DatasetTest, CsvRowsAreMappedAlike) {
  const auto path = folder_.write("d.csv", "prompt,completion\na,b\n\"c\nd\",e\n");
  const Dataset dataset = read_dataset(load_dataset_spec(path.string()));
  EXPECT_THAT(shown(dataset), ElementsAre("a>b", "c\nd>e"));
  EXPECT_THAT(dataset.samples[1].source, HasSubstr("d.csv:3"));
}

TEST_F(DatasetTest, TheFormatOfTheRecipeWins) {
  folder_.write("rows.txt", "[{\"text\": \"a\"}]");
  EXPECT_THAT(shown(read("files: [rows.txt]\nformat: json\n")), ElementsAre(">a"));
}

TEST(QuickstartRecipe, ReadsTheProjectsOwnRows) {
  const Dataset dataset =
      read_dataset(load_dataset_spec(SFT_TEST_SOURCE_DIR "/configs/datasets/quickstart.yaml"));
  EXPECT_EQ(dataset.name, "quickstart");
  EXPECT_GE(dataset.samples.size(), 300U);
  EXPECT_EQ(dataset.dropped.total(), 0);
  EXPECT_EQ(dataset.samples[0].source, "../../data/quickstart/train.jsonl:1");
}

}  // namespace
}  // namespace sft
