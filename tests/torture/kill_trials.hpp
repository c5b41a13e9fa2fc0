#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace palloscope::test {

struct KillTrialsResult {
    int trials = 0;
    int killed_before_end = 0;  // the others had finished when the signal came
    int killed_holding_it = 0;  // of these: while the backend was stopped under its hands
    std::chrono::microseconds median_duration{};  // of a snapshot that nobody kills
    std::vector<std::string> harms;               // what went wrong, and in which trial

    // One line for a person.
    std::string summary() const;
};

// One kill in so many, at least, is to come before the end of the snapshot, and to hit the backend
// while it is held.
constexpr int kEarlyShare = 2;
constexpr int kHeldShare = 20;

// Kills `palloscope snapshot PID --method METHOD` with SIGKILL, `trials` times: at moments chosen
// at random from its usual duration and, every other time, from the usual time in which it holds
// the backend; goes on, up to four times as long, until enough have hit: one in kEarlyShare and in
// kHeldShare of `trials`, since a machine that gets faster ends its snapshots before their kill.
// Looks after each kill whether the backend and the server are as before
// (BackendWatch). Ends with the first harm. The backend is idle and holds a few hundred contexts.
// `server` must have been started with kQuietLog. Throws
// std::runtime_error where the snapshot fails without being killed.
KillTrialsResult run_kill_trials(const PostgresServer& server,
                                 const std::string& method,
                                 int trials,
                                 std::uint64_t seed);

}  // namespace palloscope::test
