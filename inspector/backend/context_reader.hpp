#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attach/error.hpp"
#include "attach/memory_copy.hpp"
#include "attach/proc.hpp"
#include "attach/rest_watch.hpp"
#include "attach/stopped_process.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/constant_texts.hpp"
#include "inspector/backend/context_walk.hpp"
#include "inspector/backend/memory_layout.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/model/context_tree.hpp"
#include "inspector/statements/form_cache.hpp"

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
    // Where /proc/PID/syscall is closed to us, read() is kPermission, and all else works.
    [[nodiscard]] static Result<ContextReader> create(const Backend& backend, Literals literals);

    // --method read: copies while the backend does as it likes. Believed only where it slept all
    // the while (attach/rest_watch.hpp): of a backend that runs, no number of equal copies is
    // proof, since its figures swing to and fro (a context reset for each row). Tries again until
    // `deadline`, then kTimeout.
    [[nodiscard]] Result<Reading> read(std::chrono::steady_clock::time_point deadline);

    // --method freeze: looks where the contexts lie while the backend goes on, stops it, copies,
    // lets it go, and decodes then. Where it slept all the while that it was looked at, and only
    // woke to stop, what was copied by then is what it has, and the stop is over at once. Where all
    // lay in its place the last time, it is not looked for again, unless something turns out to be
    // missing; it is copied all the same where it may have been swapped out since, so that the stop
    // need not wait for that. Where it changed too much in between, the next stop lasts until all
    // that is needed is copied. Tries again until `deadline`, then kTimeout.
    //
    // kBetweenStatements waits for a moment at which the backend holds only what stays, and lets go
    // at once where the next statement was faster; it takes any moment where none came in a
    // twentieth of a second, or six were missed.
    enum class Moment { kAny, kBetweenStatements };
    [[nodiscard]] Result<Reading> freeze(std::chrono::steady_clock::time_point deadline,
                                         Moment moment = Moment::kAny);

    // Of the backend while the caller holds it stopped at a safe point, where it is in the middle
    // of nothing: what does not fit then is another build, kUnsupported. look_for_contexts() before
    // the stop makes it short.
    [[nodiscard]] Result<Reading> read_at_safe_point();
    // The rest in which all of it was copied, where there was one.
    std::optional<RestWatch::Rest> look_for_contexts();

    // Of `memory`, which has the backend's addresses and does not change meanwhile: that of a
    // copy-on-write child, or of the backend while the caller holds it. `moment` is the one at
    // which that was made or held. What does not fit is kTimeout at any moment, since it may be in
    // the middle of a change, and another build, kUnsupported, between two statements.
    [[nodiscard]] Result<Reading> read_still(const MemorySource& memory, Moment moment);
    // The same for who goes on to read more of that memory: through `copy`, which keeps what was
    // fetched and fetches the rest. `places` is told where the contexts lie.
    [[nodiscard]] Result<Reading> read_still(MemoryCopy& copy,
                                             Moment moment,
                                             ContextPlaces& places);
    // The moment of a backend that the caller holds stopped, for read_still(). To tell it lengthens
    // the stop, so the first look does without (kAny).
    [[nodiscard]] static Moment moment_of(const Backend& held, bool is_first_look);

    [[nodiscard]] const MemoryLayout& layout() const noexcept { return layout_; }

  private:
    ContextReader(const Backend& backend,
                  Literals literals,
                  const MemoryLayout& layout,
                  StatusFile status_file)
        : backend_(&backend),
          literals_(literals),
          layout_(layout),
          status_file_(std::move(status_file)),
          copy_(backend.memory()),
          names_(backend.pid(), backend.memory()) {}

    [[nodiscard]] Result<ProcessStatus> status_with_memory() const;
    [[nodiscard]] Result<ContextTree> walk(const MemoryCopy& copy,
                                           const ProcessStatus& status,
                                           WalkPurpose purpose,
                                           ContextPlaces* places = nullptr);
    [[nodiscard]] Result<Reading> decode(const MemoryCopy& copy, ContextPlaces* places = nullptr);
    [[nodiscard]] Result<Reading> read_copy(MemoryCopy& copy,
                                            Moment moment,
                                            ContextPlaces* places = nullptr);
    [[nodiscard]] Result<Reading> read_still_copy(MemoryCopy& copy,
                                                  Moment moment,
                                                  ContextPlaces* places);
    [[nodiscard]] Result<Reading> read_at_rest(const RestWatch::Rest& rest);

    // What came of one stop: a reading, or why it gave none.
    struct Stop {
        std::optional<Reading> reading;
        std::string missed;
        bool in_time =
            true;  // false where it was to be between two statements, and was not any more
        double pause_us = 0;
    };

    [[nodiscard]] Result<Stop> stop_and_copy(MemoryCopy::Misses misses,
                                             Moment moment,
                                             const std::optional<RestWatch::Rest>& copied_at);
    [[nodiscard]] bool only_stopped_since(const StoppedProcess& stopped,
                                          const RestWatch::Rest& rest) const;
    [[nodiscard]] bool await_safe_point(std::chrono::steady_clock::time_point until) const;
    std::optional<RestWatch::Rest> copy_before_stop();
    void look_at_all();
    [[nodiscard]] Result<> prove_chunks_once(const MemoryCopy& copy);
    void plan_from(const MemoryCopy& look, bool complete);

    const Backend* backend_;
    Literals literals_;
    MemoryLayout layout_;
    StatusFile status_file_;
    std::optional<RestWatch> rest_watch_;  // none where its files are closed to us
    MemoryCopy copy_;
    // How much of it was used when it was planned.
    std::size_t planned_uses_ = 0;
    // Of the last look for the contexts: all lay where they had lain before.
    bool plan_held_ = false;
    // When freeze() last copied all of it.
    std::chrono::steady_clock::time_point copied_at_;
    ConstantTexts names_;
    FormCache forms_;  // of the statements that were running
    bool chunks_proved_ = false;
};

}  // namespace palloscope
