// Registry: everything callable, in memory and in the store's catalog, and the compiled programs.
// Reads from any thread; writes are serialised and durable when they return. Catalog keys:
//   callable/<kind>/<name>             the current revision
//   revision/<kind>/<name>/<revision>  revisions recorded beside it (published versions)
//   archive/<kind>/<name>/<revision>   every workflow definition that ever was current: executions
//                                      go on with theirs after an update or a deletion
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/committer.h"
#include "engine/engine.h"

namespace tandem {

/// A callable's revision, ready to run.
struct Definition {
    std::shared_ptr<const Callable> callable;
    const Language* language = nullptr;
    std::shared_ptr<const Program> program;
    bool is_logged = false;
};

class Registry final : public Callables {
public:
    Registry(Store& store, Committer& committer, Executor& executor,
             std::vector<const Language*> languages, const EventLog* event_log = nullptr);

    /// Reads the catalog and tells the executor of every function.
    Result<void> load();

    Result<void> put(Callable callable, PutMode mode);
    Result<void> amend(const Callable& callable);
    Result<void> put_revision(Callable callable);
    Result<std::shared_ptr<const Callable>> find(const CallableRef& ref) const;
    bool has(const CallableRef& ref) const override { return find(ref).has_value(); }
    std::vector<std::shared_ptr<const Callable>> list(CallableKind kind, std::string_view after,
                                                      size_t limit) const;
    std::vector<std::shared_ptr<const Callable>> revisions(CallableKind kind,
                                                           std::string_view name) const;
    Result<void> erase(const CallableRef& ref);
    /// Whether the text stands in the definition of any callable or revision.
    bool mentions(std::string_view text) const;
    Result<void> validate(std::string_view language, std::string_view definition) const;
    Result<std::vector<Diagnostic>> diagnose(std::string_view language,
                                             std::string_view definition) const;
    std::vector<VariableReferences> variable_references(const Callable& callable) const;
    Result<StateTestReport> test_state(std::string_view language, const StateTest& test) const;

    /// For a new execution: the current (or named) revision, compiled. In a `language` that is not
    /// its own, what `ref` names is listed apart from it (part_of()).
    Result<std::shared_ptr<const Definition>> definition(const CallableRef& ref,
                                                         std::string_view language = {});
    /// For a recorded execution.
    Result<std::shared_ptr<const Definition>> definition_of(const ExecutionSummary& summary);
    Result<std::shared_ptr<const Callable>> archived(const ExecutionSummary& summary) const;

private:
    using Key = std::pair<CallableKind, std::string>;
    struct Entry {
        std::shared_ptr<const Callable> current;
        std::vector<std::shared_ptr<const Callable>> revisions;  // in order of creation
    };
    const Language* language(std::string_view name) const;
    Result<void> admit(const Callable& callable) const;
    Result<std::shared_ptr<const Definition>> compile(std::shared_ptr<const Callable> callable);
    Result<std::shared_ptr<const Definition>> compile_part(const ExecutionSummary& summary);
    std::shared_ptr<const Definition> compiled(const std::string& key);
    void keep(const std::string& key, const std::shared_ptr<const Definition>& definition);
    Result<void> write_current(const std::shared_ptr<const Callable>& callable, bool archive);

    Store& store_;
    Committer& committer_;
    Executor& executor_;
    std::vector<const Language*> languages_;
    const EventLog* event_log_;        // may be null
    std::mutex write_mutex_;           // one change at a time, over its commit
    mutable std::shared_mutex mutex_;  // guards entries_
    std::map<Key, Entry> entries_;
    std::mutex compiled_mutex_;
    std::map<std::string, std::shared_ptr<const Definition>> compiled_;
    size_t compiled_bytes_ = 0;
};

}  // namespace tandem
