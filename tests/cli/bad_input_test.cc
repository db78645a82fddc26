// What a user can get wrong, a row each: the exit code, what the message names, and that nothing is
// left behind or overwritten.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run_binary.h"
#include "workplace.h"

#include "sft/io/json.h"

namespace sft {
namespace {

using testing::HasSubstr;

constexpr const char* kWeight = "model.layers.0.mlp.up_proj.weight";

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// A safetensors file in its two parts.
struct Weights {
  Json header;
  std::string data;

  std::string bytes() const {
    const std::string text = header.dump();
    return bytes_of<uint64_t>(text.size()) + text + data;
  }
};

Weights split(const std::string& bytes) {
  uint64_t size = 0;
  bytes.copy(reinterpret_cast<char*>(&size), sizeof(size));
  return {.header = Json::parse(bytes.substr(8, size)), .data = bytes.substr(8 + size)};
}

using Damage = std::function<void(const TempFolder& folder)>;

// Changes one file of the model, given and returned whole.
Damage change(const std::string& name, const std::function<std::string(std::string)>& edit) {
  return [=](const TempFolder& folder) {
    folder.write("model/" + name, edit(read_whole_file(folder.path() / "model" / name)));
  };
}
Damage change_weights(const std::function<void(Weights&)>& edit) {
  return change("model.safetensors", [=](const std::string& bytes) {
    Weights weights = split(bytes);
    edit(weights);
    return weights.bytes();
  });
}
Damage change_config(const std::string& key, const Json& value) {
  return change("config.json", [=](const std::string& bytes) {
    Json config = Json::parse(bytes);
    config[key] = value;
    return config.dump();
  });
}
Damage write(const std::string& name, const std::string& bytes) {
  return [=](const TempFolder& folder) { folder.write(name, bytes); };
}
Damage remove(const std::string& name) {
  return [=](const TempFolder& folder) { std::filesystem::remove(folder.path() / name); };
}
Damage nothing() {
  return [](const TempFolder&) {};
}

std::string source_file(const std::string& name) {
  return std::string(SFT_TEST_SOURCE_DIR) + "/" + name;
}

struct Case {
  const char* name;
  Damage damage;
  std::vector<std::string> arguments;
  int exit_code;
  std::vector<std::string> faults;  // what each line of stderr holds, in their order

