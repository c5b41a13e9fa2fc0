#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "attach/proc.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/still_backend.hpp"

namespace palloscope {

// Of a process's mappings those that hold the server's variables: the writable part of its file,
// and the anonymous memory right behind it (.bss).
[[nodiscard]] std::vector<Mapping> variable_mappings(pid_t pid,
                                                     const std::vector<Mapping>& mappings);

// Where the variables may lie that a function of the server uses, static ones too, in the order of
// addresses: each place among its variables that the function's code can name as a distance from
// the next instruction (Intel's manual, volume 2, 2.2.1.6, "RIP-Relative Addressing"). Some of them
// are none: believe only what is proved by what lies there. Empty where the server exports no such
// function.
[[nodiscard]] std::vector<RemoteAddress> variables_used_by(const StillBackend& backend,
                                                           std::string_view function);

}  // namespace palloscope
