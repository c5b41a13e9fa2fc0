#pragma once

#include <sys/types.h>

#include <optional>

#include "attach/error.hpp"

namespace palloscope {

struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
};

// Whom servers and poolers run as: none where we are no root, so as ourselves; for root the user
// postgres, since both refuse to run as root. kFailed where there is none of that name.
[[nodiscard]] Result<std::optional<Account>> service_account();

}  // namespace palloscope
