#include "inspector/statements/io_error.hpp"

#include <cerrno>
#include <system_error>

namespace palloscope {

tl::unexpected<Error> io_error(int err, const std::string& what) {
    const std::string message = what + ": " + std::generic_category().message(err);
    if (err == EPERM || err == EACCES) {
        return failure(Error::Kind::kPermission,
                       message,
                       "run as the user who owns the file and may use its folder");
    }
    return failure(Error::Kind::kFailed, message);
}

}  // namespace palloscope
