// The actions of the Step Functions API that this door answers, one file each. Sync actions return
// their answer; those that wait for an execution get a `done` that is called once.
// Changes of state machines and activities (Create, Update, Delete, versions, aliases, tags) are
// called one at a time.
#pragma once

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "api/states/door.h"
#include "json/value.h"

namespace tandem::states {

using aws::Answer;
using aws::Context;
using Input = json::Value;

Answer<json::Value> create_state_machine(const Context& context, const Input& input);
Answer<json::Value> update_state_machine(const Context& context, const Input& input);
Answer<json::Value> delete_state_machine(const Context& context, const Input& input);
Answer<json::Value> describe_state_machine(const Context& context, const Input& input);
Answer<json::Value> list_state_machines(const Context& context, const Input& input);
Answer<json::Value> publish_state_machine_version(const Context& context, const Input& input);
Answer<json::Value> delete_state_machine_version(const Context& context, const Input& input);
Answer<json::Value> list_state_machine_versions(const Context& context, const Input& input);
Answer<json::Value> create_state_machine_alias(const Context& context, const Input& input);
Answer<json::Value> update_state_machine_alias(const Context& context, const Input& input);
Answer<json::Value> delete_state_machine_alias(const Context& context, const Input& input);
Answer<json::Value> describe_state_machine_alias(const Context& context, const Input& input);
Answer<json::Value> list_state_machine_aliases(const Context& context, const Input& input);
Answer<json::Value> validate_state_machine_definition(const Context& context, const Input& input);
Answer<json::Value> tag_resource(const Context& context, const Input& input);
Answer<json::Value> untag_resource(const Context& context, const Input& input);
Answer<json::Value> list_tags_for_resource(const Context& context, const Input& input);

Answer<json::Value> create_activity(const Context& context, const Input& input);
Answer<json::Value> describe_activity(const Context& context, const Input& input);
Answer<json::Value> list_activities(const Context& context, const Input& input);
Answer<json::Value> delete_activity(const Context& context, const Input& input);

void get_activity_task(const Context& context, const Input& input, const Caller& caller, Done done);
void send_task_success(const Context& context, const Input& input, Done done);
void send_task_failure(const Context& context, const Input& input, Done done);
void send_task_heartbeat(const Context& context, const Input& input, Done done);

void start_execution(const Context& context, const Input& input, const Caller& caller, Done done);
void start_sync_execution(const Context& context, const Input& input, Done done);
void test_state(const Context& context, const Input& input, Done done);
void stop_execution(const Context& context, const Input& input, Done done);
void redrive_execution(const Context& context, const Input& input, Done done);
Answer<json::Value> describe_execution(const Context& context, const Input& input);
Answer<json::Value> describe_state_machine_for_execution(const Context& context,
                                                         const Input& input);
Answer<json::Value> list_executions(const Context& context, const Input& input);
void describe_map_run(const Context& context, const Input& input, Done done);
void update_map_run(const Context& context, const Input& input, Done done);
Answer<json::Value> list_map_runs(const Context& context, const Input& input);
Answer<json::Value> get_execution_history(const Context& context, const Input& input);

}  // namespace tandem::states
