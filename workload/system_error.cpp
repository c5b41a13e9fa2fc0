#include "workload/system_error.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/core.h>

namespace palloscope::workload {

tl::unexpected<Error> system_error(int err, const std::string& what) {
    const bool denied = err == EACCES || err == EPERM;
    return failure(denied ? Error::Kind::kPermission : Error::Kind::kFailed,
                   fmt::format("{}: {}", what, std::generic_category().message(err)));
}

}  // namespace palloscope::workload
