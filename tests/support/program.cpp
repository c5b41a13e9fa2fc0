#include "tests/support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "attach/exec_texts.hpp"

namespace palloscope::test {

namespace {

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

// Close-on-exec: another program of ours must not hold an end open.
Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw_errno("cannot make a pipe");
    }
    return {.read_end = FileDescriptor(ends[0]), .write_end = FileDescriptor(ends[1])};
}

void set_nonblocking(const FileDescriptor& descriptor) {
    if (fcntl(descriptor.get(), F_SETFL, O_NONBLOCK) != 0) {
        throw_errno("cannot make a pipe non-blocking");
    }
}

void write_input(const FileDescriptor& input, const std::string& text) {
    set_nonblocking(input);
    if (write(input.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("the input of a program must fit into a pipe");
    }
}

struct Child {
    pid_t parent = 0;
    std::array<int, 3> streams{};
    const char* working_directory = nullptr;
    char** arguments = nullptr;
    char** environment = nullptr;
};

// Runs between fork and exec: only calls that are safe in a signal handler.
[[noreturn]] void become(const Child& child) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool orphaned = getppid() != child.parent;
    for (std::size_t stream = 0; stream < child.streams.size(); ++stream) {
        dup2(child.streams.at(stream), static_cast<int>(stream));
    }
    if (!orphaned && (*child.working_directory == '\0' || chdir(child.working_directory) == 0)) {
        execvpe(child.arguments[0], child.arguments, child.environment);
    }
    const char* const reason = strerrordesc_np(errno);
    for (const char* part :
         {"cannot run ", static_cast<const char*>(child.arguments[0]), ": ", reason, "\n"}) {
        if (write(STDERR_FILENO, part, std::strlen(part)) < 0) {
            break;
        }
    }
    _exit(127);
}

int remaining_ms(std::chrono::steady_clock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

}  // namespace

Program Program::start(const std::vector<std::string>& arguments, const ProgramOptions& options) {
    Pipe input = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    write_input(input.write_end, options.input);
    std::vector<std::string> argument_texts = arguments;
    std::vector<std::string> environment_texts = environment_with(options.environment);
    std::vector<char*> argument_pointers = null_terminated(argument_texts);
    std::vector<char*> environment_pointers = null_terminated(environment_texts);
    const Child child{
        .parent = getpid(),
        .streams = {input.read_end.get(), out.write_end.get(), err.write_end.get()},
        .working_directory = options.working_directory.c_str(),
        .arguments = argument_pointers.data(),
        .environment = environment_pointers.data(),
    };

    Program program;
    program.name_ = arguments.at(0);
    program.pid_ = fork();
    if (program.pid_ == 0) {
        become(child);
    }
    if (program.pid_ < 0) {
        throw_errno("cannot fork");
    }
    // In the child as well: whoever comes first, the group exists before anybody signals it.
    setpgid(program.pid_, program.pid_);
    program.exit_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, program.pid_, 0)));
    if (!program.exit_.valid()) {
        throw_errno("cannot open a pidfd");
    }
    program.out_.descriptor = std::move(out.read_end);
    program.err_.descriptor = std::move(err.read_end);
    set_nonblocking(program.out_.descriptor);
    set_nonblocking(program.err_.descriptor);
    if (options.keep_input_open) {
        program.input_ = std::move(input.write_end);
    }
    return program;
}

Program::Program(Program&& other) noexcept {
    swap(other);
}

Program& Program::operator=(Program&& other) noexcept {
    swap(other);
    return *this;
}

void Program::swap(Program& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(pid_, other.pid_);
    std::swap(exit_, other.exit_);
    std::swap(input_, other.input_);
    std::swap(out_, other.out_);
    std::swap(err_, other.err_);
}

Program::~Program() {
    kill_and_reap();
}

void Program::kill_and_reap() noexcept {
    if (pid_ > 0) {
        kill(-pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

void Program::send_signal(int signal) const {
    if (pid_ < 0 || kill(pid_, signal) != 0) {
        fail("cannot be signalled");
    }
}

void Program::close_input() {
    input_ = FileDescriptor();
}

void Program::fail(std::string_view what) const {
    throw std::runtime_error(name_ + " " + std::string(what) + "\n--- its output:\n" + out_.text +
                             "--- its errors:\n" + err_.text);
}

// Closes the stream at its end.
void Program::read_available(Stream& stream) {
    std::array<char, 65536> buffer{};
    while (stream.descriptor.valid()) {
        const ssize_t length = read(stream.descriptor.get(), buffer.data(), buffer.size());
        if (length > 0) {
            stream.text.append(buffer.data(), static_cast<std::size_t>(length));
        } else if (length == 0) {
            stream.descriptor = FileDescriptor();
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            throw_errno("cannot read a program's output");
        }
    }
}

Program::Event Program::read_next(std::chrono::steady_clock::time_point deadline, bool watch_exit) {
    if (!watch_exit && !out_.descriptor.valid() && !err_.descriptor.valid()) {
        return Event::kEndOfOutput;
    }
    // poll() passes over negative descriptors.
    std::array<pollfd, 3> watched{
        pollfd{.fd = out_.descriptor.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = err_.descriptor.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = watch_exit ? exit_.get() : -1, .events = POLLIN, .revents = 0},
    };
    const int ready = poll(watched.data(), watched.size(), remaining_ms(deadline));
    if (ready < 0 && errno != EINTR) {
        throw_errno("cannot wait for a program");
    }
    // After the exit was seen, so that nothing printed before is missed.
    read_available(out_);
    read_available(err_);
    if (watched[2].revents != 0) {
        return Event::kExit;
    }
    // A program that never pauses in its output comes here with time run out, too.
    return remaining_ms(deadline) == 0 ? Event::kTimeout : Event::kOutput;
}

void Program::wait_for_output(std::string_view text, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto printed = [&] {
        return out_.text.find(text) != std::string::npos ||
               err_.text.find(text) != std::string::npos;
    };
    while (!printed()) {
        const Event event = read_next(deadline, /*watch_exit=*/true);
        if (event != Event::kOutput && !printed()) {
            fail(event == Event::kExit ? "ended without printing '" + std::string(text) + "'"
                                       : "did not print '" + std::string(text) + "' in time");
        }
    }
}

bool Program::wait_for_end_of_output(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    Event event = Event::kOutput;
    while (event == Event::kOutput) {
        event = read_next(deadline, /*watch_exit=*/false);
    }
    return event == Event::kEndOfOutput;
}

ProgramResult Program::wait(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    Event event = Event::kOutput;
    while (event == Event::kOutput) {
        event = read_next(deadline, /*watch_exit=*/true);
    }
    if (event == Event::kTimeout) {
        kill_and_reap();
        fail("did not end in time");
    }
    int status = 0;
    if (waitpid(std::exchange(pid_, -1), &status, 0) < 0) {
        throw_errno("cannot reap a program");
    }
    return {
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .out = out_.text,
        .err = err_.text,
    };
}

ProgramResult run_program(const std::vector<std::string>& arguments,
                          const ProgramOptions& options,
                          std::chrono::milliseconds timeout) {
    return Program::start(arguments, options).wait(timeout);
}

std::string palloscope_program() {
    return PALLOSCOPE_BINARY_DIR "/inspector/cli/palloscope";
}

std::string workload_program() {
    return PALLOSCOPE_BINARY_DIR "/workload/palloscope-workload";
}

}  // namespace palloscope::test
