#include "attach/confinement.hpp"

#include "attach/proc.hpp"

namespace palloscope {

Confinement read_confinement(pid_t pid) {
    Confinement confinement{.container = read_container(pid)};
    if (const auto status = read_status(pid); status && status->namespace_pids.size() > 1) {
        confinement.namespace_pid = status->namespace_pids.back();
    }
    if (const auto headroom = read_memory_headroom(pid)) {
        confinement.memory_limit = headroom->limit;
    }
    return confinement;
}

}  // namespace palloscope
