#include "attach/waiting_calls.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace palloscope {

bool waits_for_others(std::int64_t system_call) noexcept {
    constexpr std::array<std::int64_t, 12> kWaits{SYS_epoll_wait,
                                                  SYS_epoll_pwait,
                                                  SYS_poll,
                                                  SYS_ppoll,
                                                  SYS_select,
                                                  SYS_pselect6,
                                                  SYS_recvfrom,
                                                  SYS_semop,
                                                  SYS_semtimedop,
                                                  SYS_nanosleep,
                                                  SYS_clock_nanosleep,
                                                  SYS_pause};
    return std::ranges::find(kWaits, system_call) != kWaits.end();
}

}  // namespace palloscope
