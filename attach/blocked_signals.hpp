#pragma once

#include <csignal>

namespace palloscope {

// Holds signals back from this thread for as long as the object lives (pthread_sigmask(3)); a
// thread that is made meanwhile never gets them.
class BlockedSignals {
  public:
    explicit BlockedSignals(const sigset_t& signals) {
        pthread_sigmask(SIG_BLOCK, &signals, &before_);
    }

    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;
    BlockedSignals(BlockedSignals&&) = delete;
    BlockedSignals& operator=(BlockedSignals&&) = delete;

    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

}  // namespace palloscope
