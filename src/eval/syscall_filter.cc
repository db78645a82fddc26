#include "eval/syscall_filter.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

namespace sft {
namespace {

// Numbers from here on are of another calling convention, and of calls that are newer than the
// headers.
constexpr uint32_t kX32Calls = 0x40000000;

struct Refusal {
  long call;
  uint32_t error;
};

// fork(2) says EAGAIN where a limit of processes is reached.
constexpr Refusal kRefusals[] = {
    {SYS_fork, EAGAIN},
    {SYS_vfork, EAGAIN},
    {SYS_clone3, ENOSYS},  // its flags cannot be seen; libraries fall back to clone
    {SYS_ptrace, EPERM},
    {SYS_process_vm_readv, EPERM},
    {SYS_process_vm_writev, EPERM},
    {SYS_pidfd_open, EPERM},
    {SYS_pidfd_getfd, EPERM},
    {SYS_pidfd_send_signal, EPERM},
    {SYS_kill, EPERM},
    {SYS_tkill, EPERM},
    {SYS_rt_sigqueueinfo, EPERM},
    {SYS_rt_tgsigqueueinfo, EPERM},
    {SYS_socket, EACCES},
    {SYS_memfd_create, EPERM},
    {SYS_unshare, EPERM},
    {SYS_setns, EPERM},
    {SYS_mount, EPERM},
    {SYS_umount2, EPERM},
    {SYS_pivot_root, EPERM},
    {SYS_chroot, EPERM},
    {SYS_open_tree, EPERM},
    {SYS_move_mount, EPERM},
    {SYS_fsopen, EPERM},
    {SYS_io_uring_setup, EPERM},
    {SYS_io_uring_enter, EPERM},
    {SYS_io_uring_register, EPERM},
    {SYS_bpf, EPERM},
    {SYS_perf_event_open, EPERM},
    {SYS_userfaultfd, EPERM},
    {SYS_keyctl, EPERM},
    {SYS_add_key, EPERM},
    {SYS_request_key, EPERM},
};

constexpr uint32_t refuse(uint32_t error) {
  return SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA);
}

sock_filter load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}

sock_filter give(uint32_t verdict) {
  return BPF_STMT(BPF_RET | BPF_K, verdict);
}

// Where `test` of the loaded word holds, the next line, else the one behind it.
sock_filter when(uint16_t test, uint32_t value) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value, 0, 1);
}

}  // namespace

std::string make_syscall_filter() {
  std::vector<sock_filter> lines = {
      load(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      give(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(seccomp_data, nr)),
      when(BPF_JGE, kX32Calls),
      give(refuse(ENOSYS)),
  };
  for (const Refusal& refusal : kRefusals) {
    lines.push_back(when(BPF_JEQ, static_cast<uint32_t>(refusal.call)));
    lines.push_back(give(refuse(refusal.error)));
  }
  lines.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
  lines.push_back(load(offsetof(seccomp_data, args)));  // the flags' lower half
  lines.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
  lines.push_back(give(refuse(EAGAIN)));
  lines.push_back(give(SECCOMP_RET_ALLOW));
  return {reinterpret_cast<const char*>(lines.data()), lines.size() * sizeof(sock_filter)};
}

}  // namespace sft
