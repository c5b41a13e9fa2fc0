#include "attach/core_notes.hpp"

#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace palloscope {

namespace {

template <typename T>
std::optional<T> value_in(std::span<const std::byte> bytes, std::size_t at = 0) {
    if (at > bytes.size() || bytes.size() - at < sizeof(T)) {
        return std::nullopt;
    }
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::string text_of(std::string_view bytes) {
    bytes = bytes.substr(0, bytes.find('\0'));
    return std::string(bytes.substr(0, bytes.find_last_not_of(' ') + 1));
}

std::optional<std::uint64_t> auxiliary_value(std::span<const std::byte> vector,
                                             std::uint64_t type) {
    for (std::size_t at = 0; const auto entry = value_in<Elf64_auxv_t>(vector, at);
         at += sizeof *entry) {
        if (entry->a_type == type) {
            return entry->a_un.a_val;
        }
    }
    return std::nullopt;
}

// Count and page size; start, end and offset in pages of each mapping; their paths, each with a NUL
// (fs/binfmt_elf.c, fill_files_note).
std::vector<Mapping> file_mappings(std::span<const std::byte> bytes) {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    constexpr std::size_t kHead = 2 * kWord;
    constexpr std::size_t kEntry = 3 * kWord;
    const auto count = value_in<std::uint64_t>(bytes);
    const auto page_bytes = value_in<std::uint64_t>(bytes, kWord);
    if (!count || !page_bytes || *count > (bytes.size() - kHead) / kEntry) {
        return {};
    }
    std::vector<Mapping> mappings;
    const std::span<const std::byte> names = bytes.subspan(kHead + *count * kEntry);
    std::string_view paths(reinterpret_cast<const char*>(names.data()), names.size());  // NOLINT
    for (std::size_t i = 0; i < *count; ++i) {
        const std::size_t at = kHead + i * kEntry;
        Mapping mapping;
        mapping.start.value = *value_in<std::uint64_t>(bytes, at);
        mapping.end.value = *value_in<std::uint64_t>(bytes, at + kWord);
        const std::uint64_t pages = *value_in<std::uint64_t>(bytes, at + 2 * kWord);
        mapping.path = std::string(paths.substr(0, paths.find('\0')));
        paths.remove_prefix(std::min(mapping.path.size() + 1, paths.size()));
        if (mapping.start < mapping.end &&
            !__builtin_mul_overflow(pages, *page_bytes, &mapping.offset)) {
            mappings.push_back(std::move(mapping));
        }
    }
    return mappings;
}

}  // namespace

void add_core_note(std::uint32_t type, std::span<const std::byte> contents, CoreNotes& notes) {
    if (type == NT_PRPSINFO) {
        if (const auto info = value_in<elf_prpsinfo>(contents)) {
            notes.pid = info->pr_pid;
            notes.command_line = text_of({std::begin(info->pr_psargs), sizeof info->pr_psargs});
        }
    } else if (type == NT_PRSTATUS && notes.pid == 0) {
        if (const auto status = value_in<elf_prstatus>(contents)) {
            notes.pid = status->pr_pid;
        }
    } else if (type == NT_AUXV) {
        notes.entry = auxiliary_value(contents, AT_ENTRY);
    } else if (type == NT_FILE) {
        notes.mappings = file_mappings(contents);
    }
}

}  // namespace palloscope
