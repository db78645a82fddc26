// The rules held against vectors and prompts that OpenCompass 0.3.9's own functions made, which lie
// in ../shared/reference/opencompass, and against the benchmark files in ../shared/data/bench.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/table.h"
#include "sft/io/jsonl.h"
#include "sft/tasks/prompt.h"

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

struct Vector {
  std::string extractor;
  std::string options;
  std::string response;
  Json expected;
};

// Of the vectors' functions those that are extractors here.
std::optional<Vector> read_vector(const Json& row) {
  static const std::map<std::string, std::string> kExtractorOf = {
      {"first_option_postprocess", "first_option"},
      {"first_capital_postprocess", "first_capital"},
      {"gsm8k_postprocess", "gsm8k_number"},
      {"gsm8k_dataset_postprocess", "gsm8k_gold"}};
  const auto found = kExtractorOf.find(row["fn"].get<std::string>());
  if (found == kExtractorOf.end()) {
    return std::nullopt;
  }
  const Json& args = row["args"];
  return Vector{.extractor = found->second,
                .options = args.size() > 1 ? args[1].get<std::string>() : "",
                .response = args[0].get<std::string>(),
                .expected = row["expected"]};
}

TEST_F(OpenCompass, EveryVectorOfTheExtractorsPasses) {
  std::map<std::string, int> num_vectors;
  std::map<std::string, Extractor> made;
  JsonlReader reader(reference_ / "postprocess_vectors.jsonl");
  while (const auto row = reader.next()) {
    const std::optional<Vector> vector = read_vector(row->value);
    if (!vector) {
      continue;
    }
    Extractor& read = made[vector->extractor + vector->options];
    if (!read) {
      read = find_entry(extractors(), "extractor", vector->extractor).make(vector->options);
    }
    const Extraction found = read(vector->response);
    if (vector->expected.is_object()) {  // {"raises": ...}
      EXPECT_FALSE(found.is_found) << row->where;
    } else {
      EXPECT_EQ(found.text, vector->expected.get<std::string>()) << row->where;
    }
    ++num_vectors[vector->extractor];
  }
  EXPECT_EQ(num_vectors["first_option"], 126);
  EXPECT_EQ(num_vectors["first_capital"], 16);
  EXPECT_EQ(num_vectors["gsm8k_number"], 32);
  EXPECT_EQ(num_vectors["gsm8k_gold"], 4);
}

Columns columns_of(const Json& row) {
  Columns columns;
  for (const auto& [name, value] : row.items()) {
    columns.push_back(
        {.name = name, .text = value.is_string() ? value.get<std::string>() : value.dump()});
  }
  return columns;
}

// Tasks that are not in configs/tasks: that their prompts come out right shows that a task's YAML
// can say what OpenCompass's templates do.
std::string other_task(const std::string& name, const std::string& columns,
                       const std::string& answer, const std::string& shots) {
  return "name: " + name + "\nfile: x.jsonl\ncolumns: " + columns + "\nanswer: " + answer +
         "\nmetric: accuracy\nstudy: {extract: first_capital, score: equal}\nshots:\n" + shots;
}

std::string natural_questions(int64_t shots) {
  std::string yaml = "  " + std::to_string(shots) + ":\n";
  if (shots > 0) {
    std::string rows;
    for (int64_t row = 0; row < shots; ++row) {
      rows += std::to_string(row) + ", ";
    }
    yaml += "    exemplars:\n      file: train.jsonl\n      rows: [" + rows + "]\n";
    yaml += R"(      rounds: [{human: "Q: {question}?"}, {bot: "A: {answer}.\n"}])";
    yaml += "\n    stops: [\"Q:\", \"\\n\"]\n";
  }
  yaml += R"(    rounds: [{human: "Q: {question}?"}, {bot: "A:"}])";
  return other_task("nq", "{question: x, answer: x}", "answer",
                    yaml + "\n    max_new_tokens: 50\n");
}

std::string zero_shot(const std::string& name, const std::string& columns,
                      const std::string& answer, const std::string& human, int max_new_tokens) {
  return other_task(name, columns, answer,
                    "  0: {rounds: [{human: \"" + human +
                        "\"}], max_new_tokens: " + std::to_string(max_new_tokens) + "}\n");
}

const std::string kMbppExemplars = R"(  3:
    exemplars:
      file: mbpp/fewshot_3shot.jsonl
      rows: [0, 1, 2]
      columns: {human: "{human}", bot: "{bot}"}
      rounds: [{human: "{human}"}, {bot: "{bot}"}]
    rounds:
      - human: "You are an expert Python programmer, and here is your task: {text} Your code should pass these tests:\n\n {test_list}  \n"
      - bot: "[BEGIN]\n"
    max_new_tokens: 512
)";

// The YAML that stands for a golden prompt's config: text of a task file, or a name of ours.
std::map<std::string, std::string> golden_tasks() {
  return {
      {"SuperGLUE_BoolQ/SuperGLUE_BoolQ_few_shot_gen_ba58ea BoolQ", "boolq:5"},
      {"mmlu/mmlu_gen_4d595a lukaemon_mmlu_college_biology", "mmlu:5"},
      {"gsm8k/gsm8k_gen_1d7fe4 gsm8k", "gsm8k:4"},
      {"nq/nq_open_gen_e93f8a nq_open_0shot", natural_questions(0)},
      {"nq/nq_open_gen_e93f8a nq_open_1shot", natural_questions(1)},
      {"nq/nq_open_gen_e93f8a nq_open_5shot", natural_questions(5)},
      {"nq/nq_open_gen_e93f8a nq_open_25shot", natural_questions(25)},
      {"hellaswag/hellaswag_gen_6faab5 hellaswag",
       zero_shot(
           "hellaswag", "{ctx: x, A: x, B: x, C: x, D: x, label: x}", "label",
           "{ctx}\\nQuestion: Which ending makes the most sense?\\nA. {A}\\nB. {B}\\nC. {C}\\n"
           "D. {D}\\nYou may choose from 'A', 'B', 'C', 'D'.\\nAnswer:",
           100)},
      {"math/math_0shot_gen_393424 math",
       zero_shot("math", "{problem: x, solution: x}", "solution",
                 "{problem}\\nPlease reason step by step, and put your final answer within "
                 "\\\\boxed{}.",
                 1024)},
      {"humaneval/humaneval_openai_sample_evals_gen_159614 openai_humaneval",
       zero_shot("humaneval", "{prompt: x, test: x}", "test",
                 "Read the following function signature and docstring, and fully implement the "
                 "function described. Your response should only contain the code for this "
                 "function.\\n{prompt}",
                 512)},
      {"mbpp/sanitized_mbpp_gen_830460 sanitized_mbpp",
       other_task("mbpp", "{text: x, test_list: x, test_list_2: x}", "test_list_2",
                  kMbppExemplars)},
  };
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
  Question question{
      .id = "0", .group = "", .columns = columns_of(item["test_row"]), .reference = ""};
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
