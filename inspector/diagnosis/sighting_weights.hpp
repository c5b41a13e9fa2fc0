#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "inspector/diagnosis/sightings.hpp"
#include "inspector/model/history.hpp"

namespace palloscope {

// How many calls a sighting of each statement stands for, by the sightings of all backends of one
// database: the sessions of a pool run the same statements on the same tables, and all are looked
// at together.
class SightingWeights {
  public:
    explicit SightingWeights(const History& history);

    // By form; empty where the recording has no sightings. Valid as long as this.
    [[nodiscard]] std::span<const SightingWeight> of(const BackendHistory& backend) const;

  private:
    std::map<std::optional<std::string>, std::vector<SightingWeight>> by_database_;
};

}  // namespace palloscope
