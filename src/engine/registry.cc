#include "engine/registry.h"

#include <algorithm>

#include "base/log.h"

namespace tandem {

namespace {

constexpr size_t kScanPage = 256;
// Cached; beyond either the cache is emptied. A program can be many times its text.
constexpr size_t kCompiledPrograms = 4096;
constexpr size_t kCompiledBytes = 4 * 1024 * 1024;  // of their texts

std::string row_key(std::string_view table, CallableKind kind, std::string_view name) {
    return std::string(table) + "/" + std::string(to_string(kind)) + "/" + std::string(name);
}

std::string revision_key(std::string_view table, const Callable& c) {
    return row_key(table, c.kind, c.name) + "/" + c.revision;
}

bool has_parts(CallableKind kind) {
    return kind == CallableKind::kWorkflow || kind == CallableKind::kTaskHub;
}

tl::unexpected<Error> not_found(const CallableRef& ref) {
    return fail(ErrorCode::kNotFound, std::string(to_string(ref.kind)) + " " + ref.name +
                                          (ref.qualifier.empty() ? "" : ":" + ref.qualifier) +
                                          " does not exist");
}

}  // namespace

Registry::Registry(Store& store, Committer& committer, Executor& executor,
                   std::vector<const Language*> languages, const EventLog* event_log)
    : store_(store),
      committer_(committer),
      executor_(executor),
      languages_(std::move(languages)),
      event_log_(event_log) {}

const Language* Registry::language(std::string_view name) const {
    for (const Language* l : languages_) {
        if (l->name() == name) return l;
    }
    return nullptr;
}

Result<void> Registry::load() {
    for (const char* table : {"callable/", "revision/"}) {
        std::string after;
        while (true) {
            auto rows = store_.scan_catalog(table, after, kScanPage);
            if (!rows) return tl::unexpected<Error>(rows.error());
            for (const auto& [key, value] : *rows) {
                auto decoded = decode_callable(value);
                if (!decoded)
                    return fail(decoded.error().code, key + ": " + decoded.error().message);
                auto callable = std::make_shared<const Callable>(std::move(*decoded));
                Entry& entry = entries_[{callable->kind, callable->name}];
                if (table[0] == 'c') entry.current = callable;
                else entry.revisions.push_back(callable);
                after = key;
            }
            if (rows->size() < kScanPage) break;
        }
    }
    for (auto& [key, entry] : entries_) {
        std::stable_sort(entry.revisions.begin(), entry.revisions.end(),
                         [](const auto& a, const auto& b) { return a->created < b->created; });
        if (entry.current && key.first == CallableKind::kFunction)
            executor_.activate(entry.current);
    }
    return {};
}

Result<void> Registry::admit(const Callable& callable) const {
    if (callable.kind == CallableKind::kFunction) return executor_.admit(callable);
    if (callable.kind == CallableKind::kActivity) return {};  // its workers are not ours
    return validate(callable.language, callable.definition.view());
}

Result<void> Registry::validate(std::string_view name, std::string_view definition) const {
    const Language* l = language(name);
    if (l == nullptr)
        return fail(ErrorCode::kUnsupported, "no such language: " + std::string(name));
    return l->validate(definition);
}

Result<std::vector<Diagnostic>> Registry::diagnose(std::string_view name,
                                                   std::string_view definition) const {
    const Language* l = language(name);
    if (l == nullptr)
        return fail(ErrorCode::kUnsupported, "no such language: " + std::string(name));
    return l->diagnose(definition);
}

Result<StateTestReport> Registry::test_state(std::string_view name, const StateTest& test) const {
    const Language* l = language(name);
    if (l == nullptr)
        return fail(ErrorCode::kUnsupported, "no such language: " + std::string(name));
    return l->test(test);
}

std::vector<VariableReferences> Registry::variable_references(const Callable& callable) const {
    const Language* l = language(callable.language);
    if (l == nullptr) return {};
    return l->variable_references(callable.definition.view());
}

Result<void> Registry::write_current(const std::shared_ptr<const Callable>& callable,
                                     bool archive) {
    Batch batch;
    const std::string value = encode_callable(*callable);
    batch.catalog.push_back({row_key("callable", callable->kind, callable->name), value});
    if (archive && callable->kind == CallableKind::kWorkflow)
        batch.catalog.push_back({revision_key("archive", *callable), value});
    if (auto ok = committer_.commit(std::move(batch)); !ok) return ok;
    {
        const std::unique_lock lock(mutex_);
        entries_[{callable->kind, callable->name}].current = callable;
    }
    if (callable->kind == CallableKind::kFunction) executor_.activate(callable);
    return {};
}

Result<void> Registry::put(Callable callable, PutMode mode) {
    if (auto ok = admit(callable); !ok) return ok;
    const std::lock_guard writing(write_mutex_);
    const bool exists = find({callable.kind, callable.name, ""}).has_value();
    if (mode == PutMode::kCreate && exists) {
        return fail(ErrorCode::kAlreadyExists,
                    std::string(to_string(callable.kind)) + " " + callable.name + " exists");
    }
    if (mode == PutMode::kUpdate && !exists) return not_found({callable.kind, callable.name, ""});
    return write_current(std::make_shared<const Callable>(std::move(callable)), true);
}

Result<void> Registry::amend(const Callable& callable) {
    const std::lock_guard writing(write_mutex_);
    if (!find({callable.kind, callable.name, ""}))
        return not_found({callable.kind, callable.name, ""});
    return write_current(std::make_shared<const Callable>(callable), false);
}

Result<void> Registry::put_revision(Callable callable) {
    const std::lock_guard writing(write_mutex_);
    if (!find({callable.kind, callable.name, ""}))
        return not_found({callable.kind, callable.name, ""});
    auto revision = std::make_shared<const Callable>(std::move(callable));
    Batch batch;
    batch.catalog.push_back({revision_key("revision", *revision), encode_callable(*revision)});
    if (auto ok = committer_.commit(std::move(batch)); !ok) return ok;
    const std::unique_lock lock(mutex_);
    auto& revisions = entries_[{revision->kind, revision->name}].revisions;
    std::erase_if(revisions, [&](const auto& r) { return r->revision == revision->revision; });
    revisions.push_back(revision);
    return {};
}

Result<std::shared_ptr<const Callable>> Registry::find(const CallableRef& ref) const {
    const std::shared_lock lock(mutex_);
    const auto it = entries_.find({ref.kind, ref.name});
    if (it == entries_.end() || !it->second.current) return not_found(ref);
    const Entry& entry = it->second;
    if (ref.qualifier.empty() || ref.qualifier == entry.current->revision) return entry.current;
    const auto alias = entry.current->aliases.find(ref.qualifier);
    const std::string& wanted =
        alias != entry.current->aliases.end() ? alias->second : ref.qualifier;
    if (wanted == entry.current->revision) return entry.current;
    for (const auto& revision : entry.revisions) {
        if (revision->revision == wanted) return revision;
    }
    return not_found(ref);
}

bool Registry::mentions(std::string_view text) const {
    const std::shared_lock lock(mutex_);
    const auto holds = [text](const auto& callable) {
        return callable && callable->definition.view().find(text) != std::string_view::npos;
    };
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
        const auto& revisions = entry.second.revisions;
        return holds(entry.second.current) ||
               std::any_of(revisions.begin(), revisions.end(), holds);
    });
}

