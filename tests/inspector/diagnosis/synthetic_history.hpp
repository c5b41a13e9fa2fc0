#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "inspector/model/history.hpp"

namespace palloscope {

// Builds histories of backends whose truth is known: statements run at moments that the test gives
// and take what the test says; snapshots are due every interval.
//
//     SyntheticBackend backend;
//     backend.run(/*seconds=*/0.5, "select $1", kCatalogCache, 100.0);
//     backend.snapshot(/*seconds=*/1.0);
//     const Diagnosis diagnosis = diagnose(backend.history());
class SyntheticBackend {
  public:
    // `bytes` go to the context `path` the moment the statement ends.
    void run(double seconds,
             const std::string& query,
             const std::string& path = "",
             double bytes = 0);
    void run(double seconds,
             const std::string& query,
             const std::string& family,
             const std::string& path,
             double bytes);

    void grow(const std::string& path, double bytes) { bytes_[path] += bytes; }

    // Free space in the blocks of this path.
    void waste(const std::string& path, double bytes) { free_bytes_[path] += bytes; }

    // Contexts of this path: one until some are added.
    void add_contexts(const std::string& path, int count) { contexts_[path] += count; }

    // RssAnon beyond what contexts take, and RssShmem.
    void grow_outside(double bytes) { outside_bytes_ += bytes; }

    void touch_shared(double bytes) { shared_bytes_ += bytes; }

    // Memory that is there at the next snapshots until changed: a transaction in progress.
    void snapshot(double seconds, const std::string& state = "idle", double passing_bytes = 0);

    [[nodiscard]] BackendHistory& backend() { return backend_; }

    // The history of this one backend.
    [[nodiscard]] History history(const std::string& source = "journal:test") const;

  private:
    std::size_t form(const std::string& query, const std::string& family);

    BackendHistory backend_;
    std::vector<StatementForm> forms_;
    std::map<std::string, std::size_t> form_of_;
    std::map<std::string, double> bytes_;
    std::map<std::string, double> free_bytes_;
    std::map<std::string, int> contexts_;
    double outside_bytes_ = 2'000'000;
    double shared_bytes_ = 0;
};

// NOLINTBEGIN(readability-identifier-naming): constants they are
inline const std::string kTop = "TopMemoryContext";
inline const std::string kCatalogCache = "TopMemoryContext/CacheMemoryContext";
inline const std::string kIndexInfo = "TopMemoryContext/CacheMemoryContext/index info";
inline const std::string kOther = "TopMemoryContext/Some extension";

// NOLINTEND(readability-identifier-naming)

// Random figures that are the same with every standard library.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    // 0 … 1.
    double uniform() { return static_cast<double>(random_() >> 11U) / 9007199254740992.0; }

    // Mean 0, standard deviation 1 (the sum of twelve uniform figures).
    double normal();
    int poisson(double mean);

  private:
    std::mt19937_64 random_;
};

// One policy load as Conjur issues it, ended at `seconds`: a transaction of which `stays` bytes
// stay in CacheMemoryContext. Every load has a schema of its own name.
void run_policy_load(SyntheticBackend& backend, double seconds, int number, double stays);

}  // namespace palloscope
