#include "workload/scenarios/long_transaction.hpp"

#include <CLI/CLI.hpp>

namespace palloscope::workload {

void LongTransaction::add_option(CLI::App& command) {
    command
        .add_option("--loops-per-transaction",
                    loops_per_transaction_,
                    "Loops of a session between two commits")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
}

Result<> LongTransaction::run(Session& session,
                              const std::string& step,
                              const std::function<Result<>()>& body) {
    if (!session.in_transaction()) {
        if (auto begun = session.run(step + "/begin", "BEGIN"); !begun) {
            return tl::unexpected(begun.error());
        }
        const std::scoped_lock lock(mutex_);
        loops_done_[session.backend_pid()] = 0;
    }
    if (auto done = body(); !done) {
        if (!session.lost()) {
            // Whether this succeeds or not: the failure to tell is the body's.
            static_cast<void>(session.run(step + "/rollback", "ROLLBACK"));
        }
        return done;
    }
    if (!is_over(session)) {
        return {};
    }
    return session.run(step + "/commit", "COMMIT").map([](const Rows&) {});
}

bool LongTransaction::is_over(const Session& session) {
    const std::scoped_lock lock(mutex_);
    return ++loops_done_[session.backend_pid()] >= loops_per_transaction_;
}

}  // namespace palloscope::workload
