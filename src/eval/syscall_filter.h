#pragma once

#include <string>

namespace sft {

// A seccomp program (struct sock_filter[], for x86-64) for the process of a program under test. It
// may have threads, and it may replace itself, but
//
//   it starts no process, so that ending it ends all
//   it looks into no other process and signals none
//   it opens no socket but a pair, and makes no namespace, mount or ring that other rules miss
//   it has no files in memory, which no limit would count
std::string make_syscall_filter();

}  // namespace sft
