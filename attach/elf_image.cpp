#include "attach/elf_image.hpp"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

struct ElfEnd {
    void operator()(Elf* elf) const { elf_end(elf); }
};

using ElfHandle = std::unique_ptr<Elf, ElfEnd>;
using SymbolMap = std::unordered_map<std::string_view, ElfSymbol>;

std::string_view section_name(Elf* elf, const GElf_Shdr& header) {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf, &names) != 0) {
        return {};
    }
    const char* const name = elf_strptr(elf, names, header.sh_name);
    return name == nullptr ? std::string_view{} : std::string_view(name);
}

template <typename F>
void for_each_section(Elf* elf, F&& visit) {
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
        GElf_Shdr header{};
        if (gelf_getshdr(section, &header) != nullptr) {
            visit(section, header);
        }
    }
}

// Adds the section's defined functions and objects; the names live as long as the Elf handle.
void add_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, SymbolMap& symbols) {
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) {
        return;
    }
    const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < count; ++i) {
        GElf_Sym symbol{};
        if (gelf_getsym(data, i, &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF) {
            continue;
        }
        const auto type = GELF_ST_TYPE(symbol.st_info);
        if (type != STT_FUNC && type != STT_OBJECT) {
            continue;
        }
        const char* const name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name != nullptr && *name != '\0') {
            symbols.try_emplace(name,
                                ElfSymbol{.address = symbol.st_value, .size = symbol.st_size});
        }
    }
}

}  // namespace

struct ElfImage::State {
    FileDescriptor file;
    ElfHandle elf;
    GElf_Ehdr header{};
    SymbolMap symbols;
};

ElfImage::ElfImage(std::unique_ptr<State> state) : state_(std::move(state)) {}

ElfImage::ElfImage(ElfImage&&) noexcept = default;
ElfImage& ElfImage::operator=(ElfImage&&) noexcept = default;
ElfImage::~ElfImage() = default;

Result<ElfImage> ElfImage::open(FileDescriptor file) {
    elf_version(EV_CURRENT);
    auto state = std::make_unique<State>();
    state->file = std::move(file);
    state->elf.reset(elf_begin(state->file.get(), ELF_C_READ_MMAP, nullptr));
    Elf* const elf = state->elf.get();
    if (elf == nullptr || elf_kind(elf) != ELF_K_ELF ||
        gelf_getehdr(elf, &state->header) == nullptr) {
        return failure(Error::Kind::kUnsupported, "the executable is no ELF file");
    }
    if (state->header.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64) {
        return failure(
            Error::Kind::kUnsupported,
            fmt::format("the executable is built for another architecture (ELF machine {}); "
                        "only x86-64 can be read",
                        state->header.e_machine));
    }
    for_each_section(elf, [&](Elf_Scn* section, const GElf_Shdr& header) {
        if (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB) {
            add_symbols(elf, section, header, state->symbols);
        }
    });
    return ElfImage(std::move(state));
}

std::optional<ElfSymbol> ElfImage::find_symbol(std::string_view name) const {
    const auto found = state_->symbols.find(name);
    if (found == state_->symbols.end()) {
        return std::nullopt;
    }
    return found->second;
}

std::string ElfImage::build_id() const {
    std::string hex;
    for_each_section(state_->elf.get(), [&](Elf_Scn* section, const GElf_Shdr& header) {
        if (header.sh_type != SHT_NOTE || !hex.empty()) {
            return;
        }
        Elf_Data* const data = elf_getdata(section, nullptr);
        GElf_Nhdr note{};
        std::size_t name_at = 0;
        std::size_t bytes_at = 0;
        std::size_t at = 0;
        while (data != nullptr && (at = gelf_getnote(data, at, &note, &name_at, &bytes_at)) > 0) {
            if (note.n_type != NT_GNU_BUILD_ID) {
                continue;
            }
            const auto* const bytes = static_cast<const unsigned char*>(data->d_buf) + bytes_at;
            for (std::size_t i = 0; i < note.n_descsz; ++i) {
                hex += fmt::format("{:02x}", bytes[i]);
            }
        }
    });
    return hex;
}