  friend std::ostream& operator<<(std::ostream& out, const Case& value) {
    return out << value.name;
  }
};

const std::vector<std::string> kScore = {"score",       "--ckpt",   "model",    "--input",
                                         "pairs.jsonl", "--output", "out.jsonl"};
const std::vector<std::string> kTrain = {"train", "--config", "run.yaml"};

std::vector<std::string> train_with(const std::string& override_text) {
  return {"train", "--config", "run.yaml", "--set", override_text};
}

void cut(std::string& bytes) {
  bytes.resize(bytes.size() / 2);
}

std::vector<Case> model_folder_cases() {
  return {
      {"UnknownArchitecture",
       change_config("model_type", "mamba9"),
       kScore,
       1,
       {"model/config.json: unknown model_type 'mamba9' (known: llama"}},
      {"ConfigIsNoJson",
       write("model/config.json", R"({"model_type": "lla)"),
       kScore,
       1,
       {"model/config.json: broken JSON at column"}},
      {"HugeHiddenSize",
       change_config("hidden_size", int64_t{1} << 50),
       kScore,
       1,
       {"'hidden_size' is 1125899906842624"}},
      {"NegativeLayers",
       change_config("num_hidden_layers", -3),
       kScore,
       1,
       {"'num_hidden_layers' is -3"}},
      {"NoModelFolder",
       nothing(),
       {"score", "--ckpt", "modle", "--input", "pairs.jsonl", "--output", "out.jsonl"},
       1,
       {"modle: no such"}},
      {"NoWeights",
       remove("model/model.safetensors"),
       kScore,
       1,
       {"model: has neither model.safetensors nor model.safetensors.index.json"}},
      {"NoConfig", remove("model/config.json"), kScore, 1, {"model/config.json: "}},
      {"NoTokenizer", remove("model/tokenizer.json"), kScore, 1, {"model: no tokenizer.json"}},
  };
}

std::vector<Case> weight_cases() {
  return {
      {"CutWeights",
       change("model.safetensors",
              [](std::string b) {
                cut(b);
                return b;
              }),
       kScore,
       1,
       {"model/model.safetensors: tensor 'model.layers."}},
      {"ThreeBytesOfWeights",
       write("model/model.safetensors", "abc"),
       kScore,
       1,
       {"model/model.safetensors: 3 bytes long"}},
      {"HeaderLongerThanTheFile",
       change("model.safetensors",
              [](const std::string& b) { return bytes_of<uint64_t>(1ULL << 60) + b.substr(8); }),
       kScore,
       1,
       {"model/model.safetensors: says its header takes 1152921504606846976 bytes"}},
      {"OffsetsBeyondTheFile",
       change_weights([](Weights& w) {
         w.header[kWeight]["data_offsets"] = {0, 1LL << 50};
       }),
       kScore,
       1,
       {"'data_offsets' [0, 1125899906842624] hold 1125899906842624"}},
      {"ShapeThatOverflows",
       change_weights([](Weights& w) {
         w.header[kWeight]["shape"] = {1LL << 40, 1LL << 40};
       }),
       kScore,
       1,
       {"shape [1099511627776, 1099511627776] of F32 needs more than 2^64 bytes"}},
      {"WrongShape",
       change_weights([](Weights& w) {
         w.header[kWeight]["shape"] = {32, 96};
       }),
       kScore,
       1,
       {"model.layers.0.mlp.up_proj.weight: shape [32, 96] in the file, [96, 32] by config.json"}},
      {"WrongDtype",
       change_weights([](Weights& w) { w.header[kWeight]["dtype"] = "I32"; }),
       kScore,
       1,
       {"model.layers.0.mlp.up_proj.weight: dtype I32"}},
      {"NotANumber",
       change_weights([](Weights& w) {
         const size_t begin = w.header[kWeight]["data_offsets"][0].get<size_t>();
         w.data.replace(begin, 4, bytes_of(std::numeric_limits<float>::quiet_NaN()));
       }),
       kScore,
       1,
       {"model.layers.0.mlp.up_proj.weight: element 0 is NaN"}},
  };
}

std::vector<Case> config_cases() {
  return {
      {"BrokenConfig",
       write("run.yaml",
             "modle: model\n"
             "data:\n"
             "  datasets: [rows.yaml]\n"
             "  tempalte: question_answer\n"
             "train:\n"
             "  epochs: two\n"
             "  learning_rate: -1\n"
             "output: run\n"),
       kTrain,
       2,
       {"run.yaml:1:1: 'model' is missing",
        "run.yaml:1:1: unknown key 'modle'; did you mean 'model'?",
        "run.yaml:4:3: unknown key 'data.tempalte'; did you mean 'template'?",
        "run.yaml:6:3: 'train.epochs' is 'two'", "run.yaml:7:3: 'train.learning_rate' is '-1'"}},
      {"NotYaml", write("run.yaml", "model: [1,\n b: }\n"), kTrain, 2, {"run.yaml:2:5: not YAML"}},
      {"BrokenDatasetFile",
       write("rows.yaml", "name: rows\nfils: [rows.jsonl]\nformat: jsn\n"),
       kTrain,
       2,
       {"rows.yaml:1:1: 'files' is missing",
        "rows.yaml:2:1: unknown key 'fils'; did you mean 'files'?",
        "rows.yaml:3:1: unknown value of 'format' 'jsn'"}},
      {"BrokenTemplateFile",
       write("mine.yaml", "name: mine\nturn: \"{instruction}\"\nsep: x\n"),
       train_with("data.template=mine.yaml"),
       2,
       {"mine.yaml:2:1: a turn holds {response}", "mine.yaml:3:1: unknown key 'sep'"}},
      {"UnknownTemplate",
       nothing(),
       train_with("data.template=question_anwser"),
       2,
       {"unknown template 'question_anwser' (did you mean 'question_answer'?"}},
      {"UnknownDataset",
       nothing(),
       train_with("data.datasets=[quikstart]"),
       2,
       {"unknown dataset 'quikstart' (did you mean 'quickstart'?"}},
      {"UnknownKeyOnTheCommandLine",
       nothing(),
       train_with("train.batchsize=3"),
       2,
       {"--set train.batchsize=3: unknown key 'train.batchsize'; did you mean 'batch_size'?"}},
      {"UnknownConfig",
       nothing(),
       {"train", "--config", "quickstrat.yaml"},
       2,
       {"unknown config 'quickstrat.yaml'"}},
      {"UnknownTask",
       nothing(),
       {"eval", "--ckpt", "model", "--tasks", "gsm9k:0", "--output", "out"},
       2,
       {"unknown task 'gsm9k' (did you mean 'gsm8k'?"}},
      {"UnknownShots",
       nothing(),
       {"eval", "--ckpt", "model", "--tasks", "gsm8k:7", "--output", "out"},
       2,
       {"gsm8k:7: no such number of shots"}},
      {"UnknownCommand", nothing(), {"scor"}, 2, {"unknown command 'scor' (did you mean 'score'?"}},
      {"UnknownFlag",
       nothing(),
       {"tokenize", "--ckpt", "model", "--text", "a", "--frobnicate"},
       2,
       {"--frobnicate"}},
      {"UnknownSize",
       nothing(),
       {"init", "--size", "{hiden_size: 32}", "--output", "new"},
       2,
       {"--size:1:2: unknown key 'hiden_size'; did you mean 'hidden_size'?"}},
  };
}

std::vector<Case> data_cases() {
  return {
      {"BrokenTrainingRow",
       write("rows.jsonl",
             "{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"c\", \"ou\n"
             "{\"instruction\": \"e\", \"output\": \"f\"}\n"),
       kTrain,
       1,
       {"rows.jsonl:2: broken JSON at column"}},
      {"BrokenScoreLine",
       write("pairs.jsonl",
             "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"co\n"
             "{\"prompt\": \"a\", \"completion\": \"b\"}\n"),
       kScore,
       1,
       {"pairs.jsonl:2: broken JSON at column"}},
      {"MissingField",
       write("pairs.jsonl", "{\"prompt\": \"a\"}\n"),
       kScore,
       1,
       {"pairs.jsonl:1: 'completion' is missing"}},
      {"InvalidUtf8",
       write("pairs.jsonl", "{\"prompt\": \"\xff\", \"completion\": \"b\"}\n"),
       kScore,
       1,
       {"pairs.jsonl:1: "}},
      {"IdOutsideTheVocabulary",
       write("pairs.jsonl", "{\"prompt_ids\": [1], \"completion_ids\": [99999]}\n"),
       kScore,
       1,
       {"99999"}},
      {"LongerThanTheContext",
       write("pairs.jsonl", R"({"prompt": "a", "completion": "b"})"
                            "\n"
                            R"({"prompt": ")" +
                                std::string(3000, '!') +
                                R"(", "completion": "b"})"
                                "\n"),
       kScore,
       1,
       {"pairs.jsonl:2: "}},
      {"OnlyEmptyResponses",
       write("rows.jsonl", "{\"instruction\": \"a\", \"output\": \"\"}\n"),
       kTrain,
       1,
       {"no samples are left of 1 read: 1 dropped (1 empty_response)"}},
      {"NothingShortEnough",
       nothing(),
       train_with("data.max_length=3"),
       1,
       {"no samples are left of 24 read: 24 dropped (24 too_long); data.max_length is 3"}},
      {"MoreSamplesThanThereAre",
       nothing(),
       train_with("data.samples=50"),
       1,
       {"data.samples is 50, but there are 24"}},
      {"NoInput",
       nothing(),
       {"score", "--ckpt", "model", "--input", "none.jsonl", "--output", "out.jsonl"},
       1,
       {"none.jsonl: "}},
      {"NoGguf",
       nothing(),
       {"import", "rows.jsonl", "--output", "new"},
       1,
       {"rows.jsonl: is no GGUF file"}},
  };
}

