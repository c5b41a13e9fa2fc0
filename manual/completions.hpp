#pragma once

#include <string>

#include "manual/described_command.hpp"

// Completion scripts of a program with commands: the commands, their options, and the values of
// those options that have a fixed set of them; files elsewhere.
namespace palloscope::manual {

// To be sourced by bash; needs nothing of the package bash-completion.
[[nodiscard]] std::string bash_completion(const DescribedCommand& program);

// For a folder of zsh's fpath, as _PROGRAM.
[[nodiscard]] std::string zsh_completion(const DescribedCommand& program);

// For fish's vendor_completions.d, as PROGRAM.fish.
[[nodiscard]] std::string fish_completion(const DescribedCommand& program);

}  // namespace palloscope::manual
