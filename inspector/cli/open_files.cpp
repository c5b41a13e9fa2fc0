#include "inspector/cli/open_files.hpp"

#include <sys/resource.h>

namespace palloscope {

void allow_most_open_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);  // else it stays as it was
    }
}

}  // namespace palloscope
