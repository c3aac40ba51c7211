// SPDX-License-Identifier: MIT
// Histories recorded by other SDKs against the same workflows in C++. Every file has a line here:
// it replays, it is refused as nondeterminism, or it is refused because it needs what this engine
// does not have, by event and name.
#include "tests/supervisor/workflow/corpus.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "supervisor/workflow/events.hpp"
#include "supervisor/workflow/history_loader.hpp"
#include "supervisor/workflow/patch_marker.hpp"
#include "supervisor/workflow/replayer.hpp"
#include "tests/supervisor/workflow/corpus_children.hpp"
#include "tests/supervisor/workflow/corpus_locals.hpp"
#include "tests/supervisor/workflow/corpus_updates.hpp"

namespace corpus {

template <class W>
void with(Module& m, const std::string& type) {
  auto builder = m.workflow<W>({.name = type});
  if constexpr (requires { W::handlers(builder); }) W::handlers(builder);
}

constexpr Row kRows[] = {
    {"sdk-python/single_agent.json", &with<Agent>},
    {"sdk-python/hello-workflow-history.json", &with<HelloAgent>},
    {"sdk-python/tools-workflow-history.json", &with<ToolsAgent>},
    {"sdk-python/test_replayer_complete_history.json", &with<SayHello>},
    {"sdk-python/test_replayer_event_tracing_alternate.json", &with<WhileWorkerDown>},
    {"sdk-go/activity-same-time-as-cancel.json", &with<ActivityThenTimerCancel>},
    {"sdk-go/await-with-timeout-no-timer-cancel.json", &with<AwaitWithTimeout>},
    {"sdk-go/continue-as-new.json", &with<ContinuesAsNew>},
    {"sdk-go/deadlocked-workflow.json", &with<Returns>},
    {"sdk-go/partial-replay-non-command-event.json", &with<Trip>},
    {"sdk-go/replay-tests-cancel-order.json", &with<CancelOrder>},
    {"sdk-go/selector-blocking-default.json", &with<Returns>},
    {"sdk-go/test-workflow.json", &with<StartsAndReturns>},
    {"sdk-go/unhandled_cmd_timer_cancel.json", &with<TimerAgain>},
    {"sdk-core/ends_empty_wft_complete.bin", &with<SayHelloThenWait>},
    {"sdk-core/old_change_marker_format.bin", &with<Patched>},
    {"sdk-core/timer_workflow_history.bin", &with<OneTimer>},
    {"sdk-typescript/cancel_fake_progress_history.bin", &with<CancelFakeProgress>},
    {"sdk-typescript/cancel_fake_progress_history.json", &with<CancelFakeProgress>},
    {"sdk-typescript/lang_flags_replay_correctly_1_11_2.json", &with<TimeoutScope<true>>},
    {"sdk-typescript/lang_flags_replay_correctly_1_9_3.json", &with<TimeoutScope<false>>},
    {"features/activity.retry_on_error.go.v1.5.0.json", &with<AlwaysFails>},
    {"features/bugs.go.activity_start_race.manual.json", &with<StartRace>},
    {"sdk-java/cancellationScopeDeterminism.json", &with<ScopeCancelled>},
    {"sdk-java/simpleHistory1.json", &with<Idle>},
    {"sdk-java/simpleHistory1_withAddedNewRandomField.json", &with<Idle>},
    {"sdk-java/testAsyncActivityRetryHistory.json", &with<ThrowsIo>},
    {"sdk-java/testGetVersionMultipleCallsHistoryDefault.json", &with<OldPath>},
    {"sdk-dotnet/multi-complete-fail-before.post-core-flag.json", &with<AfterComplete>},
    {"sdk-dotnet/multi-complete-fail-before.pre-dotnet-flag.json", &with<AfterComplete>},
    {"samples-go/helloworld.json", &with<GoHello>},
    {"sdk-java/complexHistory1.json", &with<ChildFails>},
    {"sdk-typescript/otel_v2_signal_workflow_1_18_1.json", &with<ApprovesItsChild>},
    {"sdk-go/reset-workflow-before-child-init.json", &with<HasChild>},
    {"sdk-go/memo-json.json", &with<ReadsItsChild>},
    {"sdk-go/duplicate-child-workflow.json", &with<DuplicateChild>},
    {"sdk-go/parentWF.json", &with<SignalsItsChild>},
    {"sdk-go/bad-upsert-memo-workflow-2.json", &with<UpsertsMemo>},
    {"sdk-go/search-attribute.json", &with<UpsertsAttributes>},
    {"sdk-python/customer-service-workflow-history.json", &with<CustomerService>},
    {"sdk-python/test_replayer_command_reordering_backward_compatibility.json",
     &with<UpdateAfterReturn>},
    {"sdk-python/test_replayer_event_tracing.json", &with<Tracing>},
    {"sdk-python/test_replayer_event_tracing_double_sig_at_start_single_batch.json",
     &with<Tracing>},
    {"sdk-go/multiple-updates.json", &with<MultipleUpdates>},
    {"sdk-go/update-reset-accepted.json", &with<FetchAndAdd>},
    {"sdk-go/update_accept_and_complete_and_exit.json", &with<UpdateAndExit>},
    {"sdk-go/update_with_protocol_message_command.json", &with<SleepsInUpdate>},
    {"sdk-core/evict_while_la_running_no_interference-16_history.bin", &with<EvictedWhileBusy>},
    {"sdk-core/long_local_activity_with_update-0_history.bin", &with<UpdatedWhileBusy>},
    {"sdk-core/long_local_activity_with_update-2_history.bin", &with<UpdatedWhileBusy>},
    {"sdk-typescript/otel_1_11_3.json", &with<HandlesLate>},
    {"sdk-typescript/otel_smorgasbord_1_13_1.json", &with<Smorgasbord>},
    {"sdk-dotnet/multi-complete-fail-after.post-dotnet-flag.json", &with<AfterComplete>},
    {"sdk-dotnet/multi-signal-order.pre-dotnet-flag.json", &with<MultiSignalOrder>},
    {"sdk-dotnet/update-after-complete.post-core-flag.json", &with<AfterComplete>},
    {"sdk-dotnet/update-after-complete.pre-dotnet-flag.json", &with<AfterComplete>},

    // Nondeterminism, and where.
    {"sdk-go/non_deterministic_update.json", &with<SleepsNoMore>,
     "at event 6 of workflow NonDeterministicUpdate"},
    {"sdk-go/bad-continue-as-new.json", &with<Returns>,
     "at event 5 of workflow ContinueAsNewWorkflow"},
    {"sdk-go/bad-local-activity.json", &with<OneLocalActivity>,
     "at event 5 of workflow LocalActivityWorkflow"},
    {"sdk-dotnet/replayer-test.nondeterministic.json", &with<Unfaithful>,
     "at event 5 of workflow SayHelloWorkflow"},
    // Go sends a timer and its cancellation in one task; here what is cancelled before it was sent
    // is never sent.
    {"sdk-go/cancel-timer-after-activity.json", &with<CancelAtOnce>,
     "history says TimerStarted (timer id '5'), the code issued ScheduleActivityTask"},

    {"sdk-go/bad-search-attribute.json", &with<UpsertsAttributes>,
     "at event 12 of workflow UpsertSearchAttributesWorkflow"},

    // Markers of other SDKs.
    {"sdk-go/bad-history-2.json", &with<Idle>, "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-go/local-activity.json", &with<Idle>, "event 5, MarkerRecorded (marker 'LocalActivity')"},
    {"sdk-go/mutable-side-effect.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'MutableSideEffect')"},
    {"sdk-go/nexus-cancel-after-start.json", &with<Idle>, "event 5, NexusOperationScheduled"},
    {"sdk-go/nexus-cancel-before-sent.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'MutableSideEffect')"},
    {"sdk-go/parallel-side-effect.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'SideEffect')"},
    {"sdk-go/version-loop-workflow-10.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-go/version-loop-workflow-unkown-version-flag.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-go/workflow1.json", &with<Idle>, "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-go/workflow_with_unknown_event.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-java/get_version_after_scope_cancellation.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-java/laSuccessfulCompletion_1_17.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'LocalActivity')"},
    {"sdk-java/testGetHistoryLength.json", &with<Idle>,
     "event 11, MarkerRecorded (marker 'LocalActivity')"},
    {"sdk-java/testGetVersionHistory.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-java/testGetVersionInterleavedUpdateReplayWaitForMarkerHistory.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-java/testGetVersionMultithreadingRemoveHistory.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'Version')"},
    {"sdk-java/testMultipleLargeGetVersionInSignalsHistory.json", &with<Idle>,
     "MarkerRecorded (marker 'Version')"},
    {"sdk-java/testUnknownHistoryEventMayNotIgnore.json", &with<Idle>,
     "event 5, MarkerRecorded (marker 'LocalActivity')"},

    // What this engine does not have.
    {"sdk-java/testCancelNexusOperationHistory.json", &with<Idle>,
     "event 5, NexusOperationScheduled"},
    {"sdk-java/testParallelWorkflowOperationTestHistory.json", &with<Idle>,
     "event 5, NexusOperationScheduled"},
    {"sdk-java/testLocalActivityAfterCancelTest.json", &with<ChildIsCancelled>,
     "event 20, MarkerRecorded (marker 'LocalActivity')"},
};

std::span<const Row> rows() { return kRows; }

TEST_CASE("recorded histories of other SDKs replay, or are refused for the reason given") {
  if (!testing::corpus_present("replay of recorded histories")) return;
  for (const auto& row : kRows) {
    CAPTURE(row.file);
    const auto path = testing::corpus_folder() / row.file;
    if (!std::filesystem::exists(path)) {
      testing::skipped(std::string("history ") + row.file + " is absent");
      continue;
    }
    const auto history = engine::load_history(path);
    Module module;
    row.workflow(
        module,
        history.events(0).workflow_execution_started_event_attributes().workflow_type().name());
    const auto result = engine::replay(module, history);
    if (!*row.refused) {
      CHECK_MESSAGE(result.ok, result.message);
    } else {
      CHECK_FALSE(result.ok);
      CHECK_MESSAGE(result.message.find(row.refused) != std::string::npos, result.message);
      CHECK(result.event_id > 0);
    }
  }
}

// The event that a command became, turned into what another command would have become.
void alter(engine::HistoryEvent& event) {
  namespace enums = api::enums::v1;
  const auto type = event.event_type();
  if (engine::patch_marker_of(event)) {  // anything else in its place answers patched() with false
    auto& details = *event.mutable_marker_recorded_event_attributes()->mutable_details();
    details["patch_id"].mutable_payloads(0)->set_data("another");
    return;
  }
  event.clear_attributes();
  if (type == enums::EVENT_TYPE_TIMER_STARTED) {
    event.set_event_type(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
  } else if (engine::is_terminal_event(type) &&
             type != enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) {
    event.set_event_type(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED);
  } else {
    event.set_event_type(enums::EVENT_TYPE_TIMER_STARTED);
  }
}

TEST_CASE("a recorded history with any one command event altered is refused at that event") {
  if (!testing::corpus_present("altered histories")) return;
  int altered = 0;
  for (const auto& row : kRows) {
    const auto path = testing::corpus_folder() / row.file;
    if (*row.refused || !std::filesystem::exists(path)) continue;
    const auto good = engine::load_history(path);
    Module module;
    row.workflow(
        module,
        good.events(0).workflow_execution_started_event_attributes().workflow_type().name());
    for (int i = 0; i < good.events_size(); ++i) {
      if (!engine::is_command_event(good.events(i).event_type())) continue;
      CAPTURE(row.file);
      auto history = good;
      alter(*history.mutable_events(i));
      const auto result = engine::replay(module, history);
      CHECK_FALSE(result.ok);
      CHECK_MESSAGE(result.event_id == i + 1, result.message);
      CHECK(result.message.starts_with("[TMPRL1100]"));
      ++altered;
    }
  }
  CHECK(altered > 50);
}

TEST_CASE("every recorded history has its line in the table") {
  if (!testing::corpus_present("the table of recorded histories")) return;
  std::map<std::string, int> lines;
  for (const auto& row : kRows) ++lines[row.file];
  for (const auto& path : testing::corpus_files())
    CHECK_MESSAGE(lines[std::filesystem::relative(path, testing::corpus_folder()).string()] == 1,
                  path.string());
}

}  // namespace corpus
