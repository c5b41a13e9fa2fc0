#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "attach/elf_image.hpp"
#include "attach/error.hpp"
#include "attach/process.hpp"
#include "attach/process_memory.hpp"
#include "attach/remote_address.hpp"
#include "inspector/backend/server_globals.hpp"

namespace palloscope {

// One running process of a PostgreSQL server, opened for reading: its memory and where its global
// variables lie. Opening and reading do nothing to it.
class Backend {
  public:
    // kGone where there is no such process or it is none of PostgreSQL's, kPermission where we may
    // not look at it, kUnsupported where its build cannot be read.
    [[nodiscard]] static Result<Backend> open(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

    [[nodiscard]] int server_version_num() const noexcept {
        return globals_.binary().version_num();
    }

    // The file that it runs.
    [[nodiscard]] const ElfImage& image() const noexcept { return globals_.binary().image(); }

    [[nodiscard]] const Process& process() const noexcept { return process_; }

    [[nodiscard]] const ProcessMemory& memory() const noexcept { return memory_; }

    // Where a global variable or function of the server lies in this process; null where this
    // version has none of that name.
    [[nodiscard]] RemoteAddress address_of(std::string_view symbol) const {
        return globals_.address_of(symbol);
    }

    [[nodiscard]] const ServerGlobals& globals() const noexcept { return globals_; }

    // The value of a global variable, none where this version has none of that name.
    template <typename T>
    [[nodiscard]] Result<std::optional<T>> read_global(std::string_view symbol) const {
        const RemoteAddress address = address_of(symbol);
        if (address.is_null()) {
            return std::nullopt;
        }
        return memory_.read<T>(address).map([](T value) { return std::optional(value); });
    }

  private:
    Backend(Process process, ProcessMemory memory, ServerGlobals globals)
        : process_(std::move(process)), memory_(std::move(memory)), globals_(std::move(globals)) {}

    Process process_;
    ProcessMemory memory_;
    ServerGlobals globals_;
};

// Why a file of the backend below /proc, "syscall" say, cannot be opened by root who lacks a
// capability; `tells`: what is to be known from it.
[[nodiscard]] tl::unexpected<Error> closed_file(const Backend& backend,
                                                std::string_view file,
                                                std::string_view tells);

}  // namespace palloscope
