#include "inspector/report/snapshot_json.hpp"

#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "inspector/model/process_json.hpp"
#include "inspector/model/time_text.hpp"

namespace palloscope {

namespace {

using Output = std::back_insert_iterator<std::string>;

void append_figures(Output out, const ContextFigures& figures) {
    fmt::format_to(
        out,
        R"("total_bytes":{},"total_nblocks":{},"free_bytes":{},"free_chunks":{},"used_bytes":{}}})",
        figures.total_bytes,
        figures.total_nblocks,
        figures.free_bytes,
        figures.free_chunks,
        figures.used_bytes);
}

void append_context(Output out, const ContextTree& tree, std::size_t index) {
    const MemoryContext& context = tree.contexts[index];
    fmt::format_to(out,
                   R"({{"id":{},"parent_id":{},"name":{},"ident":{},"type":"{}","level":{},)"
                   R"("path":[{}],)",
                   index + 1,
                   context.parent ? std::to_string(*context.parent + 1) : "null",
                   json_string(context.name),
                   json_string_or_null(context.ident),
                   to_string(context.type),
                   context.level,
                   fmt::join(tree.id_path(index), ","));
    append_figures(out, context.figures);
}

}  // namespace

// Only texts pass through the JSON library: 100,000 contexts as its values would take ten times the
// room and the time.
std::string snapshot_json(const Snapshot& snapshot) {
    std::string text = fmt::format(
        R"({{"schema":"palloscope.snapshot/1","taken_at":"{}","method":"{}","pause_us":{},)"
        R"("server_version_num":{},"process":{},"contexts":[)",
        iso_time_text(snapshot.taken_at_ns),
        to_string(snapshot.method),
        std::llround(snapshot.pause_us),
        snapshot.server_version_num,
        process_json(snapshot.process));
    const Output out = std::back_inserter(text);
    for (std::size_t i = 0; i < snapshot.tree.contexts.size(); ++i) {
        text += i == 0 ? "" : ",";
        append_context(out, snapshot.tree, i);
    }
    text += R"(],"grand_total":{)";
    append_figures(out, snapshot.tree.grand_total());
    text += '}';
    return text;
}

}  // namespace palloscope
