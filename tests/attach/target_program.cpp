#include "tests/attach/target_program.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>

#include "attach/proc.hpp"
#include "attach/stopped_process.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope::test {

namespace {

template <typename T>
T require(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return std::move(*result);
}

// Whether a thread runs or sleeps, and nobody traces it. One that ends meanwhile did.
bool runs_free(pid_t thread) {
    try {
        return !is_running(thread) ||
               (std::string_view("RS").find(state_of(thread)) != std::string_view::npos &&
                tracer_pid(thread) == 0);
    } catch (const std::runtime_error&) {
        return !is_running(thread);
    }
}

}  // namespace

TargetProgram TargetProgram::start(const std::string& name,
                                   const std::vector<std::string>& arguments,
                                   const ProgramOptions& options) {
    std::vector<std::string> command{PALLOSCOPE_BINARY_DIR "/tests/attach/targets/" + name};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Program program = Program::start(command, options);
    program.wait_for_output("ready");
    const pid_t pid = program.pid();
    Process process = require(Process::open(pid));
    ProcessMemory memory = require(ProcessMemory::open(pid));
    ElfImage image = require(ElfImage::open(require(open_executable(pid))));
    const std::uint64_t bias = require(image.load_bias(pid));
    const CallGadgets gadgets = require(find_call_gadgets(memory, require(read_maps(pid))));
    return {
        std::move(program), std::move(process), std::move(memory), std::move(image), bias, gadgets};
}

TargetProgram::TargetProgram(Program program,
                             Process process,
                             ProcessMemory memory,
                             ElfImage image,
                             std::uint64_t bias,
                             CallGadgets gadgets)
    : program_(std::move(program)),
      process_(std::move(process)),
      memory_(std::move(memory)),
      image_(std::move(image)),
      bias_(bias),
      gadgets_(gadgets) {}

RemoteAddress TargetProgram::address_of(std::string_view symbol) const {
    const auto found = image_.find_symbol(symbol);
    if (!found) {
        throw std::runtime_error(fmt::format("no symbol {}", symbol));
    }
    return {found->address + bias_};
}

std::uint64_t TargetProgram::value(std::string_view symbol) const {
    return require(memory_.read<std::uint64_t>(address_of(symbol)));
}

bool TargetProgram::goes_on() const {
    const std::uint64_t before = value("counter");
    return eventually([&] { return value("counter") != before; }) &&
           std::ranges::all_of(require(list_threads(pid())), runs_free);
}

Result<CapturedOutput> TargetProgram::capture(std::string_view function,
                                              long argument,
                                              std::chrono::milliseconds timeout) const {
    auto stopped = StoppedProcess::seize(pid(), std::chrono::seconds(5));
    if (!stopped) {
        return tl::unexpected(std::move(stopped.error()));
    }
    const FunctionCall call{address_of(function), {static_cast<std::uint64_t>(argument)}};
    return call_with_captured_stderr(
        std::move(*stopped), process_, memory_, gadgets_, call, timeout);
}

Result<CopyOnWriteChild> TargetProgram::copy(const std::optional<MemoryHeadroom>& headroom) const {
    auto prepared = prepare_child(pid());
    if (!prepared) {
        return tl::unexpected(std::move(prepared.error()));
    }
    prepared->headroom = headroom.value_or(prepared->headroom);
    auto stopped = StoppedProcess::seize(pid(), std::chrono::seconds(5));
    if (!stopped) {
        return tl::unexpected(std::move(stopped.error()));
    }
    return CopyOnWriteChild::make(std::move(*stopped), process_, memory_, gadgets_, *prepared);
}

bool gets_descriptors(pid_t pid, const std::map<int, std::string>& descriptors) {
    return eventually([&] {
        try {
            return open_descriptors(pid) == descriptors;
        } catch (const std::runtime_error&) {
            return false;  // one was closed between the list and the look
        }
    });
}

std::string printed_lines(long lines) {
    std::string text;
    for (long line = 0; line < lines; ++line) {
        text += fmt::format("line {:>10}\n", line);
    }
    return text;
}

}  // namespace palloscope::test
