// Files that users write: the config of a run, a dataset's recipe, a template, a benchmark. The
// first byte says which.

#include <string>
#include <string_view>
#include <vector>

#include "fuzz.h"

#include "sft/data/dataset_spec.h"
#include "sft/estimate/train_config.h"
#include "sft/tasks/question.h"
#include "sft/tasks/task_spec.h"
#include "sft/text/template.h"

namespace {

using sft::ConfigNode;

// What is read is written to the run's folder, and read again from there.
void read_run(const std::string& text) {
  const ConfigNode root = ConfigNode::parse(text, "run.yaml");
  const sft::TrainConfig config = read_train_config(root);
  root.check();
  const std::string written = to_yaml(config);
  const ConfigNode again = ConfigNode::parse(written, "config.yaml");
  const std::string rewritten = to_yaml(read_train_config(again));
  again.check();
  SFT_CHECK(rewritten == written);
}

void read_template(const std::string& path) {
  const sft::Template layout = sft::load_template(path);
  const std::vector<sft::Turn> turns = {{"a", "b"}, {"{response}", ""}};
  const sft::LaidOutSample sample = lay_out_sample(layout, turns);
  SFT_CHECK(sample.responses.size() == 2 && sample.prompt_ends.size() == 2);
  for (const sft::TextSpan& span : sample.responses) {
    SFT_CHECK(span.begin <= span.end && span.end <= sample.text.size());
  }
  lay_out_prompt(layout, turns, sft::PromptEnd::kTrimmed);
}

void read_benchmark(const std::string& text, const std::filesystem::path& data) {
  const sft::TaskSpec task = sft::read_task(ConfigNode::parse(text, "task.yaml"));
  for (const sft::ShotSpec& shot : task.shots) {
    const sft::TaskChoice choice = {.spec = task, .shot = shot};
    if (!missing_file(choice, data)) {
      load_task_data(choice, data, {});
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sft;  // NOLINT(google-build-using-namespace)
  if (size == 0) {
    return 0;
  }
  static const FuzzFolder folder;
  static const std::filesystem::path rows = folder.write(
      "rows.jsonl", R"({"question": "q", "answer": "A", "list": ["x", "y"], "subject": "s"})");
  const std::string text(as_text(data + 1, size - 1));
  expect_taken_or_refused([&] {
    switch (data[0] % 4) {
      case 0:
        return read_run(text);
      case 1: {
        const DatasetSpec spec = load_dataset_spec(folder.write("set.yaml", text).string());
        find_dataset_files(spec);
        return;
      }
      case 2:
        return read_template(folder.write("template.yaml", text).string());
      default:
        return read_benchmark(text, folder.path());
    }
  });
  return 0;
}

namespace sft {

std::vector<std::string> fuzz_seeds() {
  return {
      std::string(1, '\0') +
          "model: m\nmethod: full\ndata:\n  datasets: [./a.jsonl]\n  samples: 10\n  template: "
          "plain\n"
          "  validation: {fraction: 0.1}\n  fits_tokenizers: [x/y]\n"
          "train: {epochs: 2, adam_betas: [0.9, 0.99], schedule: linear, precision: float32}\n"
          "checkpoints: {save: {steps: 5}, keep: 3, dtype: bf16}\noutput: out\n",
      "\x01name: mine\nfiles: [rows.jsonl, '*.jsonl']\nformat: jsonl\n"
      "fields: {instruction: question, input: list, response: answer}\n"
      "keep: {subject: [s]}\ndrop: {answer: [none]}\nlicense: mit\nmean_tokens: 10\n",
      "\x01files: rows.jsonl\nmessages: {field: c, role: from, content: value, user: h,"
      " assistant: g, turns: first}\n",
      "\x02name: t\nturn: \"Q: {instruction}\\nA: {response}\"\nseparator: \"\\n\"\n",
      "\x03name: task\nversion: 2\nfile: rows.jsonl\ncolumns:\n  question: '{question}'\n"
      "  pick: {value: '{list[0]}', replace: {x: z}}\n  letter: {value: '{answer}', map: {A: a}}\n"
      "answer: letter\ngroup: '{subject}'\naverage: groups\ncategories: {all: [s]}\n"
      "metric: accuracy\nstudy: {extract: first_option, options: AB, score: exact_match}\n"
      "shots:\n  0:\n    rounds: [{human: 'Q {question}'}, {bot: 'A '}]\n    stops: [\"\\n\"]\n"
      "  1:\n    exemplars: {file: rows.jsonl, rows: [0], same_group: true,"
      " rounds: [{human: '{question}'}, {bot: '{letter}'}]}\n    rounds: [{human: '{pick}'}]\n",
  };
}

std::vector<std::string> fuzz_words() {
  return {"model",
          "method",
          "lora",
          "data",
          "datasets",
          "all_but",
          "samples",
          "validation",
          "train",
          "checkpoints",
          "steps",
          "keep",
          "best",
          "output",
          "fields",
          "history",
          "messages",
          "files",
          "format",
          "parquet",
          "hub",
          "../",
          "*",
          "[a-",
          "\\",
          "{",
          "}",
          "{response}",
          "{instruction}",
          "turn",
          "separator",
          "exemplars",
          "rounds",
          "human",
          "bot",
          "replace",
          "map",
          "value",
          "options",
          "extract",
          "study",
          "strict",
          "{list[0]}",
          "{list[18446744073709551616]}",
          "\n  ",
          ": ",
          "- ",
          "stops",
          "group",
          "categories",
          "/",
          "rows.jsonl"};
}

}  // namespace sft
