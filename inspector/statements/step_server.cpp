#include "inspector/statements/step_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "attach/file_descriptor.hpp"
#include "inspector/statements/execution_json.hpp"
#include "inspector/statements/io_error.hpp"
#include "inspector/statements/step_message.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kMaxClients = 1'000;
constexpr std::size_t kChunk = std::size_t{64} << 10U;
constexpr int kBacklog = 64;

struct Client {
    FileDescriptor socket;
    std::string received;
    // The event given out and not yet answered; nothing more is read until then.
    bool waits_for_answer = false;
    std::optional<std::int64_t> seq;
    // As its last hello said.
    std::optional<int> backend_pid;
};

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

FileDescriptor unix_socket() {
    return FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        return failure(Error::Kind::kUsage,
                       fmt::format("cannot listen at {}: the path of a socket has 1 to {} bytes",
                                   path,
                                   sizeof(address.sun_path) - 1),
                       "choose a shorter path, below /run or /tmp");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

// Removes what a killed recorder left, and nothing else.
Result<> remove_stale_socket(const std::string& path, const sockaddr_un& address) {
    struct stat status {};

    if (lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Result<>()
                               : io_error(errno, fmt::format("cannot listen at {}", path));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return failure(Error::Kind::kUsage,
                       fmt::format("cannot listen at {}: it exists and is no socket", path),
                       "choose another path");
    }
    const FileDescriptor probe = unix_socket();
    if (!probe.valid()) {
        return io_error(errno, "cannot make a socket");
    }
    // EAGAIN: somebody listens, whose queue is full.
    if (connect(probe.get(), generic(address), sizeof(address)) == 0 || errno == EAGAIN) {
        return failure(Error::Kind::kUsage,
                       fmt::format("cannot listen at {}: another recorder does", path),
                       "choose another path, or end the other recorder");
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
        return io_error(errno, fmt::format("cannot replace the socket {}", path));
    }
    return {};
}

}  // namespace

class StepServer::Impl {
  public:
    Impl(std::string path, FileDescriptor listener, ino_t inode)
        : path_(std::move(path)), listener_(std::move(listener)), inode_(inode) {}

    Impl(const Impl&) = delete;
    Impl(Impl&&) = delete;
    Impl& operator=(const Impl&) = delete;
    Impl& operator=(Impl&&) = delete;

    ~Impl() {
        // Somebody may have replaced the socket by one of theirs.
        struct stat status {};

        if (lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) {
            unlink(path_.c_str());
        }
    }

    Result<std::vector<StepEvent>> poll(std::chrono::milliseconds timeout) {
        std::vector<StepEvent> events;
        // A client may have sent its next line together with the one before.
        for (auto entry = clients_.begin(); entry != clients_.end();) {
            const bool stays = take_event(entry->first, entry->second, events);
            entry = stays ? std::next(entry) : clients_.erase(entry);
        }
        std::vector<pollfd> waiting{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
        std::vector<std::uint64_t> ids;
        for (const auto& [id, client] : clients_) {
            // One that waits is watched for its end alone.
            const short wanted = client.waits_for_answer ? 0 : POLLIN;
            waiting.push_back({.fd = client.socket.get(), .events = wanted, .revents = 0});
            ids.push_back(id);
        }
        const int wait_ms = events.empty() ? static_cast<int>(timeout.count()) : 0;
        if (::poll(waiting.data(), waiting.size(), wait_ms) < 0) {
            if (errno == EINTR) {
                return events;
            }
            return io_error(errno, fmt::format("cannot wait for clients at {}", path_));
        }
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const short happened = waiting[i + 1].revents;
            if (happened != 0) {
                read_from(ids[i], (happened & POLLIN) != 0, events);
            }
        }
        if (waiting.front().revents != 0) {
            accept_clients();
        }
        return events;
    }

    void answer(std::uint64_t id, const StepAnswer& answer) {
        const auto found = clients_.find(id);
        if (found == clients_.end()) {
            return;
        }
        Client& client = found->second;
        client.waits_for_answer = false;
        if (!send_line(client, to_line(answer, client.seq))) {
            clients_.erase(found);
        }
    }

    [[nodiscard]] std::int64_t broken_lines() const { return broken_lines_; }

