#include "attach/core_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace palloscope {

void forbid_core(pid_t pid) {
    constexpr rlim_t kNoCore = 1;
    rlimit limit{};
    if (prlimit(pid, RLIMIT_CORE, nullptr, &limit) == 0) {
        limit.rlim_cur = std::min(limit.rlim_max, kNoCore);
        (void)prlimit(pid, RLIMIT_CORE, &limit, nullptr);
    }
}

}  // namespace palloscope
