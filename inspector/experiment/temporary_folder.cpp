#include "inspector/experiment/temporary_folder.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include <fmt/core.h>

namespace palloscope {

Result<TemporaryFolder> TemporaryFolder::make(const std::optional<Account>& account) {
    std::error_code error;
    std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    if (error) {
        parent = "/tmp";
    }
    std::string path = parent / "palloscope-experiment-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
        return os_error(errno, fmt::format("cannot make a folder below {}", parent.string()));
    }
    TemporaryFolder folder{std::filesystem::path(path)};
    if (account && chown(path.c_str(), account->uid, account->gid) != 0) {
        return os_error(errno, fmt::format("cannot give {} to the user postgres", path));
    }
    return folder;
}

TemporaryFolder::~TemporaryFolder() {
    if (!path_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
}

}  // namespace palloscope
