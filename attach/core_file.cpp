#include "attach/core_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "attach/elf_image.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kPageBytes = 4096;

// Not as os_error() has it, whose remedies are for processes.
tl::unexpected<Error> failure_to_read(const std::string& path) {
    const auto kind =
        errno == EACCES || errno == EPERM ? Error::Kind::kPermission : Error::Kind::kFailed;
    return failure(kind, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

// A regular file: a core names paths of its own choice, and to open a device or a pipe can have
// effects.
Result<FileDescriptor> open_regular(const std::string& path) {
    const FileDescriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));

    struct stat status {};

    if (!place.valid() || fstat(place.get(), &status) != 0) {
        return failure_to_read(path);
    }
    if (!S_ISREG(status.st_mode)) {
        return failure(Error::Kind::kFailed, fmt::format("{} is no regular file", path));
    }
    FileDescriptor file(
        ::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        return failure_to_read(path);
    }
    return file;
}

// 0 at the end of the file, and where it cannot be read.
std::size_t read_at(const FileDescriptor& file, std::uint64_t offset, std::span<std::byte> into) {
    if (offset > static_cast<std::uint64_t>(INT64_MAX)) {
        return 0;
    }
    ssize_t got = -1;
    do {
        got = pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

std::size_t read_whole_page(const FileDescriptor& file, std::array<std::byte, kPageBytes>& page) {
    std::size_t done = 0;
    while (done < page.size()) {
        const std::size_t got = read_at(file, done, std::span(page).subspan(done));
        if (got == 0) {
            break;
        }
        done += got;
    }
    return done;
}

}  // namespace

CoreFile::CoreFile(FileDescriptor file, CoreHeaders headers)
    : file_(std::move(file)),
      segments_(std::move(headers.segments)),
      notes_(std::move(headers.notes)) {}

Result<CoreFile> CoreFile::open(const std::string& path, const std::string& executable) {
    auto file = open_regular(path);
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    auto headers = read_core_headers(*file, path);
    if (!headers) {
        return tl::unexpected(std::move(headers.error()));
    }
    CoreFile core(std::move(*file), std::move(*headers));
    if (auto added = core.add_executable(executable); !added) {
        return tl::unexpected(std::move(added.error()));
    }
    core.add_libraries();
    return core;
}

Result<> CoreFile::add_executable(const std::string& path) {
    auto file = open_regular(path);
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    const Mapping* const mapping = mapping_of({entry()});
    if (mapping == nullptr) {
        return failure(Error::Kind::kUnsupported,
                       "the core file does not tell which file its process ran");
    }
    // In doubt it is taken: what it says of the memory is proved there.
    if (!begins_as(mapping->path, *file).value_or(true)) {
        const auto image = ElfImage::open(std::move(*file));
        const std::string build_id = image ? image->build_id() : "";
        return failure(
            Error::Kind::kUnsupported,
            fmt::format(
                "{} is not the file that made the core ({}): it begins otherwise, and so is "
                "of another build{}",
                path,
                mapping->path,
                build_id.empty() ? "" : fmt::format(" (its build id is {})", build_id)),
            "give the executable of the very server whose process it was: --exe");
    }
    files_.insert_or_assign(mapping->path, std::move(*file));
    return {};
}

// Where a constant is missing, it says so then.
void CoreFile::add_libraries() {
    for (const Mapping& mapping : notes_.mappings) {
        if (mapping.offset != 0 || !mapping.path.starts_with('/') ||
            files_.contains(mapping.path)) {
            continue;
        }
        auto file = open_regular(mapping.path);
        if (file && begins_as(mapping.path, *file).value_or(false)) {
            files_.emplace(mapping.path, std::move(*file));
        }
    }
}

// Whether a file is the one that was mapped from that path: by its first page, which has the
// headers of an ELF file and mostly its build id, and which cores have of each (coredump_filter,
// bit 4). None where the core does not have it.
std::optional<bool> CoreFile::begins_as(const std::string& mapped_path,
                                        const FileDescriptor& file) const {
    const auto first = std::ranges::find_if(notes_.mappings, [&](const Mapping& mapping) {
        return mapping.path == mapped_path && mapping.offset == 0;
    });
    std::array<std::byte, kPageBytes> mapped{};
    std::array<std::byte, kPageBytes> own{};
    const CoreSegment* const segment =
        first == notes_.mappings.end() ? nullptr : segment_of(first->start);
    if (segment == nullptr ||
        segment->bytes_in_core < first->start - segment->begin + mapped.size()) {
        return std::nullopt;
    }
    const RemotePiece piece{.address = first->start, .into = mapped};
    if (!gather(std::span(&piece, 1))) {
        return std::nullopt;
    }
    read_whole_page(file, own);
    return mapped == own;
}

const CoreSegment* CoreFile::segment_of(RemoteAddress address) const {
    const auto after =
        std::ranges::upper_bound(segments_, address, std::ranges::less{}, &CoreSegment::begin);
    if (after == segments_.begin() || address - (after - 1)->begin >= (after - 1)->size) {
        return nullptr;
    }
    return &*(after - 1);
}

const Mapping* CoreFile::mapping_of(RemoteAddress address) const {
    const auto after =
        std::ranges::upper_bound(notes_.mappings, address, std::ranges::less{}, &Mapping::start);
    if (after == notes_.mappings.begin() || address >= (after - 1)->end) {
        return nullptr;
    }
    return &*(after - 1);
}

// How many bytes there are at the beginning of `into`; 0 where there is nothing.
std::size_t CoreFile::read_some(RemoteAddress from, std::span<std::byte> into) const {
    const CoreSegment* const segment = segment_of(from);
    if (segment != nullptr) {
        const std::uint64_t at = from - segment->begin;
        if (at < segment->bytes_in_core) {
            return read_at(
                file_,
                segment->offset + at,
                into.first(std::min<std::uint64_t>(into.size(), segment->bytes_in_core - at)));
        }
        into = into.first(std::min<std::uint64_t>(into.size(), segment->size - at));
        if (segment->writable) {
            return 0;  // it may have been written to
        }
    } else if (const auto next = std::ranges::lower_bound(segments_, from, {}, &CoreSegment::begin);
               next != segments_.end()) {
        into = into.first(std::min<std::uint64_t>(into.size(), next->begin - from));
    }
    const Mapping* const mapping = mapping_of(from);
    if (mapping == nullptr) {
        return 0;
    }
    const auto file = files_.find(mapping->path);
    if (file == files_.end()) {
        return 0;
    }
    const std::uint64_t at = from - mapping->start;
    return read_at(file->second,
                   mapping->offset + at,
                   into.first(std::min<std::uint64_t>(into.size(), mapping->size() - at)));
}

Result<> CoreFile::gather(std::span<const RemotePiece> pieces) const {
    for (const RemotePiece& piece : pieces) {
        for (std::size_t done = 0; done < piece.into.size();) {
            const RemoteAddress from = piece.address + done;
            const std::size_t got = read_some(from, piece.into.subspan(done));
            if (got == 0) {
                return missing(from);
            }
            done += got;
        }
    }
    return {};
}

tl::unexpected<Error> CoreFile::missing(RemoteAddress address) const {
    const Mapping* const mapping = mapping_of(address);
    if (mapping == nullptr || files_.contains(mapping->path)) {
        return failure(Error::Kind::kFault,
                       fmt::format("the core has no memory at {:#x}", address.value));
    }
    return failure(Error::Kind::kFault,
                   fmt::format("the core has not the pages of {}, and that file is not there or "
                               "is another one",
                               mapping->path));
}

std::int64_t CoreFile::written_at_ns() const noexcept {
    struct stat status {};

    return fstat(file_.get(), &status) != 0
               ? 0
               : std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

std::uint64_t CoreFile::mapped_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const CoreSegment& segment : segments_) {
        bytes = std::min(bytes + segment.size, kMostAddresses);
    }
    return bytes;
}

}  // namespace palloscope
