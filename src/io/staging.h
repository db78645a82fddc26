// Temporary names beside a target, `.<target>.<kind>-<host>-<pid>-<start>-<n>`: host (hashed),
// process id and the process's start time say who made it, so that a later run can tell a leftover
// of a killed process from the work of a living one, even where process ids are used again. Of a
// process on another host nothing is known, and its files stay.
//
// Kind `tmp` is work in progress. Kind `old` is a folder moved aside while its successor takes its
// place; where that was cut short, it is put back.

#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sft {

enum class StagingKind { kNew, kOld };

// `path` made absolute against nothing, but with a file name at its end ("runs/a/" is "runs/a").
// Throws Error for "", "." and the like.
std::filesystem::path named_target(const std::filesystem::path& path);

// The n-th temporary name of this process for `target`; two objects of one process take different n
// by trying.
std::filesystem::path staging_path(const std::filesystem::path& target, StagingKind kind, int n);

// Removes leftovers of dead processes of this host beside `target`, or puts back the folder that
// one of them had moved aside.
void recover_leftovers(const std::filesystem::path& target);

// Makes the missing folders above `target` and returns them, outermost first. Throws Error, and
// then none of them remains.
std::vector<std::filesystem::path> make_parents(const std::filesystem::path& target);
// Removes those that are still empty.
void remove_made_parents(const std::vector<std::filesystem::path>& parents);

// The folder that holds `target`.
std::filesystem::path parent_folder(const std::filesystem::path& target);

}  // namespace sft
