#include "attach/resident_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/core.h>

#include "attach/file_descriptor.hpp"

namespace palloscope {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
// Documentation/admin-guide/mm/pagemap.rst
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kOfFileOrShared = std::uint64_t{1} << 61;
constexpr std::uint64_t kFrame = (std::uint64_t{1} << 55) - 1;
// Mappings of more are address space that is only reserved, such as a sanitizer's: to look at each
// of their pages would take minutes.
constexpr std::uint64_t kLargestMapping = std::uint64_t{1} << 40;
constexpr std::uint64_t kLargestForbidden = std::uint64_t{1} << 30;
constexpr std::size_t kEntriesARead = std::size_t{1} << 14;

bool is_reserved(const Mapping& mapping) {
    const bool forbidden = !mapping.readable && !mapping.writable;
    return mapping.size() > (forbidden ? kLargestForbidden : kLargestMapping);
}

// The frame of the one page of zeros, which stands wherever memory was read before it was written
// to (mm/memory.c, do_anonymous_page), and is nobody's; 0, as every frame, where we may not know it
// (CAP_SYS_ADMIN).
std::uint64_t frame_of_zeros() {
    void* const page =
        mmap(nullptr, kPageBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
    if (page == MAP_FAILED) {
        return 0;
    }
    (void)*static_cast<const volatile char*>(page);
    std::uint64_t entry = 0;
    const FileDescriptor file(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    const auto at =
        static_cast<off_t>(reinterpret_cast<std::uintptr_t>(page) / kPageBytes * sizeof entry);
    if (!file.valid() || pread(file.get(), &entry, sizeof entry, at) != sizeof entry) {
        entry = 0;
    }
    munmap(page, kPageBytes);
    return entry & kFrame;
}

}  // namespace

Result<ResidentMemory> ResidentMemory::read(pid_t pid) {
    ResidentMemory result;
    auto mappings = read_maps(pid);
    if (!mappings) {
        return tl::unexpected(std::move(mappings.error()));
    }
    result.mappings_ = std::move(*mappings);
    const std::string path = fmt::format("/proc/{}/pagemap", pid);
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
        return os_error(errno == ENOENT ? ESRCH : errno, fmt::format("cannot open {}", path));
    }
    static const std::uint64_t zeros = frame_of_zeros();
    std::vector<std::uint64_t> entries(kEntriesARead);
    for (const Mapping& mapping : result.mappings_) {
        // "[vsyscall]" lies in the kernel's half.
        if (mapping.shared || mapping.path == "[vsyscall]" || is_reserved(mapping)) {
            continue;
        }
        for (RemoteAddress page = mapping.start; page < mapping.end;) {
            const std::uint64_t wanted =
                std::min<std::uint64_t>((mapping.end - page) / kPageBytes, entries.size());
            const ssize_t got =
                pread(file.get(),
                      entries.data(),
                      wanted * sizeof(std::uint64_t),
                      static_cast<off_t>(page.value / kPageBytes * sizeof(std::uint64_t)));
            if (got <= 0) {
                return os_error(got < 0 ? errno : ESRCH, fmt::format("cannot read {}", path));
            }
            const std::size_t pages = static_cast<std::size_t>(got) / sizeof(std::uint64_t);
            for (std::size_t i = 0; i < pages; ++i, page = page + kPageBytes) {
                if ((entries[i] & kPresent) == 0 || (entries[i] & kOfFileOrShared) != 0 ||
                    (zeros != 0 && (entries[i] & kFrame) == zeros)) {
                    continue;
                }
                if (!result.runs_.empty() && result.runs_.back().end == page) {
                    result.runs_.back().end = page + kPageBytes;
                } else {
                    result.runs_.push_back({page, page + kPageBytes, result.total_bytes_});
                }
                result.total_bytes_ += kPageBytes;
            }
        }
    }
    return result;
}

std::uint64_t ResidentMemory::bytes_before(RemoteAddress address) const {
    const auto after = std::ranges::upper_bound(runs_, address, std::ranges::less{}, &Run::begin);
    if (after == runs_.begin()) {
        return 0;
    }
    const Run& run = *(after - 1);
    return run.bytes_before + (std::min(address, run.end) - run.begin);
}

std::uint64_t ResidentMemory::bytes_in(RemoteAddress begin, RemoteAddress end) const {
    return begin < end ? bytes_before(end) - bytes_before(begin) : 0;
}

}  // namespace palloscope
