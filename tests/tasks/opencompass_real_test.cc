// The rules held against vectors and prompts that OpenCompass 0.3.9's own functions made, which lie
// in ../shared/reference/opencompass, and against the benchmark files in ../shared/data/bench.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/table.h"
#include "sft/io/jsonl.h"
#include "sft/tasks/math_rules.h"
#include "sft/tasks/prompt.h"
#include "sft/tasks/short_answer.h"
#include "sft/tasks/task_selection.h"

namespace sft {
namespace {

class OpenCompass : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no folder ../shared";
    }
    reference_ = shared_folder() / "reference" / "opencompass";
    bench_ = shared_folder() / "data" / "bench";
    std::filesystem::current_path(SFT_TEST_SOURCE_DIR);
  }

  std::filesystem::path reference_;
  std::filesystem::path bench_;
};

// The reference's functions that are extractors here.
const std::map<std::string, std::string>& extractor_names() {
  static const std::map<std::string, std::string> kNames = {
      {"first_option_postprocess", "first_option"},
      {"first_option_postprocess@0.3.4", "first_option_whole"},
      {"first_capital_postprocess", "first_capital"},
      {"gsm8k_postprocess", "gsm8k_number"},
      {"gsm8k_dataset_postprocess", "gsm8k_gold"},
      {"math_postprocess_v2", "math_answer"},
      {"math_postprocess", "math_sentence"},
      {"humaneval_postprocess_v2", "fenced_code"},
      {"mbpp_process_answer", "mbpp_code"},
      {"nq_normalize_prediction", "nq_answer"},
      {"match_answer_pattern", "pattern"}};
  return kNames;
}

Json json_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

// Those that are functions here; null where they raise or find nothing.
Json call_function(const std::string& name, const std::vector<std::string>& args) {
  if (name == "normalize_final_answer") {
    return normalize_math_answer(args.at(0));
  }
  if (name == "math_strip_string_v2") {
    return json_or_null(strip_math_answer(args.at(0)));
  }
  if (name == "extract_boxed_answer") {
    return json_or_null(last_boxed(args.at(0)));
  }
  if (name == "general_postprocess") {
    return short_answer(args.at(0));
  }
  if (name == "math_is_equiv_v2") {
    return is_math_answer_equal(args.at(0), args.at(1));
  }
  if (name == "math_is_equiv_v1") {
    return is_math_answer_equal_v1(args.at(0), args.at(1));
  }
  return {};
}

// Scored above this layer, or not part of any rule (extract_role_pred changes nothing).
const std::set<std::string>& functions_of_others() {
  static const std::set<std::string> kNames = {
      "gsm8k_is_equal", "gsm8k_end2end",     "math_end2end_v2",      "nq_is_correct",
      "mbpp_execution", "extract_role_pred", "mtbench_single_score", "alpaca_v2_rank"};
  return kNames;
}

TEST_F(OpenCompass, EveryVectorPasses) {
  std::map<std::string, int> num_vectors;
  std::map<std::string, Extractor> made;
  JsonlReader reader(reference_ / "postprocess_vectors.jsonl");
  while (const auto row = reader.next()) {
    const auto name = row->value["fn"].get<std::string>();
    if (functions_of_others().contains(name)) {
      continue;
    }
    ++num_vectors[name];
    if (row->value["args"].front().is_null()) {
      continue;  // no reading gives None for a text
    }
    const auto args = row->value["args"].get<std::vector<std::string>>();
    const Json& expected = row->value["expected"];
    const auto found = extractor_names().find(name);
    if (found == extractor_names().end()) {
      EXPECT_EQ(call_function(name, args), expected.is_object() ? Json() : expected) << row->where;
      continue;
    }
    const std::string argument = args.size() > 1 ? args[1] : "";
    Extractor& read = made[name + argument];
    if (!read) {
      read = find_entry(extractors(), "extractor", found->second).make(argument);
    }
    const Extraction extraction = read(args.at(0));
    if (expected.is_object()) {  // {"raises": ...}
      EXPECT_FALSE(extraction.is_found) << row->where;
    } else {
      EXPECT_EQ(extraction.text, expected.get<std::string>()) << row->where;
    }
  }
  const std::map<std::string, int> expected = {
      {"first_option_postprocess", 126}, {"first_option_postprocess@0.3.4", 12},
      {"first_capital_postprocess", 16}, {"gsm8k_postprocess", 32},
      {"gsm8k_dataset_postprocess", 4},  {"math_postprocess_v2", 34},
      {"math_postprocess", 2},           {"normalize_final_answer", 35},
      {"math_strip_string_v2", 41},      {"math_is_equiv_v2", 63},
      {"math_is_equiv_v1", 3},           {"extract_boxed_answer", 6},
      {"humaneval_postprocess_v2", 16},  {"mbpp_process_answer", 27},
      {"general_postprocess", 19},       {"nq_normalize_prediction", 10},
      {"match_answer_pattern", 2}};
  EXPECT_EQ(num_vectors, expected);
}