std::vector<std::shared_ptr<const Callable>> Registry::list(CallableKind kind,
                                                            std::string_view after,
                                                            size_t limit) const {
    const std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<const Callable>> out;
    const Key from(kind, std::string(after));
    for (auto it = after.empty() ? entries_.lower_bound(from) : entries_.upper_bound(from);
         it != entries_.end() && out.size() < limit; ++it) {
        if (it->first.first != kind) break;
        if (it->second.current) out.push_back(it->second.current);
    }
    return out;
}

std::vector<std::shared_ptr<const Callable>> Registry::revisions(CallableKind kind,
                                                                 std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto it = entries_.find({kind, std::string(name)});
    return it == entries_.end() ? std::vector<std::shared_ptr<const Callable>>()
                                : it->second.revisions;
}

Result<void> Registry::erase(const CallableRef& ref) {
    const std::lock_guard writing(write_mutex_);
    auto found = find(ref);
    if (!found) return tl::unexpected<Error>(found.error());
    Batch batch;
    if (!ref.qualifier.empty()) {
        batch.catalog.push_back({revision_key("revision", **found), std::nullopt});
    } else {
        batch.catalog.push_back({row_key("callable", ref.kind, ref.name), std::nullopt});
        for (const auto& revision : revisions(ref.kind, ref.name))
            batch.catalog.push_back({revision_key("revision", *revision), std::nullopt});
    }
    if (auto ok = committer_.commit(std::move(batch)); !ok) return ok;
    {
        const std::unique_lock lock(mutex_);
        if (ref.qualifier.empty()) entries_.erase({ref.kind, ref.name});
        else
            std::erase_if(entries_[{ref.kind, ref.name}].revisions,
                          [&](const auto& r) { return r->revision == (*found)->revision; });
    }
    if (ref.qualifier.empty() && ref.kind == CallableKind::kFunction) executor_.retire(ref.name);
    return {};
}

std::shared_ptr<const Definition> Registry::compiled(const std::string& key) {
    const std::lock_guard lock(compiled_mutex_);
    const auto it = compiled_.find(key);
    return it == compiled_.end() ? nullptr : it->second;
}

