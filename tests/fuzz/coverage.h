#pragma once

#include <cstddef>

namespace sft {

// Which edges of the code under test a run took, and how often, by GCC's
// -fsanitize-coverage=trace-pc. One thread.

void start_coverage();  // forgets the last run

// Whether the run since start_coverage took an edge for the first time, or a known one many more
// times than ever (by powers of two). What it took is known from now on.
bool found_new_coverage();

size_t num_covered_edges();

}  // namespace sft
