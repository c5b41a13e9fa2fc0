#include "inspector/cli/target_search.hpp"

#include "attach/proc.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kLookAtAllEvery{10};

}  // namespace

Result<std::vector<int>> TargetSearch::find() {
    const std::vector<int> young = young_ones();
    std::vector<int> candidates;
    if (!target_.all() || Clock::now() >= all_at_) {
        auto all = find_all();
        if (!all) {
            return all;
        }
        found_.clear();
        candidates = std::move(*all);
    } else {
        for (const ServerProcess& process :
             find_server_processes(filter_of(target_), young).found) {
            candidates.push_back(process.info.pid);
        }
    }
    for (const int pid : candidates) {
        if (auto process = Process::open(pid)) {
            found_.insert_or_assign(pid, std::move(*process));
        }
    }
    std::vector<int> running;
    for (const auto& [pid, process] : found_) {
        if (process.alive()) {
            running.push_back(pid);
        }
    }
    return running;
}

std::vector<int> TargetSearch::young_ones() {
    const std::vector<int> running = list_processes();
    std::vector<int> young;
    std::set<int> newest;
    for (const int pid : running) {
        const bool is_new = !known_.contains(pid);
        if (is_new) {
            newest.insert(pid);
        }
        if (is_new || newest_.contains(pid)) {
            young.push_back(pid);
        }
    }
    known_ = {running.begin(), running.end()};
    newest_ = std::move(newest);
    return young;
}

Result<std::vector<int>> TargetSearch::find_all() {
    all_at_ = Clock::now() + kLookAtAllEvery;
    auto pids = resolve_targets(target_);
    if (!pids && pids.error().kind == Error::Kind::kGone) {
        return std::vector<int>{};
    }
    return pids;
}

}  // namespace palloscope
