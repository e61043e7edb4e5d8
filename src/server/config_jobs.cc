#include "server/config_jobs.h"

#include <unistd.h>

#include "exec/slurm/as_owner.h"
#include "exec/slurm/definitions.h"

namespace tandem {

namespace {

tl::unexpected<Error> bad(std::string_view section, std::string_view name, std::string_view key,
                          std::string_view what) {
    std::string where = "[" + std::string(section) + "." + std::string(name) + "]";
    if (!key.empty()) where += " " + std::string(key);
    return fail(ErrorCode::kInvalidArgument, where + ": " + std::string(what));
}

/// None of a date or time, which JSON has not.
std::optional<json::Value> as_json(const toml::node& node) {
    if (const toml::table* table = node.as_table()) {
        json::Value out = json::Value::object();
        for (const auto& [key, value] : *table) {
            auto member = as_json(value);
            if (!member) return std::nullopt;
            out.set(key.str(), *std::move(member));
        }
        return out;
    }
    if (const toml::array* array = node.as_array()) {
        json::Array out;
        for (const toml::node& value : *array) {
            auto item = as_json(value);
            if (!item) return std::nullopt;
            out.push_back(*std::move(item));
        }
        return json::Value(std::move(out));
    }
    if (const auto text = node.value_exact<std::string>()) return json::Value(*text);
    if (const auto number = node.value_exact<int64_t>()) return json::Value(*number);
    if (const auto number = node.value_exact<double>()) return json::Value(*number);
    if (const auto flag = node.value_exact<bool>()) return json::Value(*flag);
    return std::nullopt;
}

bool read_texts(const toml::node& node, std::vector<std::string>& out) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return false;
    for (const toml::node& value : *array) {
        auto text = value.value_exact<std::string>();
        if (!text) return false;
        out.push_back(*std::move(text));
    }
    return true;
}

}  // namespace

Result<void> apply_job_definition(std::string_view name, const toml::node& node, Config& config) {
    if (!node.is_table()) return bad("job_definitions", name, "", "expected a section");
    auto definition = as_json(node);
    if (!definition)
        return bad("job_definitions", name, "", "expected texts, numbers, lists and tables");
    config.job_definitions.insert_or_assign(std::string(name), *std::move(definition));
    return {};
}

Result<void> apply_project(std::string_view name, const toml::node& node, Config& config) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return bad("projects", name, "", "expected a section");
    slurm::Project project;
    for (const auto& [key, value] : *table) {
        const std::pair<std::string_view, std::string*> texts[] = {
            {"user", &project.user}, {"account", &project.account}, {"qos", &project.qos}};
        const std::pair<std::string_view, std::vector<std::string>*> lists[] = {
            {"partitions", &project.partitions}, {"roles", &project.roles}};
        bool is_known = false;
        for (const auto& [known, out] : texts) {
            if (key.str() != known) continue;
            is_known = true;
            auto text = value.value_exact<std::string>();
            if (!text) return bad("projects", name, known, "expected a string");
            *out = *std::move(text);
        }
        for (const auto& [known, out] : lists) {
            if (key.str() != known) continue;
            is_known = true;
            if (!read_texts(value, *out))
                return bad("projects", name, known, "expected a list of strings");
        }
        if (!is_known) return bad("projects", name, key.str(), "no such setting");
    }
    config.projects.insert_or_assign(std::string(name), std::move(project));
    return {};
}

Result<void> check_jobs(const Config& config) {
    if (const auto read = slurm::Definitions::read(config.job_definitions); !read)
        return tl::unexpected<Error>(read.error());
    if (const auto ok = slurm::check_projects(config.projects); !ok) return ok;
    for (const auto& [name, project] : config.projects) {
        if (project.user.empty()) continue;
        const auto user = slurm::find_user(project.user);
        if (!user) return bad("projects", name, "user", user.error().message);
        // Neither Slurm nor the file system lets another do it.
        if (::geteuid() != 0 && user->id != ::geteuid())
            return bad("projects", name, "user",
                       "a server that is not root runs jobs as its own user only, not as '" +
                           project.user + "'");
    }
    return {};
}

}  // namespace tandem
