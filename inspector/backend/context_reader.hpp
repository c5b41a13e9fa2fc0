#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_copy.hpp"
#include "attach/rest_watch.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/constant_texts.hpp"
#include "inspector/backend/context_walk.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope {

// One look at a backend's memory: its contexts, and who it was at that moment.
struct Reading {
    ContextTree tree;
    ProcessInfo process;
    double pause_us = 0;
    std::int64_t taken_at_ns = 0;  // Unix time
};

// Reads a backend's memory contexts from outside, without a word of code run in it. Keeps between
// readings what it learned, above all where the contexts lie.
class ContextReader {
  public:
    // kUnsupported where this version's layout is not known. `backend` must outlive it.
    [[nodiscard]] static Result<ContextReader> create(const Backend& backend, Literals literals);

    // --method read: copies while the backend does as it likes. Believed only where it slept all
    // the while (attach/rest_watch.hpp): of a backend that runs, no number of equal copies is
    // proof, since its figures swing to and fro (a context reset for each row). Tries again until
    // `deadline`, then kTimeout.
    [[nodiscard]] Result<Reading> read(std::chrono::steady_clock::time_point deadline);

    // --method freeze: looks where the contexts lie while the backend goes on, stops it, copies,
    // lets it go, and decodes then. Where it changed too much in between, the next stop lasts until
    // all is found. Tries again until `deadline`, then kTimeout.
    [[nodiscard]] Result<Reading> freeze(std::chrono::steady_clock::time_point deadline);

    // The same between two statements, where a backend holds only what stays; at any moment where
    // none came within a twentieth of a second.
    [[nodiscard]] Result<Reading> freeze_between_statements(
        std::chrono::steady_clock::time_point deadline);

    // Of the backend while the caller holds it stopped at a safe point, where it is in the middle
    // of nothing: what does not fit then is another build, kUnsupported. look_for_contexts() before
    // the stop makes it short.
    [[nodiscard]] Result<Reading> read_at_safe_point();
    void look_for_contexts();

    // Of `memory`, which has the backend's addresses and does not change meanwhile: that of a
    // copy-on-write child, made at any moment. kTimeout where that was in the middle of a change.
    [[nodiscard]] Result<Reading> read_still(const MemorySource& memory);

  private:
    ContextReader(const Backend& backend, Literals literals, const MemoryLayout& layout)
        : backend_(&backend),
          literals_(literals),
          layout_(layout),
          copy_(backend.memory()),
          names_(backend.pid(), backend.memory()) {}

    [[nodiscard]] Result<ContextTree> walk(const MemoryCopy& copy, WalkPurpose purpose);
    [[nodiscard]] Result<Reading> decode(const MemoryCopy& copy);
    [[nodiscard]] Result<Reading> read_copy(MemoryCopy& copy);
    [[nodiscard]] Result<Reading> read_at_rest(const RestWatch::Rest& rest);
    [[nodiscard]] Result<Reading> stop_and_copy(MemoryCopy::Misses misses);
    void plan_from_last_look(bool complete);

    const Backend* backend_;
    Literals literals_;
    MemoryLayout layout_;
    std::optional<RestWatch> rest_watch_;
    MemoryCopy copy_;
    // How much of it was used when it was planned.
    std::size_t planned_uses_ = 0;
    ConstantTexts names_;
    bool chunks_proved_ = false;
    double last_pause_us_ = 0;  // of the last stop, also where it gave no tree
};

}  // namespace palloscope
