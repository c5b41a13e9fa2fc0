#pragma once

#include <sys/types.h>

#include <optional>

#include "attach/container.hpp"
#include "attach/memory_headroom.hpp"

namespace palloscope {

// What shuts a process in.
struct Confinement {
    // Its PID in its own PID namespace, where that is not ours: what pg_stat_activity shows.
    std::optional<pid_t> namespace_pid;
    std::optional<Container> container;
    std::optional<MemoryLimit> memory_limit;

    bool operator==(const Confinement&) const = default;
};

// What is not known is left out: all of it where the process is gone.
[[nodiscard]] Confinement read_confinement(pid_t pid);

}  // namespace palloscope