Columns columns_of(const Json& row) {
  Columns columns;
  for (const auto& [name, value] : row.items()) {
    columns.push_back(
        {.name = name, .text = value.is_string() ? value.get<std::string>() : value.dump()});
  }
  return columns;
}

// The other of HumanEval's configs, of which there is a golden prompt.
constexpr const char* kOtherHumanEval = R"(
name: humaneval
file: x.jsonl
columns: {prompt: x, test: x}
answer: test
metric: pass@1
study: {extract: fenced_code, score: humaneval_tests}
shots:
  0:
    rounds:
      - human: "Read the following function signature and docstring, and fully implement the function described. Your response should only contain the code for this function.\n{prompt}"
    max_new_tokens: 512
)";

// The task, or text of a task's file, that stands for a golden prompt's config.
std::map<std::string, std::string> golden_tasks() {
  return {{"SuperGLUE_BoolQ/SuperGLUE_BoolQ_few_shot_gen_ba58ea BoolQ", "boolq:5"},
          {"mmlu/mmlu_gen_4d595a lukaemon_mmlu_college_biology", "mmlu:5"},
          {"gsm8k/gsm8k_gen_1d7fe4 gsm8k", "gsm8k:4"},
          {"nq/nq_open_gen_e93f8a nq_open_0shot", "nq:0"},
          {"nq/nq_open_gen_e93f8a nq_open_1shot", "nq:1"},
          {"nq/nq_open_gen_e93f8a nq_open_5shot", "nq:5"},
          {"nq/nq_open_gen_e93f8a nq_open_25shot", "nq:25"},
          {"hellaswag/hellaswag_gen_6faab5 hellaswag", "hellaswag:0"},
          {"math/math_0shot_gen_393424 math", "math:0"},
          {"humaneval/humaneval_openai_sample_evals_gen_159614 openai_humaneval", kOtherHumanEval},
          {"mbpp/sanitized_mbpp_gen_830460 sanitized_mbpp", "mbpp:3"}};
}

TaskChoice make_task(const std::string& name_or_yaml) {
  if (name_or_yaml.find('\n') == std::string::npos) {
    return choose_tasks(name_or_yaml).at(0);
  }
  const TaskSpec spec = read_task(ConfigNode::parse(name_or_yaml, "task.yaml"));
  return {.spec = spec, .shot = spec.shots.at(0)};
}

// Rounds that are part of a config lie in a file of their own; others come out of the golden pool.
std::vector<Columns> golden_exemplars(const TaskChoice& task, const Json& pool,
                                      const std::filesystem::path& bench) {
  std::vector<Columns> exemplars;
  if (!task.shot.exemplars) {
    return exemplars;
  }
  const bool is_fixed = task.shot.exemplars->file.find("fewshot") != std::string::npos;
  JsonlReader reader(bench / (is_fixed ? task.shot.exemplars->file : "gsm8k/test.jsonl"));
  for (const int64_t row : task.shot.exemplars->rows) {
    exemplars.push_back(is_fixed ? columns_of(reader.next()->value)
                                 : columns_of(pool[static_cast<size_t>(row)]));
  }
  return exemplars;
}

// MMLU's configs are made for each subject with its name in the text.
void add_subject(Columns& columns) {
  columns.insert(columns.begin(), {.name = "subject", .text = "college biology"});
}

std::string golden_prompt(const TaskChoice& task, const Json& item, const Json& pool,
                          const std::filesystem::path& bench) {
  Question question;
  question.columns = columns_of(item["test_row"]);
  std::vector<Columns> exemplars = golden_exemplars(task, pool, bench);
  if (task.spec.name == "mmlu") {
    add_subject(question.columns);
    std::for_each(exemplars.begin(), exemplars.end(), add_subject);
  }
  const std::string turn = item["mode"] == "meta_nl"
                               ? "###Question: {instruction}\n###Answer: {response}"
                               : "###Question: {instruction}###Answer: {response}";
  const Template layout{.name = "question_answer", .turn = turn, .separator = "\n"};
  return build_prompt(task, question, exemplars, meta_template(layout, PromptEnd::kExact));
}

TEST_F(OpenCompass, GoldenPromptsAreEqualByteForByte) {
  const Json golden = read_json(reference_ / "prompts_rendered.json");
  const std::map<std::string, std::string> tasks = golden_tasks();
  size_t num_checked = 0;
  for (const Json& item : golden["items"]) {
    const std::string name =
        item["config"].get<std::string>() + " " + item["abbr"].get<std::string>();
    const auto found = tasks.find(name);
    if (found == tasks.end()) {
      // A template that is a bare string is never laid out by a meta template.
      EXPECT_EQ(name, "mbpp/sanitized_mbpp_gen_742f0c sanitized_mbpp");
      continue;
    }
    const TaskChoice task = make_task(found->second);
    const Json& pool = golden["pools"][item["pool"].get<std::string>()];
    EXPECT_EQ(golden_prompt(task, item, pool, bench_), item["prompt"].get<std::string>())
        << name << " " << item["mode"];
    EXPECT_EQ(task.shot.max_new_tokens,
              item["max_out_len"].is_null() ? 100 : item["max_out_len"].get<int64_t>())
        << name;
    EXPECT_EQ(Json(task.shot.stops), item["stopping_criteria"]) << name;
    ++num_checked;
  }
  EXPECT_EQ(num_checked, 2 * tasks.size());
}

