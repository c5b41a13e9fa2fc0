#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "inspector/model/difference.hpp"
#include "inspector/model/json_text.hpp"
#include "inspector/model/time_text.hpp"
#include "inspector/report/difference_text.hpp"

namespace palloscope {

namespace {

using nlohmann::ordered_json;

ordered_json figures_json(const ContextFigures& figures) {
    return {{"total_bytes", figures.total_bytes},
            {"total_nblocks", figures.total_nblocks},
            {"free_bytes", figures.free_bytes},
            {"free_chunks", figures.free_chunks},
            {"used_bytes", figures.used_bytes}};
}

ordered_json side_json(const Snapshot& snapshot) {
    ordered_json side = {{"taken_at", iso_time_text(snapshot.taken_at_ns)},
                         {"pid", snapshot.process.pid},
                         {"server_version_num", snapshot.server_version_num},
                         {"contexts", snapshot.tree.contexts.size()},
                         {"rss_anon_bytes", snapshot.process.rss_anon_bytes}};
    side.update(figures_json(snapshot.tree.grand_total()));
    return side;
}

ordered_json change_json(const ContextChange& change) {
    return {{"path", json_text(change.path)},
            {"name", json_text(change.name)},
            {"ident", change.ident ? ordered_json(json_text(*change.ident)) : ordered_json()},
            {"kind", to_string(change.kind)},
            {"count_before", change.count_before},
            {"count_after", change.count_after},
            {"before", figures_json(change.before)},
            {"after", figures_json(change.after)},
            {"delta", figures_json(change.delta)}};
}

}  // namespace

std::string difference_json(const Snapshot& before, const Snapshot& after) {
    ordered_json object = {{"schema", "palloscope.difference/1"},
                           {"before", side_json(before)},
                           {"after", side_json(after)},
                           {"changes", ordered_json::array()}};
    for (const ContextChange& change : difference(before.tree, after.tree).changes) {
        object["changes"].push_back(change_json(change));
    }
    return object.dump();
}

}  // namespace palloscope
