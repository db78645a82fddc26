#include "sft/tasks/extractor.h"

#include <array>

#include "tasks/rules.h"

namespace sft {
namespace {

using Argument = ExtractorRow::Argument;

constexpr std::array kExtractors = {
    ExtractorRow{.name = "first_option", .argument = Argument::kOptions, .make = make_first_option},
    ExtractorRow{.name = "first_option_whole",
                 .argument = Argument::kOptions,
                 .make = make_first_option_whole},
    ExtractorRow{.name = "first_capital", .argument = Argument::kNone, .make = make_first_capital},
    ExtractorRow{
        .name = "option_letter", .argument = Argument::kOptions, .make = make_option_letter},
    ExtractorRow{.name = "gsm8k_gold", .argument = Argument::kNone, .make = make_gsm8k_gold},
    ExtractorRow{.name = "gsm8k_number", .argument = Argument::kNone, .make = make_gsm8k_number},
    ExtractorRow{.name = "final_number", .argument = Argument::kNone, .make = make_final_number},
    ExtractorRow{.name = "boxed", .argument = Argument::kNone, .make = make_boxed},
    ExtractorRow{.name = "math_answer", .argument = Argument::kNone, .make = make_math_answer},
    ExtractorRow{.name = "math_sentence", .argument = Argument::kNone, .make = make_math_sentence},
    ExtractorRow{.name = "final_math", .argument = Argument::kNone, .make = make_final_math},
    ExtractorRow{.name = "nq_answer", .argument = Argument::kNone, .make = make_nq_answer},
    ExtractorRow{.name = "first_line", .argument = Argument::kNone, .make = make_first_line},
    ExtractorRow{.name = "pattern", .argument = Argument::kPattern, .make = make_pattern},
    ExtractorRow{.name = "mbpp_code", .argument = Argument::kNone, .make = make_mbpp_code},
    ExtractorRow{.name = "fenced_code", .argument = Argument::kNone, .make = make_fenced_code},
    ExtractorRow{.name = "function_body", .argument = Argument::kNone, .make = make_function_body},
};

}  // namespace

std::span<const ExtractorRow> extractors() {
  return kExtractors;
}

}  // namespace sft