  private:
    void accept_clients() {
        while (true) {
            FileDescriptor socket(
                accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!socket.valid()) {
                return;
            }
            // Beyond the limit they are closed at once, which their side sees.
            if (clients_.size() < kMaxClients) {
                clients_.emplace(++last_id_, Client{.socket = std::move(socket)});
            }
        }
    }

    void read_from(std::uint64_t id, bool readable, std::vector<StepEvent>& events) {
        Client& client = clients_.at(id);
        std::array<char, kChunk> chunk;
        const ssize_t got = readable ? recv(client.socket.get(), chunk.data(), chunk.size(), 0) : 0;
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            clients_.erase(id);
            return;
        }
        client.received.append(chunk.data(), static_cast<std::size_t>(got));
        if (!take_event(id, client, events)) {
            clients_.erase(id);
        }
    }

    // The next event of a client, if it has sent one. False where the client is to be dropped.
    bool take_event(std::uint64_t id, Client& client, std::vector<StepEvent>& events) {
        while (!client.waits_for_answer) {
            const std::size_t end = client.received.find('\n');
            if (end == std::string::npos) {
                return client.received.size() <= kMaxJournalLine;
            }
            std::optional<StepMessage> message =
                step_message_from(std::string_view(client.received).substr(0, end));
            client.received.erase(0, end + 1);
            const std::optional<std::string> reason = refusal(client, message);
            if (reason) {
                ++broken_lines_;
                if (!send_line(client, to_line({.snapshot = false, .reason = *reason}, {}))) {
                    return false;
                }
                continue;
            }
            client.waits_for_answer = true;
            client.seq.reset();
            if (const auto* const execution = std::get_if<Execution>(&*message)) {
                client.seq = execution->seq;
            } else {
                client.backend_pid = std::get<StepHello>(*message).backend_pid;
            }
            events.push_back({.client = id, .what = *std::move(message)});
        }
        return true;
    }

    static std::optional<std::string> refusal(const Client& client,
                                              const std::optional<StepMessage>& message) {
        if (!message) {
            return "neither a hello of palloscope.step/1 nor a journal object";
        }
        const auto* const execution = std::get_if<Execution>(&*message);
        if (execution != nullptr && client.backend_pid != execution->backend_pid) {
            return "a statement of a backend for which no hello was said";
        }
        return std::nullopt;
    }

    // False where the client does not read: its buffer in the kernel is full, or it is gone.
    static bool send_line(const Client& client, const std::string& line) {
        ssize_t sent = -1;
        do {
            sent = send(client.socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        return sent == static_cast<ssize_t>(line.size());
    }

    std::string path_;
    FileDescriptor listener_;
    ino_t inode_;
    std::map<std::uint64_t, Client> clients_;
    std::uint64_t last_id_ = 0;
    std::int64_t broken_lines_ = 0;
};

Result<StepServer> StepServer::listen(const std::string& path) {
    const Result<sockaddr_un> address = address_of(path);
    if (!address) {
        return tl::unexpected(address.error());
    }
    if (Result<> removed = remove_stale_socket(path, *address); !removed) {
        return tl::unexpected(std::move(removed).error());
    }
    FileDescriptor listener = unix_socket();

    struct stat status {};

    // The socket's file takes its mode from the descriptor, so there is no moment with a wider one.
    if (!listener.valid() || fchmod(listener.get(), 0600) != 0 ||
        bind(listener.get(), generic(*address), sizeof(*address)) != 0 ||
        ::listen(listener.get(), kBacklog) != 0 || lstat(path.c_str(), &status) != 0) {
        return io_error(errno, fmt::format("cannot listen at {}", path));
    }
    return StepServer(std::make_unique<Impl>(path, std::move(listener), status.st_ino));
}

StepServer::StepServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StepServer::StepServer(StepServer&&) noexcept = default;
StepServer& StepServer::operator=(StepServer&&) noexcept = default;
StepServer::~StepServer() = default;

Result<std::vector<StepEvent>> StepServer::poll(std::chrono::milliseconds timeout) {
    return impl_->poll(timeout);
}

void StepServer::answer(const StepEvent& event, const StepAnswer& answer) {
    impl_->answer(event.client, answer);
}

std::int64_t StepServer::broken_lines() const {
    return impl_->broken_lines();
}

}  // namespace palloscope
