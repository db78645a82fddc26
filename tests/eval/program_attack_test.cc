// Programs that want to pass without passing their tests.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sandbox_fixture.h"

namespace sft {
namespace {

// All of these answer wrongly: f(1) is to be 2.
constexpr const char* kWrong = "import os, sys\ndef f(x):\n    return 1\n";
constexpr const char* kTests = "assert f(0) == 1\nassert f(1) == 2\nlast = 1";

struct Attack {
  const char* name;
  const char* code;
};

const Attack kAttacks[] = {
    {"exits", "sys.exit(0)"},
    {"exits at once", "os._exit(0)"},
    {"exits in the tests", "def f(x): sys.exit(0)"},
    {"exits at once in the tests", "def f(x): os._exit(0)"},
    {"exits from a thread",
     "import threading\nthreading.Thread(target=lambda: os._exit(0)).start()"},
    {"exits at a signal", R"(
import signal
signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.01)
def f(x):
    while True: pass)"},
    {"prints what a pass looks like", R"(
print('pass'); print('passed'); print('ok'); print('{"result": "pass"}'))"},
    {"writes a pass to every descriptor", R"(
for fd in range(256):
    for text in (b'pass\n', b'passed\n', b'0' * 64 + b'\n', b'ready 3\n'):
        try: os.write(fd, text)
        except OSError: pass)"},
    {"ends the sum", "raise StopIteration"},
    {"ends the sum in the tests", "def f(x): raise StopIteration"},
    {"ends the sum and rewrites what it writes", R"(
import threading, time
sys.setswitchinterval(10)
r, w = os.pipe()
kept = {}
for fd in set(range(16)) - {r, w}:
    try: kept[fd] = os.dup(fd)
    except OSError: pass
for fd in kept: os.dup2(w, fd)
def forward():
    text = os.read(r, 4096).strip()
    if text.isdigit(): text = str(int(text) + 2).encode()
    for fd in kept.values():
        try: os.write(fd, text + b'\n')
        except OSError: pass
threading.Thread(target=forward).start()
time.sleep(0.1)
raise StopIteration)"},
    {"jumps over the assertion", R"(
def jump(frame, event, arg):
    if event == 'line' and frame.f_lineno == 2: frame.f_lineno = 3
    return jump
def f(x):
    frame = sys._getframe(1)
    frame.f_trace = jump
    sys.settrace(jump)
    return 1)"},
    {"jumps, without the hook's code", R"(
main = sys.modules['__main__']
try: main.guard_of_harness.__code__ = (lambda event, arguments: None).__code__
except Exception: pass
main.__dict__.clear()
def jump(frame, event, arg):
    if event == 'line' and frame.f_lineno == 2: frame.f_lineno = 3
    return jump
def f(x):
    sys._getframe(1).f_trace = jump
    sys.settrace(jump)
    return 1)"},
    {"takes the tests out of their iterator", R"(
import gc
for value in gc.get_objects():
    if type(value).__name__ in ('map', 'chain', 'tuple_iterator', 'list_iterator'):
        try: next(value)
        except BaseException: pass)"},
    {"puts a step in place of the tests", R"(
import gc, itertools
for value in gc.get_objects():
    if type(value) is itertools.chain: value.__setstate__((iter(()), iter([1]))))"},
    {"finds the steps from its frames", R"(
import gc, itertools
frame = sys._getframe()
while frame:
    for value in gc.get_referents(frame):
        if type(value) is itertools.chain: value.__setstate__((iter(()), iter([1])))
    frame = frame.f_back)"},
    {"follows references from its frames", R"(
import gc
seen, todo = set(), []
frame = sys._getframe()
while frame: todo.append(frame); frame = frame.f_back
while todo:
    value = todo.pop()
    if id(value) in seen: continue
    seen.add(id(value))
    todo.extend(gc.get_referents(value))
    if type(value).__name__ in ('map', 'tuple_iterator'):
        next(value))"},
    {"hashes all numbers it sees", R"(
import hashlib, inspect
def numbers():
    frame = sys._getframe()
    while frame:
        for space in (frame.f_locals, frame.f_globals):
            for value in list(space.values()):
                if isinstance(value, int): yield value
                if isinstance(value, (tuple, list)): yield from (v for v in value if isinstance(v, int))
        frame = frame.f_back
for entry in inspect.stack(): pass
for number in list(numbers()):
    line = hashlib.sha256(str(number + 2).encode()).hexdigest().encode() + b'\n'
    for fd in range(64):
        try: os.write(fd, line)
        except OSError: pass)"},
    {"reads every descriptor", R"(
import hashlib
for fd in range(64):
    if fd in (1, 2): continue
    try:
        os.set_blocking(fd, False)
        os.lseek(fd, 0, 0)
    except OSError: pass
    try: text = os.read(fd, 8)
    except OSError: continue
    line = hashlib.sha256(str(int.from_bytes(text, 'big') + 2).encode()).hexdigest()
    for out in range(64):
        try: os.write(out, line.encode() + b'\n')
        except OSError: pass)"},
    {"reads its own memory", R"(
for name in ('mem', 'maps', 'environ', 'cmdline', 'stack', 'syscall', 'fd/3'):
    for folder in ('/proc/self/', '/proc/1/', '/proc/%d/' % os.getpid()):
        try: sys.exit(0) if open(folder + name, 'rb').read(1) else 0
        except OSError: pass)"},
    {"patches what the harness calls", R"(
import builtins, itertools, operator, io, json, types
always = lambda *a, **k: True
for module in (builtins, itertools, operator, json, types):
    for name in ('sum', 'exec', 'map', 'chain', 'repeat', 'is_', 'getitem', 'str', 'compile', 'FunctionType'):
        if hasattr(module, name): setattr(module, name, always)
os.write = os._exit = os.read = always
main = sys.modules['__main__']
for name in list(vars(main)): setattr(main, name, always))"},
    {"patches exceptions", R"(
import builtins
builtins.AssertionError = builtins.BaseException = type('Never', (Exception,), {})
sys.excepthook = sys.unraisablehook = lambda *a: os._exit(0))"},
    {"patches the streams", R"(
import io
sys.stdout = sys.stderr = sys.__stdout__ = io.StringIO('pass')
print = lambda *a, **k: None)"},
    {"speaks at its exit", R"(
import atexit
atexit.register(lambda: [os.write(fd, b'pass\n') for fd in (1, 2, 4, 5)])
raise SystemExit(0))"},
    {"guesses in children", R"(
def f(x):
    return 1 if os.fork() else 2)"},
    {"leaves a child behind", R"(
if os.fork() == 0: os._exit(0)
else: os._exit(0))"},
    {"becomes another program", "os.execv('/usr/bin/true', ['true'])"},
    {"starts the harness again", R"(
sys.modules['__main__'].main())"},
    {"loads ctypes", R"(
import ctypes
ctypes.string_at(0))"},
    {"loads a library of its own", R"(
import importlib.machinery, importlib.util, shutil
shutil.copy(__import__('_json').__file__ if hasattr(__import__('_json'), '__file__') else '/usr/bin/true', '/tmp/_json2.so')
loader = importlib.machinery.ExtensionFileLoader('_json2', '/tmp/_json2.so')
importlib.util.module_from_spec(importlib.util.spec_from_file_location('_json2', '/tmp/_json2.so', loader=loader))
raise StopIteration)"},
    {"closes every descriptor", "os.closerange(0, 256)"},
    {"leaves its string open", "x = '''"},
    {"leaves its bracket open", "x = ("},
    {"hides the tests in a condition", "if False:"},
};

TEST_F(SandboxTest, NoAttackPasses) {
  std::vector<Program> programs;
  for (const Attack& attack : kAttacks) {
    programs.push_back(python(std::string(kWrong) + attack.code, kTests, /*seconds=*/1));
  }
  const std::vector<ProgramEnd> ends = run_all(programs);
  for (size_t i = 0; i < ends.size(); ++i) {
    EXPECT_NE(ends[i], ProgramEnd::kPassed) << kAttacks[i].name;
  }
}

// The same programs with a right answer, so that what stops them is the tests alone: these only
// look around.
TEST_F(SandboxTest, LookingAroundIsNoFault) {
  const std::string right = "import os, sys\ndef f(x):\n    return x + 1\n";
  for (const Attack& attack : kAttacks) {
    const std::string name = attack.name;
    if (name == "prints what a pass looks like" || name == "patches the streams" ||
        name == "reads its own memory") {
      EXPECT_EQ(run(python(right + attack.code, kTests)), ProgramEnd::kPassed) << name;
    }
  }
}

Program with_check(const std::string& code, const std::string& tests) {
  return {.code = code, .tests = tests, .check = "check", .entry = "f", .seconds = 2};
}

// Tests in a function, as HumanEval has them: it is called whatever its name has come to mean.
TEST_F(SandboxTest, NoAttackOnACheckFunctionPasses) {
  const std::string tests = "METADATA = {}\ndef check(candidate):\n    assert candidate(1) == 2\n";
  const std::string at_once = "def check(candidate):\n    assert candidate(1) == 2\n";
  const std::pair<const char*, Program> attacks[] = {
      {"is wrong", with_check("def f(x): return 1", tests)},
      {"replaces it when it is defined", with_check(R"(
def f(x): return 1
class Old:
    def __del__(self): globals()['check'] = lambda candidate: None
check = Old()
)",
                                                    tests)},
      {"replaces it all the time", with_check(R"(
import threading, sys
sys.setswitchinterval(1e-6)
def f(x): return 1
def replace():
    while True: globals()['check'] = lambda candidate: None
threading.Thread(target=replace, daemon=True).start()
)",
                                              tests)},
      {"decorates it",
       with_check("def f(x): return 1\n@lambda check: lambda candidate: None", at_once)},
      {"has no function", with_check("g = 1", tests)},
      {"ends its map", with_check("def f(x): raise StopIteration", tests)},
  };
  for (const auto& [name, program] : attacks) {
    EXPECT_NE(run(program), ProgramEnd::kPassed) << name;
  }
  EXPECT_EQ(run(with_check("def f(x): return 2", tests)), ProgramEnd::kPassed);
}

// A test file of another shape: `check` is no function of its own.
TEST_F(SandboxTest, ACheckThatIsMadeOtherwiseIsCalledByName) {
  const std::string tests =
      "from functools import partial\n"
      "def compare(wanted, candidate):\n    assert candidate(1) == wanted\n"
      "check = partial(compare, 2)\n";
  EXPECT_EQ(run(with_check("def f(x): return 2", tests)), ProgramEnd::kPassed);
  EXPECT_EQ(run(with_check("def f(x): return 1", tests)), ProgramEnd::kAssertion);
}

}  // namespace
}  // namespace sft
