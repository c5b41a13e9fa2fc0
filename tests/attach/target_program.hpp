#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attach/call_chain.hpp"
#include "attach/captured_call.hpp"
#include "attach/copy_on_write_child.hpp"
#include "attach/elf_image.hpp"
#include "attach/process.hpp"
#include "attach/process_memory.hpp"
#include "tests/support/program.hpp"

namespace palloscope::test {

// A running program of tests/attach/targets, past its set-up.
//
//     TargetProgram target = TargetProgram::start("ticks");
//     EXPECT_TRUE(target.goes_on());
class TargetProgram {
  public:
    static TargetProgram start(const std::string& name,
                               const std::vector<std::string>& arguments = {},
                               const ProgramOptions& options = {});

    [[nodiscard]] pid_t pid() const { return program_.pid(); }

    Program& program() { return program_; }

    [[nodiscard]] const Process& process() const { return process_; }

    [[nodiscard]] const ProcessMemory& memory() const { return memory_; }

    [[nodiscard]] const CallGadgets& gadgets() const { return gadgets_; }

    [[nodiscard]] RemoteAddress address_of(std::string_view symbol) const;

    // A 64-bit variable of the program.
    [[nodiscard]] std::uint64_t value(std::string_view symbol) const;

    // Whether its counter goes up, no thread of it is stopped, and nobody traces it.
    [[nodiscard]] bool goes_on() const;

    // Stops it and makes it call `function`, as a snapshot does.
    [[nodiscard]] Result<CapturedOutput> capture(
        std::string_view function,
        long argument = 0,
        std::chrono::milliseconds timeout = std::chrono::seconds(30)) const;

    // Stops it and makes it make a copy-on-write child.
    [[nodiscard]] Result<CopyOnWriteChild> copy(
        const std::optional<MemoryHeadroom>& headroom = std::nullopt) const;

  private:
    TargetProgram(Program program,
                  Process process,
                  ProcessMemory memory,
                  ElfImage image,
                  std::uint64_t bias,
                  CallGadgets gadgets);

    Program program_;
    Process process_;
    ProcessMemory memory_;
    ElfImage image_;
    std::uint64_t bias_;
    CallGadgets gadgets_;
};

// Whether its open descriptors become these again, links included, within ten seconds.
bool gets_descriptors(pid_t pid, const std::map<int, std::string>& descriptors);

// What print_many(lines) prints.
std::string printed_lines(long lines);

}  // namespace palloscope::test
