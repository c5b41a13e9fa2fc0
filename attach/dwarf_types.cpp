#include "attach/dwarf_types.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"

namespace palloscope {

namespace {

// Files of other people can hold anything, also a type that is made of itself.
constexpr int kMaxTypeSteps = 32;
constexpr int kMaxNesting = 16;
constexpr std::uint64_t kBitsPerByte = 8;

struct DwarfEnd {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

using DwarfHandle = std::unique_ptr<Dwarf, DwarfEnd>;

bool is_struct(Dwarf_Die& die) {
    const int tag = dwarf_tag(&die);
    return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

bool is_declaration(Dwarf_Die& die) {
    return dwarf_hasattr_integrate(&die, DW_AT_declaration) != 0;
}

std::optional<std::uint64_t> number(Dwarf_Die& die, unsigned attribute_name) {
    Dwarf_Attribute attribute{};
    Dwarf_Word value = 0;
    if (dwarf_attr_integrate(&die, attribute_name, &attribute) == nullptr ||
        dwarf_formudata(&attribute, &value) != 0) {
        return std::nullopt;
    }
    return value;
}

// What the type of `die` is, behind typedefs and qualifiers. dwarf_peel_type would follow a circle
// for ever.
std::optional<Dwarf_Die> type_of(Dwarf_Die die) {
    for (int step = 0; step < kMaxTypeSteps; ++step) {
        Dwarf_Attribute attribute{};
        Dwarf_Die type{};
        if (dwarf_attr_integrate(&die, DW_AT_type, &attribute) == nullptr ||
            dwarf_formref_die(&attribute, &type) == nullptr) {
            return std::nullopt;
        }
        switch (dwarf_tag(&type)) {
            case DW_TAG_typedef:
            case DW_TAG_const_type:
            case DW_TAG_volatile_type:
            case DW_TAG_restrict_type:
            case DW_TAG_atomic_type:
                die = type;
                break;
            default:
                return type;
        }
    }
    return std::nullopt;
}

// DW_AT_data_member_location: a number, or, up to DWARF 3, an expression that adds one.
std::uint64_t byte_offset(Dwarf_Die& member) {
    if (const auto bytes = number(member, DW_AT_data_member_location)) {
        return *bytes;
    }
    Dwarf_Attribute attribute{};
    Dwarf_Op* operations = nullptr;
    std::size_t count = 0;
    if (dwarf_attr_integrate(&member, DW_AT_data_member_location, &attribute) != nullptr &&
        dwarf_getlocation(&attribute, &operations, &count) == 0 && count == 1 &&
        operations->atom == DW_OP_plus_uconst) {
        return operations->number;
    }
    return 0;  // as for the members of a union
}

// The byte in which a member begins, which for a bit field follows from its bits.
std::uint64_t member_offset(Dwarf_Die& member, std::uint64_t size) {
    if (const auto bits = number(member, DW_AT_data_bit_offset)) {
        return byte_offset(member) + *bits / kBitsPerByte;
    }
    const auto bits_from_top = number(member, DW_AT_bit_offset);  // up to DWARF 3, and GCC's 4
    const auto bit_size = number(member, DW_AT_bit_size);
    if (bits_from_top && bit_size) {
        const std::uint64_t storage = number(member, DW_AT_byte_size).value_or(size);
        const std::uint64_t first = storage * kBitsPerByte - *bits_from_top - *bit_size;
        return byte_offset(member) + first / kBitsPerByte;
    }
    return byte_offset(member);
}

void add_members(Dwarf_Die& type,
                 std::uint64_t base,
                 int nesting,
                 std::vector<StructMember>& members) {
    Dwarf_Die child{};
    if (nesting > kMaxNesting || dwarf_child(&type, &child) != 0) {
        return;
    }
    do {
        // Static members of a C++ class have no place in the struct.
        if (dwarf_tag(&child) != DW_TAG_member ||
            dwarf_hasattr_integrate(&child, DW_AT_external) != 0) {
            continue;
        }
        auto member_type = type_of(child);
        Dwarf_Word size = 0;
        if (member_type && dwarf_aggregate_size(&*member_type, &size) != 0) {
            size = 0;  // a flexible array
        }
        const std::uint64_t offset = base + member_offset(child, size);
        const char* const name = dwarf_diename(&child);
        if (name != nullptr) {
            members.push_back({.name = name, .offset = offset, .size = size});
        } else if (member_type && is_struct(*member_type)) {
            add_members(*member_type, offset, nesting + 1, members);
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

tl::unexpected<Error> no_debug_information(std::string_view what) {
    return failure(Error::Kind::kUnsupported, fmt::format("{} has no debug information", what));
}

// A regular file below `root`, links included; none of a hostile file system's pipes or ways out.
std::optional<FileDescriptor> open_below(const FileDescriptor& root, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_IN_ROOT;
    FileDescriptor file(
        static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));

    struct stat status {};

    if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return file;
}

std::optional<FileDescriptor> duplicate(int descriptor) {
    FileDescriptor copy(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) {
        return std::nullopt;
    }
    return copy;
}

std::string_view folder_of(std::string_view path) {
    return path.substr(0, std::min(path.rfind('/'), path.size()));
}

}  // namespace

const StructMember* StructLayout::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(members, name, &StructMember::name);
    return found == members.end() ? nullptr : &*found;
}

struct DwarfTypes::State {
    FileDescriptor file;
    DwarfHandle dwarf;
    // Units are looked through one by one, as far as a search has to go.
    Dwarf_CU* last_unit = nullptr;
    bool at_end = false;
    // Offsets of definitions, and of typedefs that stand for one.
    std::unordered_map<std::string, Dwarf_Off> structs;
    std::unordered_map<std::string, Dwarf_Off> typedefs;

    void add_type(Dwarf_Die& die);
    bool add_next_unit();
    std::optional<Dwarf_Die> known(const std::string& name);
};

void DwarfTypes::State::add_type(Dwarf_Die& die) {
    const char* const name = dwarf_diename(&die);
    if (name == nullptr) {
        return;
    }
    if (is_struct(die) && !is_declaration(die)) {
        structs.try_emplace(name, dwarf_dieoffset(&die));
    } else if (dwarf_tag(&die) == DW_TAG_typedef) {
        if (auto type = type_of(die); type && is_struct(*type) && !is_declaration(*type)) {
            typedefs.try_emplace(name, dwarf_dieoffset(&die));
        }
    }
}

bool DwarfTypes::State::add_next_unit() {
    Dwarf_Die unit{};
    Dwarf_CU* next = nullptr;
    at_end = at_end ||
             dwarf_get_units(dwarf.get(), last_unit, &next, nullptr, nullptr, &unit, nullptr) != 0;
    if (at_end) {
        return false;
    }
    last_unit = next;
    Dwarf_Die die{};
    if (dwarf_child(&unit, &die) == 0) {
        do {
            add_type(die);
        } while (dwarf_siblingof(&die, &die) == 0);
    }
    return true;
}

std::optional<Dwarf_Die> DwarfTypes::State::known(const std::string& name) {
    Dwarf_Die die{};
    if (const auto found = structs.find(name);
        found != structs.end() && dwarf_offdie(dwarf.get(), found->second, &die) != nullptr) {
        return die;
    }
    if (const auto found = typedefs.find(name);
        found != typedefs.end() && dwarf_offdie(dwarf.get(), found->second, &die) != nullptr) {
        return type_of(die);
    }
    return std::nullopt;
}

DwarfTypes::DwarfTypes(std::unique_ptr<State> state) : state_(std::move(state)) {}

DwarfTypes::DwarfTypes(DwarfTypes&&) noexcept = default;
DwarfTypes& DwarfTypes::operator=(DwarfTypes&&) noexcept = default;
DwarfTypes::~DwarfTypes() = default;

Result<DwarfTypes> DwarfTypes::open(FileDescriptor file) {
    auto state = std::make_unique<State>();
    state->file = std::move(file);
    state->dwarf.reset(dwarf_begin(state->file.get(), DWARF_C_READ));
    // A stripped file may have kept one of the sections, and no unit.
    if (state->dwarf == nullptr || !state->add_next_unit()) {
        return no_debug_information("the file");
    }
    return DwarfTypes(std::move(state));
}

Result<DwarfTypes> DwarfTypes::find(pid_t pid, const ElfImage& image) {
    return find_below(
        {fmt::format("/proc/{}/root", pid), "/"}, read_link(pid, "exe").value_or(""), image);
}

Result<DwarfTypes> DwarfTypes::find(const std::string& executable, const ElfImage& image) {
    return find_below({"/"}, executable, image);
}

Result<DwarfTypes> DwarfTypes::find_below(const std::vector<std::string>& roots,
                                          const std::string& executable,
                                          const ElfImage& image) {
    if (auto own = duplicate(image.descriptor())) {
        if (auto types = open(std::move(*own))) {
            return types;
        }
    }
    const auto link = image.debug_link();
    const std::string build_id = image.build_id();
    for (const std::string& root_path : roots) {
        const FileDescriptor root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        for (const std::string& path :
             debug_file_paths(build_id, link ? link->file_name : std::string{}, executable)) {
            auto file = open_below(root, path);
            if (!file) {
                continue;
            }
            auto separate = ElfImage::open(std::move(*file));
            if (!separate || separate->build_id() != build_id) {
                continue;  // of another build
            }
            auto copy = duplicate(separate->descriptor());
            if (!copy) {
                continue;
            }
            if (auto types = open(std::move(*copy))) {
                return types;
            }
        }
    }
    return failure(Error::Kind::kUnsupported,
                   fmt::format("there is no debug information for {}", executable),
                   "install the package with its debug symbols (Debian: NAME-dbgsym, Red Hat: "
                   "NAME-debuginfo)");
}

Result<StructLayout> DwarfTypes::struct_layout(std::string_view name) const {
    const std::string key(name);
    auto type = state_->known(key);
    while (!type && state_->add_next_unit()) {
        type = state_->known(key);
    }
    Dwarf_Word size = 0;
    if (!type || dwarf_aggregate_size(&*type, &size) != 0) {
        return failure(Error::Kind::kUnsupported,
                       fmt::format("the debug information has no struct {}", name));
    }
    StructLayout layout{.size = size};
    add_members(*type, 0, 0, layout.members);
    return layout;
}

std::vector<std::string> debug_file_paths(std::string_view build_id,
                                          std::string_view link_file_name,
                                          std::string_view executable) {
    constexpr std::size_t kFolderDigits = 2;
    // The file is known again by its build id: without one, none is trusted.
    if (build_id.size() <= kFolderDigits) {
        return {};
    }
    std::vector<std::string> paths{fmt::format("/usr/lib/debug/.build-id/{}/{}.debug",
                                               build_id.substr(0, kFolderDigits),
                                               build_id.substr(kFolderDigits))};
    if (!link_file_name.empty() && link_file_name.find('/') == std::string_view::npos) {
        const std::string_view folder = folder_of(executable);
        paths.push_back(fmt::format("{}/{}", folder, link_file_name));
        paths.push_back(fmt::format("{}/.debug/{}", folder, link_file_name));
        paths.push_back(fmt::format("/usr/lib/debug{}/{}", folder, link_file_name));
    }
    return paths;
}

}  // namespace palloscope