std::vector<Case> output_cases() {
  const std::vector<std::string> generate = {"generate", "--ckpt",           "model", "--prompt",
                                             "a",        "--max-new-tokens", "2",     "--output"};
  const auto to = [](std::vector<std::string> arguments, const std::string& output) {
    arguments.push_back(output);
    return arguments;
  };
  const std::vector<std::string> score(kScore.begin(), kScore.end() - 1);
  return {
      {"ScoreThroughAFile", nothing(), to(score, "rows.jsonl/x"), 1, {"rows.jsonl/x: "}},
      {"ScoreToAFolder", nothing(), to(score, "model"), 1, {"model: is a folder"}},
      {"ScoreToADevice",
       nothing(),
       to(score, "/dev/full"),
       1,
       {"/dev/full: is not a regular file"}},
      {"ScoreWhereNothingCanBe", nothing(), to(score, "/proc/nope/x"), 1, {"/proc/nope"}},
      {"GenerateThroughAFile", nothing(), to(generate, "rows.jsonl/x"), 1, {"rows.jsonl/x: "}},
      {"TrainThroughAFile", nothing(), train_with("output=rows.jsonl/x"), 1, {"rows.jsonl/x: "}},
      {"TrainOntoAFile", nothing(), train_with("output=rows.jsonl"), 1, {"rows.jsonl: "}},
      {"TrainWhereNothingCanBe", nothing(), train_with("output=/proc/nope"), 1, {"/proc/nope: "}},
      {"TrainIntoAForeignFolder", nothing(), train_with("output=model"), 1, {"model: "}},
      {"InitOntoAModel", nothing(), {"init", "--output", "model"}, 1, {"model: exists already"}},
      {"ImportOntoAModel",
       nothing(),
       {"import", source_file("tests/reference/small.gguf"), "--output", "model"},
       1,
       {"model: exists already"}},
      {"EvalThroughAFile",
       nothing(),
       {"eval", "--ckpt", "model", "--tasks", "gsm8k:0", "--data-dir",
        source_file("data/quickstart/bench"), "--limit", "1", "--output", "rows.jsonl/x"},
       1,
       {"rows.jsonl/x"}},
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const std::vector<Case>& some :
       {model_folder_cases(), weight_cases(), config_cases(), data_cases(), output_cases()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

class BadInput : public Workplace, public testing::WithParamInterface<Case> {};

TEST_P(BadInput, IsNamedAndLeavesNothing) {
  const Case& test = GetParam();
  folder.write("pairs.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
  test.damage(folder);
  const auto before = files_of(".");
  const auto begin = std::chrono::steady_clock::now();
  const BinaryResult result = sft(test.arguments);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(result.exit_code, test.exit_code);
  EXPECT_EQ(result.out, "");
  std::vector<std::string> lines = lines_of(result.err);
  // What preparing the data has to say comes before.
  std::erase_if(lines, [](const std::string& line) {
    return !line.starts_with("sft: ") && line.find(" [data] ") != std::string::npos;
  });
  ASSERT_EQ(lines.size(), test.faults.size()) << result.err;
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_TRUE(lines[i].starts_with("sft: error: ")) << lines[i];
    EXPECT_THAT(lines[i], HasSubstr(test.faults[i]));
  }
  EXPECT_TRUE(files_of(".") == before) << "files were left or changed";
}
INSTANTIATE_TEST_SUITE_P(All, BadInput, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace sft
