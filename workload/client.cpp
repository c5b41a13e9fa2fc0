#include "workload/client.hpp"

#include <utility>

namespace palloscope::workload {

Client::Client(std::vector<SessionPool*> pools, std::uint64_t seed, std::stop_token stop)
    : pools_(std::move(pools)), random_(seed), stop_(std::move(stop)) {}

Result<SessionPool::Lease> Client::session() {
    return pools_[random_.below(pools_.size())]->take(stop_);
}

}  // namespace palloscope::workload
