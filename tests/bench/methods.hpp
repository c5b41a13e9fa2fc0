#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/session.hpp"

namespace palloscope::test {

// What one method costs, seen from inside (the snapshots' own figures) and from outside.
struct MethodCost {
    std::string method;
    std::vector<double> pauses_us;  // from the second snapshot on, in rising order
    std::size_t contexts = 0;
    double cpu_us = 0;  // user and system time of palloscope, a snapshot
    long peak_kb = 0;   // memory: the most that any program of this one has used so far
    std::chrono::microseconds longest_gap{};  // of a client that is busy meanwhile

    [[nodiscard]] double pause_us(double quantile) const;
};

// Takes `snapshots` of the session's backend by `palloscope record --method METHOD`, one each
// `interval`, while a client keeps it busy where `busy`. Throws std::runtime_error where they
// cannot be taken.
MethodCost measure_method(Session& session,
                          const std::string& method,
                          int snapshots,
                          std::chrono::milliseconds interval,
                          bool busy);

// Two contexts for each table's indexes, and two for each prepared statement.
void make_contexts(Session& session, int tables, int prepared_statements);

}  // namespace palloscope::test
