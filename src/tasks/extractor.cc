#include "sft/tasks/extractor.h"

#include <array>

#include "tasks/rules.h"

namespace sft {
namespace {

constexpr std::array kExtractors = {
    ExtractorRow{.name = "first_option", .needs_options = true, .make = make_first_option},
    ExtractorRow{.name = "first_capital", .needs_options = false, .make = make_first_capital},
    ExtractorRow{.name = "option_letter", .needs_options = true, .make = make_option_letter},
    ExtractorRow{.name = "gsm8k_gold", .needs_options = false, .make = make_gsm8k_gold},
    ExtractorRow{.name = "gsm8k_number", .needs_options = false, .make = make_gsm8k_number},
    ExtractorRow{.name = "final_number", .needs_options = false, .make = make_final_number},
};

}  // namespace

std::span<const ExtractorRow> extractors() {
  return kExtractors;
}

}  // namespace sft
