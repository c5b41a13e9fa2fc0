#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inspector/model/time_text.hpp"
#include "inspector/report/snapshot_json.hpp"

namespace palloscope {

namespace {

using nlohmann::json;

constexpr std::string_view kSchema = "palloscope.snapshot/1";
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLargestInt = std::numeric_limits<int>::max();

// What is wrong with the text; the first thing counts.
class Complaint {
  public:
    void add(std::string_view member, std::string_view reason) {
        if (text_.empty()) {
            text_ = fmt::format("{} {}", member, reason);
        }
    }

    [[nodiscard]] bool empty() const { return text_.empty(); }

    [[nodiscard]] tl::unexpected<Error> as_error() const {
        return failure(Error::Kind::kFailed,
                       fmt::format("this is no snapshot: {}", text_),
                       "'palloscope snapshot --format json' writes one");
    }

  private:
    std::string text_;
};

// The member of an object; null where it is missing or `object` is none.
const json& part(const json& object, const char* name) {
    static const json kNull;
    if (!object.is_object()) {
        return kNull;
    }
    const auto found = object.find(name);
    return found == object.end() ? kNull : *found;
}

// Reads the members of one object. What cannot be read is complained of and comes as empty.
class Members {
  public:
    // `path` names the object in complaints: "process.".
    Members(const json& object, std::string path, Complaint& complaint)
        : object_(object), path_(std::move(path)), complaint_(complaint) {}

    // Not negative, at most `largest`.
    std::int64_t number(const char* name, std::int64_t largest) {
        const json& value = part(object_, name);
        if (!value.is_number_unsigned() ||
            value.get<std::uint64_t>() > static_cast<std::uint64_t>(largest)) {
            complain(name, "is missing or no number that is possible there");
            return 0;
        }
        return value.get<std::int64_t>();
    }

    double length_of_time(const char* name) {
        const json& value = part(object_, name);
        if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0) {
            complain(name, "is missing or no length of time");
            return 0;
        }
        return value.get<double>();
    }

    std::string text(const char* name) {
        const json& value = part(object_, name);
        if (!value.is_string()) {
            complain(name, "is missing or no text");
            return "";
        }
        return value.get<std::string>();
    }

    std::optional<std::string> text_or_null(const char* name) {
        if (object_.is_object() && object_.contains(name) && part(object_, name).is_null()) {
            return std::nullopt;
        }
        return text(name);
    }

    ContextFigures figures() {
        ContextFigures figures{.total_bytes = number("total_bytes", kLargest),
                               .total_nblocks = number("total_nblocks", kLargest),
                               .free_bytes = number("free_bytes", kLargest),
                               .free_chunks = number("free_chunks", kLargest),
                               .used_bytes = number("used_bytes", kLargest)};
        if (figures.total_bytes - figures.free_bytes != figures.used_bytes) {
            complain("used_bytes", "is not total_bytes - free_bytes");
        }
        return figures;
    }

    void complain(std::string_view name, std::string_view reason) {
        complaint_.add(path_ + std::string(name), reason);
    }

  private:
    const json& object_;
    std::string path_;
    Complaint& complaint_;
};

ProcessInfo process_from(const json& object, Complaint& complaint) {
    Members members(object, "process.", complaint);
    return {
        .pid = static_cast<int>(members.number("pid", kLargestInt)),
        .backend_type = members.text("backend_type"),
        .database = members.text_or_null("database"),
        .user = members.text_or_null("user"),
        .application_name = members.text_or_null("application_name"),
        .state = members.text_or_null("state"),
        .query = members.text_or_null("query"),
        .rss_anon_bytes = members.number("rss_anon_bytes", kLargest),
        .rss_file_bytes = members.number("rss_file_bytes", kLargest),
        .rss_shmem_bytes = members.number("rss_shmem_bytes", kLargest),
    };
}

// Puts contexts together, as long as they come in depth-first order.
class TreeReader {
  public:
    explicit TreeReader(Complaint& complaint) : complaint_(complaint) {}