void Registry::keep(const std::string& key, const std::shared_ptr<const Definition>& definition) {
    const std::lock_guard lock(compiled_mutex_);
    if (compiled_.size() >= kCompiledPrograms || compiled_bytes_ >= kCompiledBytes) {
        compiled_.clear();
        compiled_bytes_ = 0;
    }
    // A function's $LATEST keeps its revision over updates, and its program does not depend on
    // them.
    if (definition->callable->kind != CallableKind::kFunction &&
        compiled_.emplace(key, definition).second) {
        compiled_bytes_ += definition->callable->definition.size();
    }
}

Result<std::shared_ptr<const Definition>> Registry::compile(
    std::shared_ptr<const Callable> callable) {
    const std::string key = revision_key(callable->language, *callable);
    if (auto known = compiled(key)) return known;
    const Language* l = language(callable->language);
    if (l == nullptr)
        return fail(ErrorCode::kUnsupported, "no such language: " + callable->language);
    auto program = l->compile(callable->definition.view());
    if (!program) return tl::unexpected<Error>(program.error());
    const bool is_logged = event_log_ != nullptr && event_log_->wants(*callable);
    auto definition = std::make_shared<const Definition>(
        Definition{std::move(callable), l, std::move(*program), is_logged});
    keep(key, definition);
    return definition;
}

/// What a child runs: a part of its callable's definition, or all of it in another language.
Result<std::shared_ptr<const Definition>> Registry::compile_part(const ExecutionSummary& summary) {
    const PartOf of = part_of(summary.callable);
    Callable probe;
    probe.kind = summary.kind;
    probe.name = of.listed;
    probe.revision = summary.revision;
    const std::string key = revision_key(summary.language, probe);
    if (auto known = compiled(key)) return known;
    const Language* l = language(summary.language);
    if (l == nullptr) return fail(ErrorCode::kUnsupported, "no such language: " + summary.language);
    auto callable = archived(summary);
    if (!callable) return tl::unexpected<Error>(callable.error());
    const std::string_view text = (*callable)->definition.view();
    auto program = of.part.empty() ? l->compile(text) : l->compile_part(text, of.part);
    if (!program) return tl::unexpected<Error>(program.error());
    // A part is the callable's own; what else runs of it is none of its log's.
    const bool is_logged =
        !of.part.empty() && event_log_ != nullptr && event_log_->wants(**callable);
    auto definition = std::make_shared<const Definition>(
        Definition{std::move(*callable), l, std::move(*program), is_logged});
    keep(key, definition);
    return definition;
}

Result<std::shared_ptr<const Definition>> Registry::definition(const CallableRef& ref,
                                                               std::string_view language) {
    const std::string_view name = language.empty() ? ref.name : part_of(ref.name).callable;
    auto callable = find({ref.kind, std::string(name), ref.qualifier});
    if (!callable) return tl::unexpected<Error>(callable.error());
    if (language.empty()) return compile(std::move(*callable));
    ExecutionSummary wanted;
    wanted.kind = ref.kind;
    wanted.callable = ref.name;
    wanted.revision = (*callable)->revision;
    wanted.language = language;
    return definition_of(wanted);
}

Result<std::shared_ptr<const Callable>> Registry::archived(const ExecutionSummary& summary) const {
    Callable probe;
    probe.kind = summary.kind;
    probe.name = has_parts(summary.kind) ? part_of(summary.callable).callable
                                         : std::string_view(summary.callable);
    probe.revision = summary.revision;
    probe.language = summary.language;
    if (summary.kind != CallableKind::kWorkflow) {
        // The function itself is looked up when its task runs; the language needs no definition.
        auto current = find({summary.kind, probe.name, ""});
        return current ? current
                       : Result<std::shared_ptr<const Callable>>(
                             std::make_shared<const Callable>(std::move(probe)));
    }
    auto row = store_.catalog(revision_key("archive", probe));
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) return not_found({summary.kind, summary.callable, summary.revision});
    auto decoded = decode_callable(**row);
    if (!decoded) return tl::unexpected<Error>(decoded.error());
    return std::make_shared<const Callable>(std::move(*decoded));
}

Result<std::shared_ptr<const Definition>> Registry::definition_of(const ExecutionSummary& summary) {
    if (has_parts(summary.kind) && part_of(summary.callable).callable != summary.callable)
        return compile_part(summary);
    Callable probe;
    probe.kind = summary.kind;
    probe.name = summary.callable;
    probe.revision = summary.revision;
    if (auto known = compiled(revision_key(summary.language, probe))) return known;
    auto callable = archived(summary);
    if (!callable) return tl::unexpected<Error>(callable.error());
    return compile(std::move(*callable));
}

}  // namespace tandem
