#include "inspector/experiment/service_account.hpp"

#include <pwd.h>
#include <unistd.h>

namespace palloscope {

Result<std::optional<Account>> service_account() {
    if (geteuid() != 0) {
        return std::nullopt;
    }
    const passwd* const entry = getpwnam("postgres");
    if (entry == nullptr) {
        return failure(
            Error::Kind::kFailed,
            "PostgreSQL refuses to run as root, and there is no user postgres to run it",
            "run the experiment as another user, or make one: useradd --system postgres");
    }
    return Account{.uid = entry->pw_uid, .gid = entry->pw_gid};
}

}  // namespace palloscope
