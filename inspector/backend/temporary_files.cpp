#include "inspector/backend/temporary_files.hpp"

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

Result<TemporaryFiles> read_temporary_files(pid_t pid) {
    constexpr std::string_view kPrefix = "pgsql_tmp";  // PG_TEMP_FILE_PREFIX (common/file_utils.h)
    return list_descriptors(pid).map([&](const std::vector<int>& descriptors) {
        TemporaryFiles found;
        for (const int descriptor : descriptors) {
            const std::string link = fmt::format("fd/{}", descriptor);
            const std::string path = read_link(pid, link).value_or("");

            struct stat status {};

            if (std::string_view(path).substr(path.rfind('/') + 1).starts_with(kPrefix) &&
                stat(fmt::format("/proc/{}/{}", pid, link).c_str(), &status) == 0) {
                ++found.files;
                found.bytes += status.st_size;
            }
        }
        return found;
    });
}

}  // namespace palloscope
