#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "attach/error.hpp"
#include "workload/descriptor.hpp"

namespace palloscope::workload {

// One session's side of the stepping protocol `palloscope.step/1`: after each statement the session
// waits here until the inspector has taken its snapshot, so that statements which always run
// together can be told apart.
//
// Lines of JSON over a Unix stream socket, each answered by one line:
//     {"hello":"palloscope.step/1","backend_pid":P,"session":"…"}  {"snapshot":true}
//     the statement's line of the journal                          {"seq":N,"snapshot":true}
// or, where no snapshot could be taken, "snapshot":false and a "reason".
class StepClient {
  public:
    // Takes over a socket that is connected already.
    explicit StepClient(Descriptor socket);

    // Connects to the socket at `path`, waiting up to `patience` for somebody to listen there.
    [[nodiscard]] static Result<StepClient> connect(const std::string& path,
                                                    std::chrono::milliseconds patience);

    // Tells which backend this session has and waits for the answer. kGone where the other side has
    // gone, kFailed where it answers something else.
    [[nodiscard]] Result<> hello(int backend_pid, std::string_view session);

    // Sends `journal_line`, which ends in a line feed and has the number `seq`, and waits for the
    // answer. Errors as hello().
    [[nodiscard]] Result<> report(std::string_view journal_line, std::int64_t seq);

  private:
    [[nodiscard]] Result<> send_line(std::string_view line);
    [[nodiscard]] Result<std::string> receive_line();

    Descriptor socket_;
    std::string received_;
};

// The socket of a run, shared by its sessions. Once the inspector has gone, it says so, and all
// sessions go on without stepping.
class StepSocket {
  public:
    explicit StepSocket(std::string path) : path_(std::move(path)) {}

    // Waits until the socket exists. kFailed, naming it, after `patience`; kInterrupted once
    // `stop` was requested.
    [[nodiscard]] Result<> wait_for_it(std::chrono::milliseconds patience,
                                       const std::stop_token& stop) const;

    [[nodiscard]] const std::string& path() const { return path_; }

    // Whether somebody has given up on it.
    [[nodiscard]] bool gone() const { return gone_.load(); }

    // Gives up on it for `reason`; only the first call says so on standard error.
    void give_up(const Error& reason);

  private:
    std::string path_;
    std::atomic<bool> gone_{false};
};

}  // namespace palloscope::workload