std::optional<DebugLink> ElfImage::debug_link() const {
    std::optional<DebugLink> link;
    for_each_section(state_->elf.get(), [&](Elf_Scn* section, const GElf_Shdr& header) {
        if (section_name(state_->elf.get(), header) != ".gnu_debuglink") {
            return;
        }
        const Elf_Data* const data = elf_getdata(section, nullptr);
        constexpr std::size_t kCrcBytes = sizeof(std::uint32_t);
        if (data == nullptr || data->d_size <= kCrcBytes) {
            return;
        }
        // A NUL-terminated name, padding to four bytes, then the checksum.
        const std::span bytes(static_cast<const char*>(data->d_buf), data->d_size);
        DebugLink found;
        found.file_name.assign(bytes.begin(), std::ranges::find(bytes, '\0'));
        std::memcpy(&found.crc, bytes.last(kCrcBytes).data(), kCrcBytes);
        link = std::move(found);
    });
    return link;
}

std::optional<std::string> ElfImage::find_constant_text(std::string_view prefix) const {
    std::size_t file_size = 0;
    const char* const raw = elf_rawfile(state_->elf.get(), &file_size);
    std::size_t segments = 0;
    if (raw == nullptr || elf_getphdrnum(state_->elf.get(), &segments) != 0) {
        return std::nullopt;
    }
    const std::string_view file(raw, file_size);
    for (std::size_t i = 0; i < segments; ++i) {
        GElf_Phdr segment{};
        if (gelf_getphdr(state_->elf.get(), static_cast<int>(i), &segment) == nullptr ||
            segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0 ||
            segment.p_offset > file_size) {
            continue;
        }
        const std::string_view contents = file.substr(segment.p_offset, segment.p_filesz);
        const std::size_t begin = contents.find(prefix);
        if (begin != std::string_view::npos) {
            const std::size_t end = contents.find('\0', begin);
            return std::string(contents.substr(begin, end - begin));
        }
    }
    return std::nullopt;
}

Result<std::uint64_t> ElfImage::load_bias(int pid) const {
    auto entry = read_auxiliary_value(pid, AT_ENTRY);
    if (!entry && entry.error().kind == Error::Kind::kPermission) {
        return bias_of_mappings(pid);
    }
    return std::move(entry).map(
        [&](std::uint64_t address) { return address - state_->header.e_entry; });
}

// The kernel maps whole pages, the segments in their order (fs/binfmt_elf.c, load_elf_binary).
Result<std::uint64_t> ElfImage::bias_of_mappings(int pid) const {
    constexpr std::uint64_t kPageBytes = 4096;
    const auto executable = read_link(pid, "exe");
    const auto mappings = read_maps(pid);
    if (!executable || !mappings) {
        return tl::unexpected(executable ? mappings.error() : executable.error());
    }
    const auto first = std::ranges::find(*mappings, *executable, &Mapping::path);
    std::size_t segments = 0;
    if (first == mappings->end() || elf_getphdrnum(state_->elf.get(), &segments) != 0) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("{} is not mapped in process {}", *executable, pid));
    }
    for (std::size_t i = 0; i < segments; ++i) {
        GElf_Phdr segment{};
        if (gelf_getphdr(state_->elf.get(), static_cast<int>(i), &segment) != nullptr &&
            segment.p_type == PT_LOAD &&
            segment.p_offset / kPageBytes * kPageBytes == first->offset) {
            return first->start.value - segment.p_vaddr / kPageBytes * kPageBytes;
        }
    }
    return failure(
        Error::Kind::kUnsupported,
        fmt::format("no segment of {} is where process {} has it mapped", *executable, pid));
}

std::uint64_t ElfImage::entry() const noexcept {
    return state_->header.e_entry;
}

int ElfImage::descriptor() const noexcept {
    return state_->file.get();
}

}  // namespace palloscope
