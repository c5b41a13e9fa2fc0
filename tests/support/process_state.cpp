#include "tests/support/process_state.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace palloscope::test {

namespace {

std::string proc_path(pid_t pid, const std::string& name) {
    return "/proc/" + std::to_string(pid) + "/" + name;
}

// The fields of /proc/PID/stat that follow the command's name, which may hold spaces and
// parentheses itself: the state (field 3 of proc(5)) comes first.
std::istringstream fields_after_name(pid_t pid) {
    std::ifstream file(proc_path(pid, "stat"));
    std::string line;
    if (!std::getline(file, line)) {
        throw std::runtime_error("process " + std::to_string(pid) + " is gone");
    }
    return std::istringstream(line.substr(line.rfind(')') + 1));
}

// The field of that number in proc(5), from the fourth one on.
template <typename T>
T field_of(pid_t pid, int number) {
    constexpr int kState = 3;
    std::istringstream fields = fields_after_name(pid);
    std::string skipped;
    for (int field = kState; field < number; ++field) {
        fields >> skipped;
    }
    T value{};
    fields >> value;
    return value;
}

}  // namespace

char state_of(pid_t pid) {
    char state = '?';
    fields_after_name(pid) >> state;
    return state;
}

bool is_running(pid_t pid) {
    try {
        return state_of(pid) != 'Z';
    } catch (const std::runtime_error&) {
        return false;
    }
}

pid_t tracer_pid(pid_t pid) {
    std::ifstream file(proc_path(pid, "status"));
    std::string name;
    while (file >> name) {
        if (name == "TracerPid:") {
            pid_t tracer = 0;
            file >> tracer;
            return tracer;
        }
    }
    throw std::runtime_error("process " + std::to_string(pid) + " is gone");
}

std::uint64_t start_time(pid_t pid) {
    constexpr int kStartTime = 22;
    return field_of<std::uint64_t>(pid, kStartTime);
}

int exit_status_of(pid_t zombie) {
    constexpr int kExitCode = 52;
    return field_of<int>(zombie, kExitCode);
}

std::map<int, std::string> open_descriptors(pid_t pid) {
    std::map<int, std::string> descriptors;
    // Throws std::filesystem::filesystem_error, a std::runtime_error, where the process is gone.
    for (const auto& entry : std::filesystem::directory_iterator(proc_path(pid, "fd"))) {
        descriptors.emplace(std::stoi(entry.path().filename()),
                            std::filesystem::read_symlink(entry));
    }
    return descriptors;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> children;
    // Throws like open_descriptors. A child belongs to the thread that forked it. Reading the
    // children of a thread that ended meanwhile gives ESRCH, which a file buffer throws.
    for (const auto& thread : std::filesystem::directory_iterator(proc_path(pid, "task"))) {
        std::ifstream file(thread.path() / "children");
        try {
            children.insert(children.end(), std::istream_iterator<pid_t>(file), {});
        } catch (const std::ios_base::failure&) {
            continue;
        }
    }
    return children;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace palloscope::test
