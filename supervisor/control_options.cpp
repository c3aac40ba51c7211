// SPDX-License-Identifier: MIT
#include "supervisor/control_options.hpp"

namespace temporal::supervisor {

namespace {

CLI::App* add_verb(CLI::App& app, Options& options, const std::string& verb,
                   const std::string& help) {
  auto* added = app.add_subcommand(verb, help);
  added
      ->add_option("--pid", options.control.pid,
                   "The worker with this process id; default: the only one of this user")
      ->default_str("")
      ->check(CLI::PositiveNumber);
  added->callback([&options, verb] {
    options.verb = Options::Verb::control;
    options.control.verb = verb;
  });
  return added;
}

}  // namespace

void add_control_verbs(CLI::App& app, Options& options) {
  auto& control = options.control;
  auto* ps = add_verb(app, options, "ps", "What the children of a running worker do");
  auto* top = add_verb(
      app, options, "top",
      "The same with the worker around it, once a second on a terminal, else once; ends by Ctrl-C");
  for (auto* verb : {ps, top})
    verb->add_flag("--json", control.json, "One JSON object; of top with every metric");
  add_verb(app, options, "kill",
           "End the process that runs an activity: SIGTERM, after --term-grace SIGKILL")
      ->add_option("TASK", control.task,
                   "Its activity id, WORKFLOW_ID/ACTIVITY_ID or process id, as ps shows them")
      ->required();
  add_verb(app, options, "pause", "Ask for no more tasks; what runs goes on");
  add_verb(app, options, "resume", "Ask for tasks again");
  add_verb(app, options, "reload",
           "Load the modules of the children anew, as on SIGHUP; ends when new tasks go to them");
  add_verb(app, options, "drain", "Stop as on SIGTERM: what runs has its grace");
  auto* set = add_verb(app, options, "set", "Change a setting until the worker ends");
  set->add_option("NAME", control.name,
                  "log-level, or of the only task queue, or that of --task-queue: children, "
                  "max-concurrent-activities, max-concurrent-workflow-tasks, activity-pollers, "
                  "workflow-pollers")
      ->required();
  set->add_option("VALUE", control.value, "A number, or debug, info, warn, error")->required();
  add_verb(app, options, "stack", "Where the threads of a worker are")
      ->add_option("PID", control.of, "The worker's process id, or one of its threads")
      ->default_str("")
      ->check(CLI::PositiveNumber)
      ->required();
}

std::string unknown_verb(const CLI::App& app, const std::string& word) {
  std::string known;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    known += (known.empty() ? "" : ", ") + verb->get_name();
  return "there is no verb '" + word + "'; the verbs are " + known;
}

}  // namespace temporal::supervisor
