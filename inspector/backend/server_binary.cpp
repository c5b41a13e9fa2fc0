#include "inspector/backend/server_binary.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

// src/include/port.h, PG_BACKEND_VERSIONSTR.
constexpr std::string_view kVersionPrefix = "postgres (PostgreSQL) ";
// The first version whose number has two parts.
constexpr int kTwoPartVersions = 10;
// What makes an executable PostgreSQL's server: exported by every build, since extensions need
// them.
constexpr std::array<std::string_view, 3> kServerSymbols{
    "TopMemoryContext", "MemoryContextStats", "debug_query_string"};

// Executables of which nobody asks any more.
constexpr std::size_t kMostCached = 64;

tl::unexpected<Error> no_server() {
    return failure(Error::Kind::kGone,
                   "is no PostgreSQL process",
                   "'palloscope list' shows the PostgreSQL processes of this machine");
}

// Reads a run of digits and cuts it off.
std::optional<int> take_number(std::string_view& text) {
    int value = 0;
    const auto [stop, err] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (err != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return value;
}

std::optional<int> take_part(std::string_view& text) {
    if (!text.starts_with('.')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    return take_number(text);
}

}  // namespace

std::optional<int> server_version_num_from(std::string_view text) {
    if (text.starts_with(kVersionPrefix)) {
        text.remove_prefix(kVersionPrefix.size());
    }
    const auto major = take_number(text);
    if (!major) {
        return std::nullopt;
    }
    const int second = take_part(text).value_or(0);
    const int third = take_part(text).value_or(0);
    if (*major >= kTwoPartVersions) {
        return *major * 10000 + second;
    }
    return *major * 10000 + second * 100 + third;
}

Result<ServerBinary> ServerBinary::open(FileDescriptor executable) {
    auto image = ElfImage::open(std::move(executable));
    if (!image) {
        return tl::unexpected(std::move(image.error()));
    }
    for (const std::string_view symbol : kServerSymbols) {
        if (!image->find_symbol(symbol)) {
            return no_server();
        }
    }
    const auto text = image->find_constant_text(kVersionPrefix);
    const auto version_num = text ? server_version_num_from(*text) : std::nullopt;
    if (!version_num) {
        return failure(Error::Kind::kUnsupported,
                       "is a PostgreSQL server that does not tell its version");
    }
    return ServerBinary(std::move(*image), *version_num);
}

Result<std::shared_ptr<const ServerBinary>> ServerBinary::of_process(int pid) {
    using Found = Result<std::shared_ptr<const ServerBinary>>;
    // By device and inode, with the size and time of change: an inode can be used again.
    using Identity = std::array<std::int64_t, 4>;
    static std::map<Identity, Found> cache;

    auto executable = open_executable(pid);
    if (!executable) {
        return tl::unexpected(std::move(executable.error()));
    }

    struct stat status {};

    if (fstat(executable->get(), &status) < 0) {
        return os_error(errno, fmt::format("cannot look at the executable of process {}", pid));
    }
    const Identity identity{static_cast<std::int64_t>(status.st_dev),
                            static_cast<std::int64_t>(status.st_ino),
                            status.st_size,
                            status.st_ctim.tv_sec};
    auto found = cache.find(identity);
    if (found == cache.end()) {
        // Each keeps its file open and mapped; each new container has another.
        if (cache.size() >= kMostCached) {
            std::erase_if(cache, [](const auto& cached) {
                return !cached.second || cached.second->use_count() == 1;
            });
        }
        auto opened = open(std::move(*executable)).map([](ServerBinary&& binary) {
            return std::make_shared<const ServerBinary>(std::move(binary));
        });
        found = cache.emplace(identity, std::move(opened)).first;
    }
    return found->second.map_error([&](Error error) {
        error.message = fmt::format("process {} {}", pid, error.message);
        return error;
    });
}

}  // namespace palloscope
