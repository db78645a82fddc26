#pragma once

#include <string>

#include "temp_folder.h"

namespace sft {

// Made files in the layout of FastChat's and alpaca_eval's, small enough to read.
inline void write_judge_files(const TempFolder& folder) {
  folder.write(
      "mt_bench/question.jsonl",
      R"({"question_id": 81, "category": "writing", "turns": ["Write.", "Shorter {answer_1}."]}
{"question_id": 111, "category": "math", "turns": ["1+1?", "And 2+2?"], "reference": ["2", "4"]}
{"question_id": 82, "category": "writing", "turns": ["Sing.", "Again."]}
)");
  std::string prompts;
  for (const std::string name :
       {"single-v1", "single-math-v1", "single-v1-multi-turn", "single-math-v1-multi-turn"}) {
    const bool has_reference = name.find("math") != std::string::npos;
    const bool has_turns = name.find("turn") != std::string::npos;
    prompts +=
        "{\"name\": \"" + name + "\", \"system_prompt\": \"" + name +
        "!\", \"prompt_template\": \"" +
        (has_reference ? (has_turns ? "<{ref_answer_1}|{ref_answer_2}>" : "<{ref_answer_1}>")
                       : "") +
        (has_turns ? "{question_1}|{answer_1}|{question_2}|{answer_2}" : "{question}|{answer}") +
        " [[rating]]\"}\n";
  }
  folder.write("mt_bench/judge_prompts.jsonl", prompts);
  folder.write("mt_bench/reference_answer_gpt-4.jsonl",
               R"({"question_id": 111, "choices": [{"index": 0, "turns": ["It is 2.", "It is 4."]}]}
)");
  std::string outputs = "[";
  for (int i = 0; i < 6; ++i) {
    outputs += std::string(i == 0 ? "" : ",") + R"({"dataset": ")" + (i < 3 ? "koala" : "vicuna") +
               R"(", "instruction": "Do )" + std::to_string(i) + R"(.", "output": "Base )" +
               std::string(static_cast<size_t>(i) + 1, 'b') + R"(.", "generator": "g"})";
  }
  folder.write("alpaca_eval/gpt4_1106_preview_outputs.json", outputs + "]\n");
  folder.write("alpaca_eval/judge_prompt_alpaca_eval_clf.txt",
               "<|im_start|>system\nOfficial.\n<|im_end|>\n<|im_start|>user\n{instruction}: "
               "{output_1} or {output_2}?\n<|im_end|>");
}

}  // namespace sft
