#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sft/eval/code_runner.h"

namespace sft {

// The Python that runs a program under test against its tests, and how the two sides speak.
//
// Harness and program share an interpreter, and the program goes first, so whatever the harness
// says can be said by the program as well. A pass is therefore proved by a number that the program
// cannot read: 62 random bits in a pipe (descriptor 3) that the harness reads just before the
// program begins. From then on it is no Python object but the running total of a call of the
// built-in sum(), a number on the C stack, which no frame, garbage collector or debugging function
// shows. What sum() adds up are an iterator over the number and one over exec() of each stage; each
// stage that comes to its end counts 1. Only its hash is written at the end, so that a total which
// lacks a stage (a program that raises StopIteration ends the sum early) is of no use to anyone.
// sum, exec and the iterators are called through each other, without a Python frame of the harness
// between them that holds a reference to them; code is compiled before the program runs.
//
// What could still get at it is taken away by an audit hook, which cannot be removed: tracing (a
// debugger can make a frame jump over assertions), the collector's lists, ctypes, interpreters
// inside the interpreter and native modules from elsewhere than the system's folders.
//
// Limits: what a test accepts is the test's matter (an object that equals everything passes, as in
// the study). Native code or byte code made by hand, from inside of the interpreter's own process,
// can read its memory; so can numpy's strides, where the machine has numpy.
//
// The harness reads a JSON job on descriptor 0 and writes lines to 2: "ready 3.11.2", and then one
// of the proof, "assertion" or "failed". Nothing a program prints goes anywhere.
std::string_view program_harness();

// What the harness reads on descriptor 0.
std::string harness_job(const Program& program);

// What it reads on descriptor 3, for a number below 2^62.
std::string harness_secret(uint64_t number);

// The line that proves that `program` has run to its end.
std::string harness_proof(const Program& program, uint64_t number);

}  // namespace sft
