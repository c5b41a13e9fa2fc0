#include "inspector/experiment/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iterator>

#include <fmt/core.h>

namespace palloscope {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr std::streamoff kEndBytes = 65536;
constexpr std::size_t kLongestLine = 300;
constexpr std::string_view kBlank = " \t\r\n";

}  // namespace

Result<FileDescriptor> create_file(const std::filesystem::path& path) {
    FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, kOwnerOnly));
    if (!file.valid()) {
        return os_error(errno, fmt::format("cannot make {}", path.string()));
    }
    return file;
}

Result<> write_text_file(const std::filesystem::path& path,
                         std::string_view text,
                         const std::optional<Account>& account) {
    const auto file = create_file(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    if (account && fchown(file->get(), account->uid, account->gid) != 0) {
        return os_error(errno, fmt::format("cannot give {} to the user postgres", path.string()));
    }
    while (!text.empty()) {
        const ssize_t written = ::write(file->get(), text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return os_error(errno, fmt::format("cannot write {}", path.string()));
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return {};
}

std::string end_of_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
        return {};
    }
    file.seekg(std::max<std::streamoff>(file.tellg() - std::streampos(kEndBytes), 0));
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string last_line(std::string_view text) {
    const std::size_t last = text.find_last_not_of(kBlank);
    if (last == std::string_view::npos) {
        return {};
    }
    text = text.substr(0, last + 1);
    text.remove_prefix(text.find_last_of("\r\n") + 1);  // npos + 1 is 0
    return std::string(text.substr(0, kLongestLine));
}

}  // namespace palloscope