// From the benchmark's files to the questions: counts and labels that the reference states.
TEST_F(OpenCompass, QuestionsAreThoseOfTheStudy) {
  const TaskData boolq = load_task_data(choose_tasks("boolq:5").at(0), bench_, {});
  ASSERT_EQ(boolq.questions.size(), 3270);
  EXPECT_EQ(std::count_if(boolq.questions.begin(), boolq.questions.end(),
                          [](const Question& question) { return question.reference == "A"; }),
            2033);
  std::string labels;
  for (const Columns& exemplar : boolq.exemplars_of(boolq.questions.front())) {
    labels += column_text(exemplar, "label");
  }
  EXPECT_EQ(labels, "BAAAA");

  const TaskData gsm8k = load_task_data(choose_tasks("gsm8k:0").at(0), bench_, {});
  EXPECT_EQ(gsm8k.questions.size(), 1319);
  EXPECT_EQ(gsm8k.questions.front().reference, "18");
}

TEST_F(OpenCompass, MbppAsksTheTestRange) {
  const TaskData mbpp = load_task_data(choose_tasks("mbpp:3").at(0), bench_, {});
  ASSERT_EQ(mbpp.questions.size(), 257);
  EXPECT_EQ(mbpp.questions.front().id, "7");
  EXPECT_EQ(mbpp.questions.back().id, "263");
  const std::string prompt =
      build_prompt(choose_tasks("mbpp:0").at(0), mbpp.questions.front(), {}, std::nullopt);
  EXPECT_TRUE(prompt.ends_with("following format: ```python\n\n```")) << prompt;
}

// Of 3,610 questions 8 have a reference that every answer holds.
TEST_F(OpenCompass, NqHasEightQuestionsThatAnyAnswerSolves) {
  const TaskData nq = load_task_data(choose_tasks("nq:0").at(0), bench_, {});
  ASSERT_EQ(nq.questions.size(), 3610);
  std::vector<std::string> solved;
  for (const Question& question : nq.questions) {
    if (std::any_of(question.references.begin(), question.references.end(),
                    [](const std::string& reference) { return short_answer(reference).empty(); })) {
      solved.push_back(question.id);
    }
  }
  EXPECT_EQ(solved,
            (std::vector<std::string>{"196", "290", "363", "954", "1150", "1819", "2720", "3262"}));
}

TEST_F(OpenCompass, HellaswagIsLaidOutFromThePublishedRows) {
  const TaskData data = load_task_data(choose_tasks("hellaswag:0").at(0), bench_, {});
  EXPECT_TRUE(data.is_partial);
  EXPECT_EQ(column_text(data.questions[0].columns, "ctx"), "A man is sitting on a roof. He");
  EXPECT_EQ(column_text(data.questions[0].columns, "query"),
            "Roof shingle removal: A man is sitting on a roof. He");
  EXPECT_EQ(data.questions[0].reference, "D");
}

// Every task whose files are there can be read whole.
TEST_F(OpenCompass, EveryTaskReadsItsFile) {
  int num_read = 0;
  for (const char* const name : {"math:0", "humaneval:0", "truthfulqa:0", "cmmlu:0", "jmmlu:0",
                                 "arc:0", "piqa:0", "winogrande:0", "triviaqa:0"}) {
    const TaskChoice task = choose_tasks(name).at(0);
    ASSERT_EQ(missing_file(task, bench_), std::nullopt) << name;
    EXPECT_FALSE(load_task_data(task, bench_, {}).questions.empty()) << name;
    ++num_read;
  }
  EXPECT_EQ(num_read, 9);
}

TEST_F(OpenCompass, SubjectsHaveTheSizesOfTheStudy) {
  const TaskChoice task = choose_tasks("mmlu:5").at(0);
  const TaskData mmlu = load_task_data(task, bench_, {});
  const Json known = read_json(reference_ / "mmlu_subjects.json");
  ASSERT_EQ(mmlu.questions.size(), known["total_rows"].get<size_t>());
  std::map<std::string, int64_t> sizes;
  for (const Question& question : mmlu.questions) {
    ++sizes[question.group];
  }
  EXPECT_EQ(sizes.size(), 57);
  for (const Category& category : task.spec.categories) {
    EXPECT_EQ(Json(category.groups), known["categories"]["mmlu-" + category.name]);
    for (const std::string& group : category.groups) {
      EXPECT_EQ(sizes.erase(group), 1) << group;
    }
  }
  EXPECT_TRUE(sizes.empty());
}

}  // namespace
}  // namespace sft
