#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>

#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/context_reader.hpp"
#include "inspector/backend/gadgets.hpp"
#include "inspector/backend/process_info.hpp"
#include "inspector/model/snapshot.hpp"
#include "inspector/statements/ident.hpp"

namespace palloscope {

// Takes snapshots of one backend, and keeps between them what does not change.
//
//     auto snapshotter = Snapshotter::open(4242, Literals::kMasked);
//     auto snapshot = snapshotter->take(Method::kFreeze, std::chrono::seconds(5));
class Snapshotter {
  public:
    // Errors as Backend::open. `literals` says whether idents and the running statement keep the
    // literals of SQL.
    [[nodiscard]] static Result<Snapshotter> open(pid_t pid, Literals literals);

    // How long it is tried to do without a stop: a busy client's backend sleeps between two
    // statements within that time, and one that runs a long statement never does.
    static constexpr std::chrono::milliseconds kTryReadFor{5};

    // Without a method it picks the one that disturbs the backend least: read, while that gives a
    // consistent tree within `read_for`, else freeze. Where the backend can make no child, fork
    // gives way to freeze. Snapshot::method says which it was. kTimeout where no safe or consistent
    // moment came within `timeout`: of zero, read looks once.
    [[nodiscard]] Result<Snapshot> take(std::optional<Method> method,
                                        std::chrono::milliseconds timeout,
                                        std::chrono::milliseconds read_for = kTryReadFor);

    // --method fork --call: the tree that MemoryContextStats prints in a copy-on-write child, so
    // that the backend itself runs no foreign code but the making of it. Needs no safe point.
    [[nodiscard]] Result<Snapshot> call_in_child(std::chrono::milliseconds timeout);

    [[nodiscard]] const Backend& backend() const noexcept { return *backend_; }

  private:
    Snapshotter(std::unique_ptr<Backend> backend, ContextReader reader, Literals literals)
        : backend_(std::move(backend)),
          literals_(literals),
          reader_(std::move(reader)),
          gadgets_(*backend_) {}

    [[nodiscard]] Result<Snapshot> take_by(Method method,
                                           std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Result<Reading> call(std::chrono::steady_clock::time_point deadline);
    [[nodiscard]] Snapshot snapshot_of(Reading reading, Method method, std::string detour = {});

    std::unique_ptr<Backend> backend_;  // its address is kept by reader_ and gadgets_
    Literals literals_;
    ContextReader reader_;
    Gadgets gadgets_;
    IdentForms forms_;
};

}  // namespace palloscope
