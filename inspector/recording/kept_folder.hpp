#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inspector/model/history.hpp"
#include "inspector/recording/recording_file.hpp"

namespace palloscope {

// Folds the contexts of a recording that statements left (KeptByStatements) while it is replayed.
class KeptFolder {
  public:
    // `paths` are those of RecordingFile::contexts().
    KeptFolder(const RecordingFile& file, const std::vector<std::string>& paths);

    // There is one more of `context` (an index into RecordingFile::contexts()), or one fewer (-1),
    // or as many as before (0), and it uses so many bytes more, or fewer.
    void apply(std::size_t context, std::int32_t by, std::int64_t used_bytes);

    // What was applied of this backend since its last one came with this snapshot.
    void add_snapshot(std::size_t backend, std::size_t snapshot);

    [[nodiscard]] std::vector<KeptByStatements> take(std::size_t backend) {
        return std::move(backends_[backend].kept);
    }

  private:
    struct Backend {
        std::vector<KeptByStatements> kept;
        std::map<std::size_t, KeptByStatements::Change> pending;  // by index into `kept`
    };

    const RecordingFile& file_;
    std::vector<Backend> backends_;
    // For each context, an index into the `kept` of its backend: its own, or that of the nearest
    // context above it that has one.
    std::vector<std::optional<std::size_t>> kept_of_;
    std::vector<bool> has_its_own_;
};

}  // namespace palloscope
