#include "tests/support/gdb.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace palloscope::test {

namespace {

// heaptrack's lesson: gdb would wait for the network where DEBUGINFOD_URLS is set.
const ProgramOptions kNoNetwork{.environment = {"DEBUGINFOD_URLS="},
                                .working_directory = {},
                                .input = {},
                                .keep_input_open = false};
constexpr std::chrono::minutes kTimeout{5};  // it reads debug information, on a busy machine

ProgramResult gdb(std::vector<std::string> arguments, const std::vector<std::string>& commands) {
    arguments.insert(arguments.begin(), {"gdb", "-nx", "-batch"});
    arguments.insert(arguments.end(), {"-x", PALLOSCOPE_SOURCE_DIR "/scripts/gdb/palloscope.py"});
    for (const std::string& command : commands) {
        arguments.insert(arguments.end(), {"-ex", command});
    }
    return run_program(arguments, kNoNetwork, kTimeout);
}

}  // namespace

ProgramResult gdb_on_process(pid_t pid,
                             const std::vector<std::string>& commands,
                             const std::vector<std::string>& options) {
    std::vector<std::string> arguments = options;
    arguments.insert(arguments.end(), {"-p", std::to_string(pid)});
    std::vector<std::string> all = commands;
    all.emplace_back("detach");
    return gdb(arguments, all);
}

ProgramResult gdb_on_core(const std::string& executable,
                          const std::string& core,
                          const std::vector<std::string>& commands) {
    return gdb({executable, core}, commands);
}

std::string core_of(pid_t pid, const TemporaryFolder& folder) {
    const std::string prefix = folder.path() / "core";
    const ProgramResult result =
        run_program({"gcore", "-o", prefix, std::to_string(pid)}, kNoNetwork, kTimeout);
    if (result.exit_code != 0) {
        throw std::runtime_error("gcore failed: " + result.out + result.err);
    }
    return prefix + "." + std::to_string(pid);
}

std::string executable_of(pid_t pid) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe");
}

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace palloscope::test
