#pragma once

#include <cstdint>

namespace sft {

// Memory of this process that no file backs (RssAnon of /proc/self/status), in bytes; 0 where the
// system does not tell. Mapped weights do not count: the system takes them back when it needs to.
uint64_t anonymous_memory_bytes();

}  // namespace sft
