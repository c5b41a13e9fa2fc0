#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <vector>

#include "attach/error.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "inspector/model/experiment.hpp"

namespace palloscope {

// What the client backends of one server hold together, read from outside.
class ClientMemory {
  public:
    explicit ClientMemory(pid_t postmaster) : postmaster_(postmaster) {}

    // The sums over the client backends that live now, without those that serve connections of our
    // own, or did. One that cannot be read this time counts as it did last time; one that was never
    // read, since it is about to start or to end, is left out. MemorySample::seconds is the
    // caller's.
    [[nodiscard]] MemorySample take(const std::vector<pid_t>& our_own);

    // Why a client backend could never be read, kPermission or kUnsupported; none where there was
    // no such reason.
    [[nodiscard]] const std::optional<Error>& refusal() const { return refusal_; }

  private:
    struct Client {
        Snapshotter snapshotter;
        bool was_read = false;
        std::int64_t used_bytes = 0;
        std::int64_t rss_anon_bytes = 0;
    };

    void meet(pid_t pid);
    void note(const Error& error);

    pid_t postmaster_;
    std::map<pid_t, Client> clients_;
    std::optional<Error> refusal_;
};

}  // namespace palloscope
