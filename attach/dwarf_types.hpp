#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attach/elf_image.hpp"
#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

// Struct layouts from debug information (DWARF 2 to 5, by libdw).
namespace palloscope {

struct StructMember {
    std::string name;
    std::uint64_t offset = 0;  // bytes from the start of the outermost struct
    std::uint64_t size = 0;    // bytes; of a bit field those of its declared type

    bool operator==(const StructMember&) const = default;
};

struct StructLayout {
    std::uint64_t size = 0;
    // In the order of their declaration. Members of anonymous structs and unions stand in their
    // place, so that several can have the same offset. Bit fields have the offset of the byte in
    // which they begin.
    std::vector<StructMember> members;

    // Null where there is no such member.
    [[nodiscard]] const StructMember* find(std::string_view name) const noexcept;

    bool operator==(const StructLayout&) const = default;
};

// Debug information of one program: opened once, asked often.
//
//     auto types = DwarfTypes::find(pid, image);
//     auto layout = types->struct_layout("timespec");
class DwarfTypes {
  public:
    // Debug information of `image`, the executable of process `pid`: in the file itself, by its
    // build id under /usr/lib/debug/.build-id, or by its .gnu_debuglink beside the executable,
    // below .debug there, and below /usr/lib/debug; each under the process's own root first, then
    // under ours. A separate file counts only where its build id is that of the image.
    // kUnsupported, with a hint, where there is none.
    [[nodiscard]] static Result<DwarfTypes> find(pid_t pid, const ElfImage& image);

    // The same for a file at this path that no process needs to run: under our own root.
    [[nodiscard]] static Result<DwarfTypes> find(const std::string& executable,
                                                 const ElfImage& image);

    // Debug information in this file itself. kUnsupported where there is none.
    [[nodiscard]] static Result<DwarfTypes> open(FileDescriptor file);

    DwarfTypes(DwarfTypes&& other) noexcept;
    DwarfTypes& operator=(DwarfTypes&& other) noexcept;
    DwarfTypes(const DwarfTypes& other) = delete;
    DwarfTypes& operator=(const DwarfTypes& other) = delete;
    ~DwarfTypes();

    // The struct or union of that name, or that a typedef of that name stands for; the first
    // definition found, while mere declarations are passed over. kUnsupported where there is none.
    [[nodiscard]] Result<StructLayout> struct_layout(std::string_view name) const;

  private:
    struct State;
    explicit DwarfTypes(std::unique_ptr<State> state);

    [[nodiscard]] static Result<DwarfTypes> find_below(const std::vector<std::string>& roots,
                                                       const std::string& executable,
                                                       const ElfImage& image);

    std::unique_ptr<State> state_;
};

// Where a separate debug file may lie, in the order of the search, from the root of the file system
// that holds `executable`. A file name with slashes, or a build id that is none, leads nowhere.
[[nodiscard]] std::vector<std::string> debug_file_paths(std::string_view build_id,
                                                        std::string_view link_file_name,
                                                        std::string_view executable);

}  // namespace palloscope
