#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "attach/error.hpp"
#include "inspector/model/statement.hpp"

namespace palloscope {

// A client has opened a session on backend `backend_pid`, or a new one after it lost that.
struct StepHello {
    int backend_pid = 0;
    std::string session;
};

// What a client waits for an answer to: its hello, or a statement that it has executed.
struct StepEvent {
    std::uint64_t client = 0;
    std::variant<StepHello, Execution> what;
};

struct StepAnswer {
    // Whether a snapshot of the backend was taken; if not, why.
    bool snapshot = false;
    std::string reason;
};

// The listening side of protocol palloscope.step/1, with which a driver waits after each statement
// until we have taken a snapshot.
//
// A Unix stream socket, JSON lines. The client sends {"hello":"palloscope.step/1","backend_pid":P,
// "session":"…"} and is answered {"snapshot":true} or {"snapshot":false,"reason":"…"}; then it
// sends journal objects, each answered with the same and its "seq". It may say hello again. Lines
// that are neither are answered with a reason and go no further; clients that send more than 4 MiB
// without an end of line, or do not read their answers, are dropped. Clients that are dropped or go
// away before their answer make no error. Not thread-safe, and starts no thread.
//
//     Result<std::vector<StepEvent>> events = server->poll(100ms);
//     for (event : *events) server->answer(event, take_snapshot(event));
class StepServer {
  public:
    // Listens at `path`, with mode 0600. A socket that a recorder left behind is replaced; one
    // where somebody listens and anything that is no socket are left alone and fail with kUsage.
    [[nodiscard]] static Result<StepServer> listen(const std::string& path);

    StepServer(const StepServer&) = delete;
    StepServer(StepServer&&) noexcept;
    StepServer& operator=(const StepServer&) = delete;
    StepServer& operator=(StepServer&&) noexcept;
    // Closes all connections and removes the socket.
    ~StepServer();

    // What clients sent; waits up to `timeout` for it, and no longer when a signal comes. At most
    // one event a client until that is answered.
    [[nodiscard]] Result<std::vector<StepEvent>> poll(std::chrono::milliseconds timeout);

    void answer(const StepEvent& event, const StepAnswer& answer);

    // Lines that were neither a hello nor a journal object, for a note.
    [[nodiscard]] std::int64_t broken_lines() const;

  private:
    class Impl;

    explicit StepServer(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace palloscope
