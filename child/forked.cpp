// SPDX-License-Identifier: MIT
#include "child/forked.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <memory>
#include <system_error>
#include <thread>

#include "child/confine.hpp"
#include "child/crash_handler.hpp"
#include "child/executor.hpp"
#include "child/lifeline.hpp"
#include "child/modules.hpp"
#include "child/processes.hpp"
#include "shared/homes.hpp"
#include "shared/module_loader.hpp"

namespace temporal::child {
namespace {

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Before it touches memory of its own: that comes from the node of this core then.
void stay_on(const std::optional<int>& core) {
  if (!core) return;
  const int cores = *core + 1;
  cpu_set_t* set = CPU_ALLOC(cores);
  if (!set) return;
  const auto bytes = CPU_ALLOC_SIZE(cores);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(*core, bytes, set);
  // A core that was taken away meanwhile: it runs where it may.
  ::sched_setaffinity(0, bytes, set);
  CPU_FREE(set);
}

// All children start as copies of one process: of one random state, too.
void reseed() {
  unsigned seed = static_cast<unsigned>(::getpid());
  (void)!::getrandom(&seed, sizeof seed, 0);
  std::srand(seed);
  ::srandom(seed);
}

void keep_only_needed(const std::vector<std::unique_ptr<Place>>& places,
                      const std::vector<int>& of_modules) {
  std::vector<int> keep = of_modules;
  for (const auto& place : places)
    for (const int fd : place->descriptors()) keep.push_back(fd);
  std::sort(keep.begin(), keep.end());
  close_all_but(keep);
}

// The first place is this thread's, each other has one of its own. Returns when all were told to leave.
void serve(const std::vector<std::unique_ptr<Place>>& places, const v1::Ready& ready,
           const Module& module, const ProcessLimits& limits) {
  const auto run = [&](Place& place) {
    const int code = place.serve(ready, module, limits);
    if (code != kExitQuit) ::_exit(code);
  };
  // None is ready before all can be.
  std::latch all_there(1);
  std::vector<std::thread> threads;
  try {
    for (auto place = places.begin() + 1; place != places.end(); ++place)
      threads.emplace_back([&run, &all_there, place = place->get()] {
        all_there.wait();
        const CrashHandler crash_handler(place->crash());
        run(*place);
      });
  } catch (const std::system_error& error) {
    std::fprintf(
        stderr,
        "no thread for each of the %zu tasks of a child: %s; raise the limit of processes and "
        "threads (pids.max, ulimit -u), or lower --tasks-per-child\n",
        places.size(), error.what());
    ::_exit(kExitArena);
  }
  all_there.count_down();
  run(*places.front());
  for (auto& thread : threads) thread.join();
}

}  // namespace

void become_child(const ChildDescriptors& descriptors, const ForkedOptions& options) {
  if (!tie_to_parent(options.zygote, SIGKILL)) ::_exit(kExitArena);
  ::setpgid(0, 0);
  // What an activity's own children leave behind comes back here and not to a neighbour.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  reset_signals();
  stay_on(options.core);
  reseed();
  ::dup2(descriptors.output.get(), STDOUT_FILENO);
  ::dup2(descriptors.output.get(), STDERR_FILENO);
  // A pipe is fully buffered otherwise, and what is in the buffer dies with the process.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
}

// Of children and supervisor, a child is what the kernel should take, and the supervisor must get a core to see a death. Both are
// wishes: a system that refuses them runs activities all the same.
void become_expendable(int nice, int oom_score_adj) {
  add_oom_score_adj(oom_score_adj);
  if (nice != 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nice);
}

std::vector<ipc::UniqueFd*> ChildDescriptors::in_order() {
  std::vector<ipc::UniqueFd*> all{&output};
  for (auto& place : places)
    for (auto* fd : {&place.down, &place.up, &place.ear, &place.supervisor_bell, &place.bulk})
      all.push_back(fd);
  return all;
}

void serve_as_child(ChildDescriptors descriptors, const ForkedOptions& options,
                    const Loaded& loaded) {
  std::vector<std::unique_ptr<Place>> places;
  for (auto& of_place : descriptors.places) {
    places.push_back(Place::open(std::move(of_place), options.largest_bulk));
    if (!places.back()) ::_exit(kExitArena);
  }
  descriptors.output.reset();
  keep_only_needed(places, loaded.descriptors);
  const CrashHandler crash_handler(places.front()->crash());  // before the hooks: theirs go first
  become_expendable(options.nice, options.oom_score_adj);
  const auto lacking = confine();
  if (options.tells && !lacking.empty()) std::fprintf(stderr, "%s\n", lacking.c_str());

  try {
    run_hooks(loaded.module.child_start_hooks(), "on_child_start");
  } catch (const ModuleError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(kExitModule);
  }

  v1::Ready ready;
  ready.set_layout_version(ipc::kLayoutVersion);
  ready.set_fingerprint(loaded.fingerprint);
  for (const auto& object : loaded.objects) to_proto(object, ready.add_objects());
  ready.set_pid(::getpid());
  serve(places, ready, loaded.module, options.limits);

  try {
    run_hooks(loaded.module.child_stop_hooks(), "on_child_stop");
  } catch (const ModuleError& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  // Not exit(): objects belong to the zygote, which made them.
  ::_exit(kExitQuit);
}

}  // namespace temporal::child
