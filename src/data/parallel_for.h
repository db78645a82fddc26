#pragma once

#include <cstddef>
#include <functional>

namespace sft {

// Calls work(i) for each i below `count`, on `threads` threads. Each i has its own result, so that
// the threads' number changes nothing. Throws what the lowest failing i threw.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace sft
