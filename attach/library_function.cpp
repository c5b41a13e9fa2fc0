#include "attach/library_function.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "attach/elf_image.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

namespace {

// "libc.so.6" and "libc-2.31.so" are libc, "libcom_err.so.3" is not.
bool is_library(std::string_view path, std::string_view library) {
    std::string_view name = path.substr(path.rfind('/') + 1);
    if (!path.starts_with('/') || !name.starts_with(library)) {
        return false;
    }
    name.remove_prefix(library.size());
    return name.starts_with('.') || name.starts_with('-');
}

}  // namespace

Result<RemoteAddress> find_library_function(pid_t pid,
                                            std::span<const Mapping> mappings,
                                            std::string_view library,
                                            std::string_view function) {
    // The first one of a file is mapped from its beginning, where its addresses count from.
    const auto mapping = std::ranges::find_if(mappings, [&](const Mapping& candidate) {
        return candidate.offset == 0 && is_library(candidate.path, library);
    });
    if (mapping == mappings.end()) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("process {} has not loaded {}", pid, library));
    }
    const std::string path = fmt::format("/proc/{}/root{}", pid, mapping->path);
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));

    struct stat status {};

    if (!file.valid() || fstat(file.get(), &status) != 0 || status.st_ino != mapping->inode) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format(
                "{} of process {} was replaced since, or cannot be opened", mapping->path, pid));
    }
    const auto image = ElfImage::open(std::move(file));
    if (!image) {
        return tl::unexpected(image.error());
    }
    const auto symbol = image->find_symbol(function);
    if (!symbol) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("{} of process {} has no {}", mapping->path, pid, function));
    }
    return mapping->start + symbol->address;
}

}  // namespace palloscope
