#include "inspector/recording/kept_folder.hpp"

#include <string_view>

#include "inspector/statements/family.hpp"
#include "inspector/statements/form_cache.hpp"

namespace palloscope {

namespace {

// KeptByStatements::family; none of a context that tells of no statement.
std::optional<std::string> family_of(const RecordedContext& context, FormCache& forms) {
    if (!context.ident) {
        return std::nullopt;
    }
    if (context.name == "PortalContext" || context.name == "PL/pgSQL function") {
        return identifier_family(*context.ident);
    }
    if (context.name != "CachedPlanSource") {
        return std::nullopt;
    }
    std::string_view text = *context.ident;
    const std::string_view mark =
        text.ends_with(KeptByStatements::kCut) ? KeptByStatements::kCut : "";
    text.remove_suffix(mark.size());
    return forms.form_of(text).family + std::string(mark);
}

}  // namespace

KeptFolder::KeptFolder(const RecordingFile& file, const std::vector<std::string>& paths)
    : file_(file),
      backends_(file.backends().size()),
      kept_of_(file.contexts().size()),
      has_its_own_(file.contexts().size()) {
    FormCache forms;
    std::vector<std::map<std::pair<std::string, std::string>, std::size_t>> known(backends_.size());
    for (std::size_t i = 0; i < kept_of_.size(); ++i) {
        const RecordedContext& context = file.contexts()[i];
        if (const std::optional<std::string> family = family_of(context, forms)) {
            std::vector<KeptByStatements>& kept = backends_[context.backend].kept;
            const auto [entry, is_new] =
                known[context.backend].try_emplace({paths[i], *family}, kept.size());
            if (is_new) {
                kept.push_back({.path = paths[i], .family = *family});
            }
            kept_of_[i] = entry->second;
            has_its_own_[i] = true;
        } else if (context.parent) {
            kept_of_[i] = kept_of_[*context.parent];
        }
    }
}

void KeptFolder::apply(std::size_t context, std::int32_t by, std::int64_t used_bytes) {
    if (kept_of_[context]) {
        KeptByStatements::Change& change =
            backends_[file_.contexts()[context].backend].pending[*kept_of_[context]];
        change.by += has_its_own_[context] ? by : 0;
        change.used_bytes += used_bytes;
    }
}

void KeptFolder::add_snapshot(std::size_t backend, std::size_t snapshot) {
    Backend& folded = backends_[backend];
    for (auto& [kept, change] : folded.pending) {
        if (change.by != 0 || change.used_bytes != 0) {
            change.snapshot = snapshot;
            folded.kept[kept].changes.push_back(change);
        }
    }
    folded.pending.clear();
}

}  // namespace palloscope
