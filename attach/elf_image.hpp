#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "attach/error.hpp"
#include "attach/file_descriptor.hpp"

namespace palloscope {

struct ElfSymbol {
    // As linked: add the load bias for the address in a process.
    std::uint64_t address = 0;
    std::uint64_t size = 0;

    bool operator==(const ElfSymbol&) const = default;
};

// The separate file with debug information that a stripped file names (.gnu_debuglink).
struct DebugLink {
    std::string file_name;
    std::uint32_t crc = 0;
};

// An ELF file, read by libelf: symbols, identity, contents. Holds the descriptor open, so it goes
// on working when the file is replaced on disk.
class ElfImage {
  public:
    // kUnsupported where the file is no 64-bit x86-64 ELF file.
    [[nodiscard]] static Result<ElfImage> open(FileDescriptor file);

    ElfImage(ElfImage&& other) noexcept;
    ElfImage& operator=(ElfImage&& other) noexcept;
    ElfImage(const ElfImage& other) = delete;
    ElfImage& operator=(const ElfImage& other) = delete;
    ~ElfImage();

    // A defined function or object of the dynamic symbol table or, where it was not stripped, of
    // the full one.
    [[nodiscard]] std::optional<ElfSymbol> find_symbol(std::string_view name) const;

    // The build id in hexadecimal digits (.note.gnu.build-id), empty where there is none.
    [[nodiscard]] std::string build_id() const;

    [[nodiscard]] std::optional<DebugLink> debug_link() const;

    // The NUL-terminated text that begins with `prefix` in a segment that is never written; none
    // where there is no such text.
    [[nodiscard]] std::optional<std::string> find_constant_text(std::string_view prefix) const;

    // What to add to an address of this file for the address in the process `pid` that runs it as
    // its executable: AT_ENTRY of its auxiliary vector less the entry point (getauxval(3)) or,
    // where that file of /proc is another user's and closed to us, where the first of its segments
    // is mapped. It is 0 for a file that is not position-independent.
    [[nodiscard]] Result<std::uint64_t> load_bias(int pid) const;

    // The entry point as linked.
    [[nodiscard]] std::uint64_t entry() const noexcept;

    [[nodiscard]] int descriptor() const noexcept;

  private:
    struct State;

    [[nodiscard]] Result<std::uint64_t> bias_of_mappings(int pid) const;

    explicit ElfImage(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace palloscope
