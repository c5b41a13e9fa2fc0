#include "inspector/experiment/server_programs.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

namespace palloscope {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUsualFolders = ":/usr/local/sbin:/usr/sbin:/sbin";

bool is_program(const fs::path& path) {
    return access(path.c_str(), X_OK) == 0;
}

bool holds_a_server(const fs::path& folder) {
    return is_program(folder / "postgres") && is_program(folder / "initdb");
}

// The number in the name of a version's folder: 15 of "15" and of "pgsql-15"; -1 of others.
int version_in(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) {
        return -1;
    }
    name.remove_prefix(prefix.size());
    int version = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
    return error == std::errc{} ? version : -1;
}

fs::path newest_below(const fs::path& parent, std::string_view prefix) {
    fs::path newest;
    int newest_version = -1;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        const int version = version_in(entry.path().filename().string(), prefix);
        if (version > newest_version && holds_a_server(entry.path() / "bin")) {
            newest = entry.path() / "bin";
            newest_version = version;
        }
    }
    return newest;
}

}  // namespace

fs::path find_program(const std::string& name) {
    const char* const path = std::getenv("PATH");
    std::string folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    folders += kUsualFolders;
    std::string_view rest = folders;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        fs::path candidate = fs::path(rest.substr(0, end)) / name;
        if (end > 0 && is_program(candidate)) {
            return candidate;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

Result<fs::path> find_server_programs(const std::string& wanted) {
    if (!wanted.empty()) {
        if (holds_a_server(wanted)) {
            return fs::absolute(wanted);
        }
        return failure(Error::Kind::kFailed,
                       fmt::format("{} does not hold the programs postgres and initdb", wanted),
                       "give the folder that 'pg_config --bindir' names");
    }
    // A link leads to the folder with the others.
    std::error_code error;
    const fs::path in_path = fs::canonical(find_program("postgres"), error).parent_path();
    for (const fs::path& folder :
         {in_path, newest_below("/usr/lib/postgresql", ""), newest_below("/usr", "pgsql-")}) {
        if (!folder.empty() && holds_a_server(folder)) {
            return folder;
        }
    }
    return failure(Error::Kind::kFailed,
                   "there is no PostgreSQL server on this machine to experiment with",
                   "install one (Debian: apt install postgresql), or name its folder with "
                   "--server-programs");
}

}  // namespace palloscope