    void add(const json& object) {
        const std::size_t index = tree_.contexts.size();
        Members members(object, fmt::format("contexts[{}].", index), complaint_);
        MemoryContext context{
            .name = members.text("name"),
            .ident = members.text_or_null("ident"),
            .level = static_cast<int>(members.number("level", kLargestInt)),
            .figures = members.figures(),
        };
        if (const auto type = context_type_from(members.text("type"))) {
            context.type = *type;
        } else {
            members.complain("type", "is no type of memory context");
        }
        if (members.number("id", kLargest) != static_cast<std::int64_t>(index) + 1) {
            members.complain("id", "does not follow the one before it");
        }
        place(context, object, members);
        ancestors_.push_back(index);
        tree_.contexts.push_back(std::move(context));
    }

    ContextTree take() { return std::move(tree_); }

  private:
    // Level and parent have to agree with the contexts before this one.
    void place(MemoryContext& context, const json& object, Members& members) {
        const std::size_t depth = static_cast<std::size_t>(context.level) - 1;
        if (context.level < 1 || depth > ancestors_.size() ||
            (depth == 0) != tree_.contexts.empty()) {
            members.complain("level", "does not fit the contexts before it");
            return;
        }
        ancestors_.resize(depth);
        if (depth == 0) {
            if (!part(object, "parent_id").is_null()) {
                members.complain("parent_id", "is not null");
            }
            return;
        }
        context.parent = ancestors_.back();
        if (members.number("parent_id", kLargest) !=
            static_cast<std::int64_t>(*context.parent) + 1) {
            members.complain("parent_id", "is not the context above it");
        }
    }

    Complaint& complaint_;
    ContextTree tree_;
    // Indices of the contexts from the root to the last one.
    std::vector<std::size_t> ancestors_;
};

ContextTree tree_from(const json& contexts, Complaint& complaint) {
    if (!contexts.is_array() || contexts.empty()) {
        complaint.add("contexts", "is missing or empty");
        return {};
    }
    TreeReader reader(complaint);
    for (const json& context : contexts) {
        reader.add(context);
        if (!complaint.empty()) {
            return {};
        }
    }
    return reader.take();
}

Snapshot snapshot_from(const json& object, Complaint& complaint) {
    Members members(object, "", complaint);
    if (members.text("schema") != kSchema) {
        members.complain("schema", fmt::format("is not {}", kSchema));
        return {};
    }
    const std::optional<std::int64_t> taken_at = unix_ns_from_iso_time(members.text("taken_at"));
    const std::optional<Method> method = method_from(members.text("method"));
    if (!taken_at) {
        members.complain("taken_at", "is no time");
    }
    if (!method) {
        members.complain("method", "is none of palloscope's");
    }
    Snapshot snapshot{
        .taken_at_ns = taken_at.value_or(0),
        .method = method.value_or(Method::kCall),
        .pause_us = members.length_of_time("pause_us"),
        .server_version_num = static_cast<int>(members.number("server_version_num", kLargestInt)),
        .process = process_from(part(object, "process"), complaint),
        .tree = tree_from(part(object, "contexts"), complaint),
    };
    Members grand_total(part(object, "grand_total"), "grand_total.", complaint);
    if (grand_total.figures() != snapshot.tree.checked_grand_total()) {
        complaint.add("grand_total", "is not the sum of the contexts");
    }
    return snapshot;
}

}  // namespace

Result<Snapshot> snapshot_from_json(std::string_view text) {
    const json object = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
    Complaint complaint;
    if (!object.is_object()) {
        complaint.add("it", "is no JSON object");
        return complaint.as_error();
    }
    Snapshot snapshot = snapshot_from(object, complaint);
    if (!complaint.empty()) {
        return complaint.as_error();
    }
    return snapshot;
}

}  // namespace palloscope
