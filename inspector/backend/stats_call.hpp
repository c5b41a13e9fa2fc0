#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "attach/call_chain.hpp"
#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/process_info.hpp"

namespace palloscope {

// What one call of MemoryContextStats gave.
struct StatsCallResult {
    std::string text;
    double pause_us = 0;
    std::int64_t taken_at_ns = 0;  // Unix time
    ProcessInfo process;           // read while the backend was stopped
};

// --method call: has a backend print its own statistics, at a safe point only, into memory of ours.
//
// Uses MemoryContextStatsDetail without its limit of 100 children (9.6 and later), else
// MemoryContextStats (mcxt.c). Keeps what does not change between calls.
class StatsCall {
  public:
    explicit StatsCall(const Backend& backend) : backend_(&backend) {}

    // Waits up to `timeout` for a safe point; kTimeout if none came.
    [[nodiscard]] Result<StatsCallResult> run(std::chrono::milliseconds timeout, Literals literals);

  private:
    [[nodiscard]] Result<CallGadgets> gadgets();

    const Backend* backend_;
    std::optional<CallGadgets> gadgets_;
};

}  // namespace palloscope
