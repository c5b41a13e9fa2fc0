#include "attach/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/core.h>

namespace palloscope {

tl::unexpected<Error> failure(Error::Kind kind, std::string message, std::string hint) {
    return tl::unexpected(
        Error{.kind = kind, .message = std::move(message), .hint = std::move(hint)});
}

tl::unexpected<Error> os_error(int err, std::string what) {
    std::string message = fmt::format("{}: {}", what, std::generic_category().message(err));
    switch (err) {
        case EPERM:
        case EACCES:
            return failure(
                Error::Kind::kPermission,
                std::move(message),
                "run as root or as the server's own user with CAP_SYS_PTRACE "
                "(in a container: --cap-add=SYS_PTRACE); 'palloscope check' names what is missing");
        case ESRCH:
            return failure(Error::Kind::kGone, std::move(message));
        case EFAULT:
        case EIO:
            return failure(Error::Kind::kFault, std::move(message));
        case EMFILE:
            // Whatever was to be opened, that is not why it cannot be.
            return failure(Error::Kind::kFailed,
                           "no more files can be opened: their number has reached our limit",
                           "raise it: ulimit -n, or LimitNOFILE= of a systemd unit");
        default:
            return failure(Error::Kind::kFailed, std::move(message));
    }
}

}  // namespace palloscope
