#include "inspector/cli/target_search.hpp"

#include "attach/proc.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kLookAtAllEvery{10};

}  // namespace

Result<std::vector<int>> TargetSearch::find() {
    std::vector<int> candidates;
    if (target_.target != "all" || Clock::now() >= all_at_) {
        auto all = find_all();
        if (!all) {
            return all;
        }
        found_.clear();
        candidates = std::move(*all);
    } else {
        candidates = look_at_new_ones();
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

std::vector<int> TargetSearch::look_at_new_ones() {
    const std::vector<int> running = list_processes();
    std::vector<int> to_look_at;
    std::set<int> young;
    for (const int pid : running) {
        if (!known_.contains(pid)) {
            young.insert(pid);
        }
        if (!known_.contains(pid) || young_.contains(pid)) {
            to_look_at.push_back(pid);
        }
    }
    known_ = {running.begin(), running.end()};
    young_ = std::move(young);
    std::vector<int> found;
    for (const ServerProcess& process :
         find_server_processes(filter_of(target_), to_look_at).found) {
        found.push_back(process.info.pid);
    }
    return found;
}

Result<std::vector<int>> TargetSearch::find_all() {
    const std::vector<int> running = list_processes();
    known_ = {running.begin(), running.end()};
    young_ = known_;
    all_at_ = Clock::now() + kLookAtAllEvery;
    auto pids = resolve_targets(target_);
    if (!pids && pids.error().kind == Error::Kind::kGone) {
        return std::vector<int>{};
    }
    return pids;
}

}  // namespace palloscope
