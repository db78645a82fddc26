#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sft/tasks/columns.h"
#include "sft/tasks/extractor.h"

namespace sft {

enum class Role { kHuman, kBot };

// One line of a conversation, with {column} where the question's columns go.
struct RoundItem {
  Role role = Role::kHuman;
  std::string text;
  bool is_own_answer = false;  // what the model said here; what follows is asked after that
};

// Worked examples in front of the question: the listed rows of a file, in this order, each laid out
// by `rounds`.
struct ExemplarSpec {
  std::string file;  // under the data folder
  std::vector<int64_t> rows;
  bool is_same_group = false;  // rows of the question's group alone, counted inside it
  std::vector<ColumnSpec> columns;
  std::vector<RoundItem> rounds;
};

// What is asked of the model: a text, or only how probable it finds each choice.
enum class RequestKind { kGenerate, kLikelihood };

// How probable each choice is as the response to the question: the log-probability of `completion`
// behind the prompt. {choice} in both is the choice's text. Tasks that have it are scored by it
// too, as accuracy of the likeliest choice and of the likeliest per byte of its text.
struct LikelihoodSpec {
  std::vector<RoundItem> rounds;  // empty: the shot's own, with its worked examples
  std::string completion = " {choice}";
};

// A task at one number of worked examples.
struct ShotSpec {
  int64_t shots = 0;
  std::vector<RoundItem> begin;  // said once, in front of the exemplars
  std::optional<ExemplarSpec> exemplars;
  std::vector<RoundItem> rounds;  // the question; a last BOT item is where the response goes on
  RequestKind request = RequestKind::kGenerate;
  int64_t max_new_tokens = 0;
  std::vector<std::string> stops;

  // How many answers a question takes: one more than `rounds` has of the model's own.
  size_t num_turns() const;
};

// How a response becomes a score: an extractor, and a scorer that compares what it found with the
// reference. Scorers are known to the layer above, which needs `where` for its message.
struct ReadingSpec {
  std::string extract;
  std::string options;  // the letters to choose from, for extractors that need them
  std::string score;
  std::string where;    // "file:line:column"
  std::string pattern;  // the regular expression of the extractor that needs one

  Extractor extractor() const;
};

// How a judge is asked about responses, in place of readings. Protocols are known to the layer
// above, which needs `where` for its messages; what a file or text is for is said by its name.
struct JudgeSpec {
  using Names = std::vector<std::pair<std::string, std::string>>;
  std::string protocol;
  Names files;           // under the data folder
  Names optional_files;  // without which less is reported
  Names texts;           // wording of the protocol
  std::string where;     // "file:line:column"
};

enum class Average {
  kQuestions,  // every question counts alike
  kGroups,     // the mean of the groups' scores, each rounded to two decimals, as the study has it
};

// A named set of groups with a score of its own.
struct Category {
  std::string name;
  std::vector<std::string> groups;
};

// The first and the last row of a file that are questions; the others are passed over.
struct RowRange {
  int64_t first = 0;
  int64_t last = 0;
};

// Choices of a question: a text, or a list of the row; a text is cut where `split` stands.
struct ChoiceSpec {
  ColumnSpec value;
  std::string split;  // "": not cut
};

// A benchmark, read from configs/tasks/<name>.yaml (see gsm8k.yaml for every key explained).
struct TaskSpec {
  std::string name;
  int64_t version = 1;      // raised with every change of rules that can change a score
  bool is_verified = true;  // its scores were held against the other implementation's
  std::string source;       // whose rules these are
  std::string file;         // the questions, under the data folder
  std::optional<RowRange> rows;
  std::vector<ColumnSpec> columns;
  // The column that holds the answer; empty in the question's own prompt. "": there is none, as
  // where a judge decides.
  std::string answer;
  std::string gold;  // the extractor that reads the reference out of the answer; "": as it is
  std::optional<ColumnSpec> references;  // a list of texts each of which is right
  std::optional<ColumnSpec> group;
  Average average = Average::kQuestions;
  std::vector<Category> categories;
  std::vector<ColumnSpec> subscores;  // each value of each has a score of its own
  std::vector<ChoiceSpec> choices;
  std::optional<LikelihoodSpec> likelihood;
  std::string metric;
  std::optional<ReadingSpec> study;  // none where nothing is generated, or a judge reads
  std::optional<ReadingSpec> strict;
  std::optional<JudgeSpec> judge;
  std::vector<ShotSpec> shots;

  const ShotSpec* find_shots(int64_t count) const;  // nullptr where there are none such
};

// Throws UsageError with all faults of the file.
TaskSpec load_task(const std::filesystem::path& path);
TaskSpec read_task(const ConfigNode& root);

// A task at one number of shots, as `--tasks` names it.
struct TaskChoice {
  TaskSpec spec;
  ShotSpec shot;
};

}  // namespace sft
