#include "attach/core_headers.hpp"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/core.h>

namespace palloscope {

namespace {

// A thread's notes take some kilobytes, and the list of mapped files 4 MB at most
// (fs/binfmt_elf.c, MAX_FILE_NOTE_SIZE).
constexpr std::uint64_t kMaxNoteBytes = std::uint64_t{64} << 20;

struct ElfEnd {
    void operator()(Elf* elf) const { elf_end(elf); }
};

using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

tl::unexpected<Error> cut_off(std::string_view path) {
    return failure(
        Error::Kind::kFailed,
        fmt::format("the core file {} is cut off: it ends before the memory that its headers "
                    "promise",
                    path),
        "look for a limit (ulimit -c, systemd-coredump's ProcessSizeMax) or a full disk, and make "
        "another: gcore PID");
}

Result<ElfHandle> open_core(const FileDescriptor& file, std::string_view path) {
    elf_version(EV_CURRENT);
    // Without a mapping: the file can shrink while it is read.
    ElfHandle elf(elf_begin(file.get(), ELF_C_READ, nullptr));
    GElf_Ehdr header{};
    if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF ||
        gelf_getehdr(elf.get(), &header) == nullptr || header.e_type != ET_CORE) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{} is no core file", path),
                       "make one of a live process: gcore PID");
    }
    if (header.e_machine != EM_X86_64 || gelf_getclass(elf.get()) != ELFCLASS64) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the core file {} is of another architecture (ELF machine {}); "
                                   "only x86-64 can be read",
                                   path,
                                   header.e_machine));
    }
    return elf;
}

void add_notes(Elf* elf, const GElf_Phdr& segment, CoreNotes& notes) {
    constexpr std::string_view kOwner("CORE", sizeof "CORE");
    if (segment.p_filesz > kMaxNoteBytes) {
        return;
    }
    Elf_Data* const data = elf_getdata_rawchunk(
        elf, static_cast<std::int64_t>(segment.p_offset), segment.p_filesz, ELF_T_NHDR);
    GElf_Nhdr note{};
    std::size_t name_at = 0;
    std::size_t contents_at = 0;
    std::size_t at = 0;
    while (data != nullptr && (at = gelf_getnote(data, at, &note, &name_at, &contents_at)) > 0) {
        const std::span<const std::byte> all(static_cast<const std::byte*>(data->d_buf),
                                             data->d_size);
        const auto* const name = reinterpret_cast<const char*>(all.data() + name_at);  // NOLINT
        if (std::string_view(name, note.n_namesz) == kOwner) {
            add_core_note(note.n_type, all.subspan(contents_at, note.n_descsz), notes);
        }
    }
}

void add_segment(const GElf_Phdr& header, std::vector<CoreSegment>& segments) {
    // The [vsyscall] page lies beyond what a process can have (gcore leaves it out, some kernels do
    // not).
    if (header.p_memsz == 0 || header.p_filesz > header.p_memsz ||
        header.p_vaddr > kMostAddresses || header.p_memsz > kMostAddresses) {
        return;
    }
    segments.push_back({.begin = {header.p_vaddr},
                        .size = header.p_memsz,
                        .offset = header.p_offset,
                        .bytes_in_core = header.p_filesz,
                        .writable = (header.p_flags & PF_W) != 0});
}

Result<> require_no_overlap(const std::vector<CoreSegment>& segments, std::string_view path) {
    const auto overlap =
        std::ranges::adjacent_find(segments, [](const CoreSegment& left, const CoreSegment& right) {
            return right.begin - left.begin < left.size;
        });
    if (overlap == segments.end()) {
        return {};
    }
    return failure(Error::Kind::kFailed,
                   fmt::format("the core file {} has two contents for the address {:#x}",
                               path,
                               std::next(overlap)->begin.value));
}

}  // namespace

Result<CoreHeaders> read_core_headers(const FileDescriptor& file, const std::string& path) {
    struct stat status {};

    if (fstat(file.get(), &status) != 0) {
        return os_error(errno, fmt::format("cannot read {}", path));
    }
    const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
    const auto elf = open_core(file, path);
    if (!elf) {
        return tl::unexpected(elf.error());
    }
    // libelf leaves out those that lie behind the end of the file.
    GElf_Ehdr head{};
    std::size_t count = 0;
    if (gelf_getehdr(elf->get(), &head) == nullptr || elf_getphdrnum(elf->get(), &count) != 0 ||
        count < head.e_phnum) {
        return cut_off(path);
    }
    CoreHeaders headers;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr header{};
        if (gelf_getphdr(elf->get(), static_cast<int>(i), &header) == nullptr ||
            header.p_offset > file_bytes || header.p_filesz > file_bytes - header.p_offset) {
            return cut_off(path);
        }
        if (header.p_type == PT_NOTE) {
            add_notes(elf->get(), header, headers.notes);
        } else if (header.p_type == PT_LOAD) {
            add_segment(header, headers.segments);
        }
    }
    if (!headers.notes.entry || headers.notes.mappings.empty()) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the core file {} does not tell which files were mapped where "
                                   "(notes NT_AUXV and NT_FILE)",
                                   path),
                       "cores by the kernel (3.7 and later) and by gcore do");
    }
    std::ranges::sort(headers.segments, {}, &CoreSegment::begin);
    std::ranges::sort(headers.notes.mappings, {}, &Mapping::start);
    return require_no_overlap(headers.segments, path).map([&] { return std::move(headers); });
}

}  // namespace palloscope
