#include "inspector/recording/told_backends.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace palloscope {

namespace {

constexpr std::size_t kNamed = 3;

}  // namespace

void ToldBackends::add(int pid) {
    const int told_as = server_pid_ ? server_pid_(pid).value_or(pid) : pid;
    remove(pid);
    told_as_.emplace(pid, told_as);
    called_so_[told_as].insert(pid);
}

void ToldBackends::remove(int pid) {
    const auto told_as = told_as_.find(pid);
    if (told_as == told_as_.end()) {
        return;
    }
    const auto alike = called_so_.find(told_as->second);
    alike->second.erase(pid);
    if (alike->second.empty()) {
        called_so_.erase(alike);
    }
    told_as_.erase(told_as);
}

std::optional<int> ToldBackends::find(int server_pid) const {
    const auto found = called_so_.find(server_pid);
    return found != called_so_.end() && found->second.size() == 1
               ? std::optional(*found->second.begin())
               : std::nullopt;
}

int ToldBackends::server_pid(int pid) const {
    const auto told_as = told_as_.find(pid);
    return told_as == told_as_.end() ? pid : told_as->second;
}

void ToldBackends::keep(std::vector<Execution>& executions, std::int64_t since_ns) {
    std::erase_if(executions, [&](Execution& execution) {
        if (execution.ended_at_ns < since_ns) {
            return true;
        }
        if (const std::optional<int> pid = find(execution.backend_pid)) {
            execution.backend_pid = *pid;
            ++kept_;
            return false;
        }
        if (called_so_.contains(execution.backend_pid)) {
            ++ambiguous_;
        } else {
            ++of_others_;
            if (others_.size() < kNamed) {
                others_.insert(execution.backend_pid);
            }
        }
        return true;
    });
}

std::vector<std::string> ToldBackends::notes() const {
    std::vector<std::string> notes;
    if (kept_ == 0 && of_others_ > 0) {
        notes.push_back(
            fmt::format("none of the {} statements told was of a recorded backend: they are of PID "
                        "{} and such; is it the journal or log of another server?",
                        of_others_,
                        fmt::join(others_, ", ")));
    }
    if (ambiguous_ > 0) {
        notes.push_back(
            fmt::format("{} statements were left out: backends of two servers have the same PID in "
                        "their containers, and nothing tells whose they are; record one server's "
                        "(--database, --user), or by --statements activity",
                        ambiguous_));
    }
    return notes;
}

}  // namespace palloscope
