#include "workload/step_client.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "workload/pacer.hpp"
#include "workload/system_error.hpp"
#include "workload/warning.hpp"

namespace palloscope::workload {

namespace {

// An answer is a short object; whoever sends more is not what we take it for.
constexpr std::size_t kLongestAnswer = 65536;
constexpr std::chrono::milliseconds kRetryInterval{20};

using Clock = std::chrono::steady_clock;

tl::unexpected<Error> gone() {
    return failure(Error::Kind::kGone, "the inspector closed the stepping socket");
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return failure(Error::Kind::kUsage,
                       fmt::format("the socket's path {} is too long", path),
                       fmt::format("it may have up to {} bytes", sizeof address.sun_path - 1));
    }
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    return address;
}

// Checks that `line` answers what was asked: an object with a boolean "snapshot" and, where `seq`
// is given, the same "seq".
bool is_answer(const std::string& line, const std::int64_t* seq) {
    const auto answer = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object()) {
        return false;
    }
    const auto snapshot = answer.find("snapshot");
    if (snapshot == answer.end() || !snapshot->is_boolean()) {
        return false;
    }
    const auto number = answer.find("seq");
    return seq == nullptr ||
           (number != answer.end() && number->is_number_integer() && *number == *seq);
}

tl::unexpected<Error> not_an_answer() {
    return failure(Error::Kind::kFailed,
                   "the stepping socket gave an answer that is not of palloscope.step/1");
}

}  // namespace

StepClient::StepClient(Descriptor socket) : socket_(std::move(socket)) {}

Result<StepClient> StepClient::connect(const std::string& path,
                                       std::chrono::milliseconds patience) {
    const auto address = address_of(path);
    if (!address) {
        return tl::unexpected(address.error());
    }
    const auto deadline = Clock::now() + patience;
    for (;;) {
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket.valid()) {
            return system_error(errno, "cannot make a socket");
        }
        // The cast is the one that the sockets interface asks for.
        const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
        if (::connect(socket.get(), generic, sizeof *address) == 0) {
            return StepClient(std::move(socket));
        }
        const int err = errno;
        const bool may_come = err == ENOENT || err == ECONNREFUSED || err == EINTR;
        if (!may_come || Clock::now() >= deadline) {
            return system_error(err, fmt::format("cannot connect to the socket {}", path));
        }
        std::this_thread::sleep_for(kRetryInterval);
    }
}

Result<> StepClient::hello(int backend_pid, std::string_view session) {
    const nlohmann::ordered_json greeting = {
        {"hello", "palloscope.step/1"}, {"backend_pid", backend_pid}, {"session", session}};
    return send_line(greeting.dump() + '\n')
        .and_then([this] { return receive_line(); })
        .and_then([](const std::string& line) -> Result<> {
            if (!is_answer(line, nullptr)) {
                return not_an_answer();
            }
            return {};
        });
}

Result<> StepClient::report(std::string_view journal_line, std::int64_t seq) {
    return send_line(journal_line)
        .and_then([this] { return receive_line(); })
        .and_then([seq](const std::string& line) -> Result<> {
            if (!is_answer(line, &seq)) {
                return not_an_answer();
            }
            return {};
        });
}

Result<> StepClient::send_line(std::string_view line) {
    while (!line.empty()) {
        const ssize_t sent = send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EPIPE || errno == ECONNRESET
                       ? gone()
                       : system_error(errno, "cannot write to the stepping socket");
        }
        line.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<std::string> StepClient::receive_line() {
    std::size_t end = received_.find('\n');
    while (end == std::string::npos) {
        if (received_.size() > kLongestAnswer) {
            return not_an_answer();
        }
        std::array<char, 4096> buffer{};
        const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count == 0 || (count < 0 && errno == ECONNRESET)) {
            return gone();
        }
        if (count < 0) {
            return system_error(errno, "cannot read from the stepping socket");
        }
        received_.append(buffer.data(), static_cast<std::size_t>(count));
        end = received_.find('\n');
    }
    std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    return line;
}

Result<> StepSocket::wait_for_it(std::chrono::milliseconds patience,
                                 const std::stop_token& stop) const {
    const auto deadline = Clock::now() + patience;

    struct stat status {};

    while (stat(path_.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) {
        const auto now = Clock::now();
        if (!sleep_until(now + kRetryInterval, stop)) {
            return failure(Error::Kind::kInterrupted, "the workload was asked to stop");
        }
        if (now >= deadline) {
            return failure(
                Error::Kind::kFailed,
                fmt::format("no stepping socket appeared at {}", path_),
                fmt::format("start 'palloscope record TARGET --statements step:{}' first", path_));
        }
    }
    return {};
}

void StepSocket::give_up(const Error& reason) {
    if (!gone_.exchange(true)) {
        warn(fmt::format("{}; going on without stepping", reason.message));
    }
}

}  // namespace palloscope::workload
