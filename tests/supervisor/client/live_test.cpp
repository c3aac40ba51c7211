// SPDX-License-Identifier: MIT
// One file though it is long: its cases share a dev server, which takes seconds to start.
// The public client against the real dev server, with a worker in this process.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include "temporal/client.hpp"
#include "temporal/replayer.hpp"
#include "temporal/worker.hpp"
#include "temporal/workflow.hpp"
#include "tests/support/dev_server.hpp"

using namespace std::chrono_literals;
using namespace temporal;

// Adds up what it is told until it is closed.
class Till {
 public:
  explicit Till(int sum) : sum_(sum) {}  // what comes with the start is handled before run()
  Task<int> run(int) {
    co_await workflow::wait_condition([&] { return closed_ || next_; });
    if (next_) workflow::continue_as_new<Till>({}, sum_ + 1000);
    co_return sum_;
  }
  void put(int amount) { sum_ += amount; }
  void close() { closed_ = true; }
  void next() { next_ = true; }

  int sum() const { return sum_; }
  int broken() const { throw ApplicationError("no drawer", {.type = "Broken"}); }
  std::string scroll(int size) const { return std::string(static_cast<std::size_t>(size), 'x'); }

  Task<int> add(int amount) { co_return sum_ += amount; }
  void check_add(const int& amount) const {
    if (amount < 0) throw ApplicationError("only more", {.type = "Negative"});
  }
  Task<int> at_least(int amount) {
    co_await workflow::wait_condition([this, amount] { return sum_ >= amount; });
    co_return sum_;
  }
  int refuse() { throw ApplicationError("not today", {.type = "Refused"}); }

 private:
  int sum_;
  bool closed_ = false;
  bool next_ = false;
};

// What another build calls a Till.
struct SlowTill {
  Task<int> run(int sum) {
    co_await workflow::sleep(1h);
    co_return sum;
  }
  int sum() const { return 0; }
};

const std::string& server_address();

// An activity of a till's, on a thread of this process.
int pay_in(std::string till, int amount) {
  auto client = Client::connect({.address = server_address()});
  return client.handle<int>(till).update<int>("add", amount);
}

struct PaidTill {
  Task<int> run(int amount) {
    co_return co_await workflow::execute_activity<pay_in>({.start_to_close_timeout = 30s},
                                                          workflow::info().workflow_id, amount);
  }
  int add(int amount) { return sum += amount; }
  int sum = 0;
};

namespace {

void till(Module& m) {
  m.activity<pay_in>();
  m.workflow<PaidTill>().update<&PaidTill::add>();
  m.workflow<Till>()
      .signal<&Till::put>()
      .signal<&Till::close>()
      .signal<&Till::next>()
      .query<&Till::sum>()
      .query<&Till::broken>()
      .query<&Till::scroll>()
      .update<&Till::add, &Till::check_add>()
      .update<&Till::at_least>()
      .update<&Till::refuse>();
}

void slow_till(Module& m) { m.workflow<SlowTill>({.name = "Till"}).query<&SlowTill::sum>(); }

// Each byte moved on by so many.
class Caesar final : public PayloadCodec {
 public:
  explicit Caesar(int key) : key_(key) {}
  Payloads encode(Payloads payloads) override { return moved(std::move(payloads), key_); }
  Payloads decode(Payloads payloads) override { return moved(std::move(payloads), -key_); }

 private:
  static Payloads moved(Payloads payloads, int by) {
    for (auto& payload : payloads)
      for (auto& byte : payload.data) byte = static_cast<char>(byte + by);
    return payloads;
  }
  const int key_;
};

void sealed_till(Module& m) {
  till(m);
  m.codec<Caesar>(3);
}

// For as long as it lives.
class Serving {
 public:
  explicit Serving(const std::string& queue, ModuleFunction module = till)
      : worker_({.address = server_address(),
                 .task_queue = queue,
                 .own_modules = {module},
                 .activity_executor = Executor::threads}),
        thread_([this] { worker_.run(); }) {}
  ~Serving() {
    worker_.stop();
    thread_.join();
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

 private:
  Worker worker_;
  std::thread thread_;
};

Client client() { return Client::connect({.address = server_address()}); }

template <class Error, class Call>
Error thrown(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing of this kind was thrown");
  throw std::logic_error("not reached");
}

template <class Error>
std::string type_of_cause(const Error& error) {
  const auto* cause = dynamic_cast<const ApplicationError*>(error.cause().get());
  return cause ? cause->type() : "not an ApplicationError";
}

bool says(const std::exception& error, std::string_view part) {
  INFO(error.what());
  return std::string_view(error.what()).find(part) != std::string_view::npos;
}

}  // namespace

const std::string& server_address() {
  static const test::DevServer server;
  static const std::string address = server.address();
  return address;
}

TEST_CASE("C003 C004 C005 a workflow is told, asked and changed by the methods of its class") {
  const Serving serving("talk");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "talk"}, 1);
  CHECK(run.update<&Till::add>(2) == 3);
  run.signal<&Till::put>(4);
  CHECK(run.query<&Till::sum>() == 7);
  run.signal<&Till::close>();
  CHECK(run.result() == 7);
  CHECK(run.query<&Till::sum>() == 7);
}

TEST_CASE("CL2 an id that is in use gives its run, or makes room, as its starter wants") {
  const Serving serving("conflicts");
  auto c = client();
  const auto first = c.start<Till>({.id = "conflicts-1", .task_queue = "conflicts"}, 1);
  const auto same = c.start<Till>(
      {.id = "conflicts-1", .task_queue = "conflicts", .id_conflict = IdConflict::use_existing},
      100);
  CHECK(same.update<&Till::add>(2) == 3);
  const auto other = c.start<Till>({.id = "conflicts-1",
                                    .task_queue = "conflicts",
                                    .id_conflict = IdConflict::terminate_existing},
                                   100);
  CHECK(other.run_id() != first.run_id());
  CHECK(other.update<&Till::add>(2) == 102);
  other.signal<&Till::close>();
  CHECK(other.result() == 102);
  const auto again = [&](IdReuse reuse) {
    return c.start<Till>({.id = "conflicts-1", .task_queue = "conflicts", .id_reuse = reuse}, 5);
  };
  CHECK(says(thrown<WorkflowAlreadyStartedError>([&] { again(IdReuse::reject_duplicate); }),
             "conflicts-1"));
  again(IdReuse::allow_duplicate).terminate();
}

TEST_CASE("P005 a client and a worker with the same codec understand each other, others do not") {
  const Serving serving("codec", sealed_till);
  auto knowing =
      Client::connect({.address = server_address(), .codecs = {std::make_shared<Caesar>(3)}});
  const auto run = knowing.start<Till>({.task_queue = "codec"}, 1);
  CHECK(run.update<&Till::add>(2) == 3);
  run.signal<&Till::put>(4);
  CHECK(run.query<&Till::sum>() == 7);
  CHECK(type_of_cause(thrown<UpdateFailedError>([&] { run.update<&Till::add>(-1); })) ==
        "Negative");
  run.signal<&Till::close>();
  CHECK(run.result() == 7);
  auto blind = client();
  CHECK_THROWS_AS((void)blind.handle<Till>(run.id()).result(), DecodeError);
  // The replayer has the module's own.
  const Replayer replayer({.own_modules = {sealed_till}});
  CHECK(replayer.replay(blind.handle<Till>(run.id()).fetch_history()).ok);
}

TEST_CASE("C003 C004 C005 and by names, by whoever knows no more than them") {
  const Serving serving("names");
  auto c = client();
  const auto id = c.start<int>("Till", {.task_queue = "names"}, 1).id();
  const auto run = c.handle<int>(id);
  CHECK(run.update<int>("add", 2) == 3);
  run.update("add", {.id = "once"}, 2);
  run.update("add", {.id = "once"}, 2);
  run.signal("put", 4);
  CHECK(run.query<int>("sum") == 9);
  run.signal("close");
  CHECK(run.result() == 9);
}

TEST_CASE("C003 a signal that finds no workflow starts it, and is there before its first step") {
  const Serving serving("signal-start");
  auto c = client();
  const StartOptions options{.id = "signal-start", .task_queue = "signal-start"};
  const auto first = c.signal_with_start<&Till::put>(options, std::tuple{1}, 5);
  const auto second = c.signal_with_start<&Till::put>(options, std::tuple{100}, 6);
  second.signal<&Till::close>();
  CHECK(first.result() == 12);
  CHECK(second.result() == 12);
  CHECK_FALSE(first.run_id().empty());
}

TEST_CASE("C012 Q002 Q003 a query that fails says why") {
  const Serving serving("failing-query");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "failing-query"}, 1);
  CHECK(says(thrown<QueryFailedError>([&] { (void)run.query<int>("total"); }),
             "no query 'total'; known queries: "));
  const auto broken = thrown<QueryFailedError>([&] { (void)run.query<&Till::broken>(); });
  CHECK(type_of_cause(broken) == "Broken");
  CHECK(says(broken, "no drawer"));
  run.terminate();
}

TEST_CASE("Q008 a query is put to open workflows only, if its caller says so") {
  const Serving serving("reject");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "reject"}, 1);
  const QueryOptions open_only{.reject = QueryReject::not_open};
  const QueryOptions clean_only{.reject = QueryReject::not_completed_cleanly};
  CHECK(run.query<&Till::sum>(open_only) == 1);
  run.signal<&Till::close>();
  (void)run.result();
  CHECK(thrown<QueryRejectedError>([&] { (void)run.query<&Till::sum>(open_only); }).status() ==
        WorkflowStatus::completed);
  CHECK(run.query<&Till::sum>(clean_only) == 1);
  const auto ended = c.start<Till>({.task_queue = "reject"}, 1);
  CHECK(ended.query<&Till::sum>() == 1);
  ended.terminate("enough");
  CHECK(thrown<QueryRejectedError>([&] { (void)ended.query<&Till::sum>(clean_only); }).status() ==
        WorkflowStatus::terminated);
}

TEST_CASE("Q009 an answer that is too large fails the query, and the workflow does not notice") {
  const Serving serving("large");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "large"}, 1);
  CHECK_THROWS_AS((void)run.query<&Till::scroll>(3 << 20), QueryFailedError);
  CHECK(run.query<&Till::scroll>(3) == "xxx");
  run.signal<&Till::close>();
  CHECK(run.result() == 1);
}

TEST_CASE("Q010 without a worker a query is told that nobody answers") {
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "nobody"}, 1);
  CHECK_THROWS_AS((void)run.query<&Till::sum>({.timeout = 300ms}), QueryTimeoutError);
  run.terminate();
}

TEST_CASE("Q011 a run that the code does not fit answers with that") {
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "changed"}, 1);
  {
    const Serving serving("changed");
    CHECK(run.query<&Till::sum>() == 1);
    run.signal<&Till::close>();
    (void)run.result();
  }
  const Serving serving("changed", slow_till);
  CHECK(says(thrown<QueryFailedError>([&] { (void)run.query<&Till::sum>({.timeout = 30s}); }),
             "[TMPRL1100]"));
}

TEST_CASE("Q016 a handle of a start talks to the newest run of the chain, one with a run to that") {
  const Serving serving("chain");
  auto c = client();
  const auto run = c.start<Till>({.id = "chain", .task_queue = "chain"}, 1);
  run.signal<&Till::next>();
  const auto first = c.handle<Till>("chain", run.run_id());
  while (first.describe().status == WorkflowStatus::running) std::this_thread::yield();
  CHECK(first.describe().status == WorkflowStatus::continued_as_new);
  CHECK(run.query<&Till::sum>() == 1001);
  CHECK(first.query<&Till::sum>() == 1);
  CHECK(run.update<&Till::add>(1) == 1002);
  CHECK_THROWS_AS((void)first.update<&Till::add>(1), WorkflowNotFoundError);
  run.cancel("done with it");
  const auto failure = thrown<WorkflowFailedError>([&] { (void)run.result(); });
  CHECK(dynamic_cast<const Cancelled*>(failure.cause().get()));
  CHECK(run.run_id() == first.run_id());
}

TEST_CASE("D011 D013 an update is accepted first; whoever has its id gets its outcome") {
  const Serving serving("stages");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "stages"}, 1);
  const auto update = run.start_update<&Till::at_least>({.id = "five"}, 5);
  const auto same = c.handle<Till>(run.id()).update_handle<&Till::at_least>("five");
  CHECK_THROWS_AS((void)same.result(50ms), UpdateTimeoutError);
  run.signal<&Till::put>(4);
  CHECK(update.result() == 5);
  CHECK(same.result() == 5);
  run.terminate();
}

TEST_CASE("C012 D003 D004 an update that is turned down, or fails, says why") {
  const Serving serving("failing-update");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "failing-update"}, 1);
  CHECK(type_of_cause(thrown<UpdateFailedError>([&] { (void)run.update<&Till::add>(-1); })) ==
        "Negative");
  CHECK(type_of_cause(thrown<UpdateFailedError>([&] { (void)run.update<&Till::refuse>(); })) ==
        "Refused");
  const auto started = run.start_update<&Till::add>({}, -1);
  CHECK(type_of_cause(thrown<UpdateFailedError>([&] { (void)started.result(); })) == "Negative");
  CHECK(run.update<&Till::add>(1) == 2);
  run.terminate();
}

TEST_CASE("D014 an update whose caller had no time is still done, and asked for by its id") {
  const Serving serving("late-update");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "late-update"}, 1);
  const UpdateOptions hurried{.id = "five", .timeout = 300ms};
  CHECK_THROWS_AS((void)run.update<&Till::at_least>(hurried, 5), UpdateTimeoutError);
  run.signal<&Till::put>(4);
  CHECK(run.update<&Till::at_least>({.id = "five"}, 5) == 5);
  run.terminate();
}

TEST_CASE("D015 what was started is not mistaken for a later workflow of its id") {
  const Serving serving("guard");
  auto c = client();
  const StartOptions options{.id = "guard", .task_queue = "guard"};
  const auto first = c.start<Till>(options, 1);
  first.terminate();
  const auto second = c.start<Till>(options, 2);
  CHECK_THROWS_AS((void)first.update<&Till::add>(1), WorkflowNotFoundError);
  CHECK_THROWS_AS(first.cancel(), WorkflowNotFoundError);
  CHECK_THROWS_AS(first.terminate(), WorkflowNotFoundError);
  CHECK(second.update<&Till::add>(1) == 3);
  second.terminate();
}

TEST_CASE("D020 D029 a workflow that is over takes no update, and still tells of those it had") {
  const Serving serving("over");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "over"}, 1);
  CHECK(run.update<&Till::add>({.id = "before"}, 1) == 2);
  const auto unfinished = run.start_update<&Till::at_least>({}, 100);
  run.signal<&Till::close>();
  CHECK(run.result() == 2);
  CHECK(says(thrown<WorkflowNotFoundError>([&] { (void)run.update<&Till::add>(1); }), "is over"));
  CHECK(run.update_handle<&Till::add>("before").result() == 2);
  CHECK(type_of_cause(thrown<UpdateFailedError>([&] { (void)unfinished.result(); })) ==
        "AcceptedUpdateCompletedWorkflow");
  CHECK_THROWS_AS((void)run.update_handle<int>("never").result(), WorkflowNotFoundError);
}

TEST_CASE("D026 updates and continue-as-new do not hold up each other") {
  const Serving serving("busy-chain");
  auto c = client();
  const auto run = c.start<Till>({.task_queue = "busy-chain"}, 1);
  for (int round = 1; round <= 5; ++round) {
    run.signal<&Till::next>();
    run.update<&Till::add>(1);
  }
  run.signal<&Till::close>();
  const int sum = run.result();
  CHECK(sum > 1000);
  CHECK(sum % 1000 == 6);
}

TEST_CASE("D027 a workflow is updated by its own activity") {
  const Serving serving("paid");
  auto c = client();
  CHECK(c.start<PaidTill>({.task_queue = "paid"}, 7).result() == 7);
}

TEST_CASE(
    "C006 a workflow is described, listed, terminated, and its history fetched and replayed") {
  const Serving serving("inspect");
  auto c = client();
  const auto run = c.start<Till>({.id = "inspected", .task_queue = "inspect"}, 1);
  CHECK(run.update<&Till::add>(2) == 3);
  const auto open = run.describe();
  CHECK(open.id == "inspected");
  CHECK(open.run_id == run.run_id());
  CHECK(open.type == "Till");
  CHECK(open.task_queue == "inspect");
  CHECK(open.status == WorkflowStatus::running);
  CHECK_FALSE(open.close_time);
  run.terminate("seen enough", std::string("all of it"));
  const auto failure = thrown<WorkflowFailedError>([&] { (void)run.result(); });
  CHECK(dynamic_cast<const TerminatedError*>(failure.cause().get()));
  CHECK(failure.cause()->message() == "seen enough");
  const auto closed = run.describe();
  CHECK(closed.status == WorkflowStatus::terminated);
  REQUIRE(closed.close_time);
  CHECK(*closed.close_time >= closed.start_time);

  const auto history = run.fetch_history();
  CHECK(history.size() == static_cast<std::size_t>(closed.history_length));
  CHECK(history.workflow_id() == "inspected");
  CHECK(history.workflow_type() == "Till");
  const Replayer replayer({.own_modules = {till}});
  CHECK(replayer.replay(history).message == "");
  const Replayer changed({.own_modules = {slow_till}});
  CHECK(changed.replay(history).message.find("[TMPRL1100]") == 0);

  std::vector<WorkflowDescription> found;
  while (found.empty()) found = c.list("WorkflowId = 'inspected' AND ExecutionStatus != 'Running'");
  CHECK(found.front().status == WorkflowStatus::terminated);
  CHECK(found.front().run_id == run.run_id());
  CHECK_THROWS_AS((void)c.list("Colour = 'red'"), ClientError);
}

TEST_CASE("C012 what is not there, and what is there already, have errors of their own") {
  auto c = client();
  const auto nobody = c.handle<Till>("nobody-of-that-name");
  CHECK_THROWS_AS(nobody.signal<&Till::close>(), WorkflowNotFoundError);
  CHECK_THROWS_AS((void)nobody.query<&Till::sum>(), WorkflowNotFoundError);
  CHECK_THROWS_AS((void)nobody.update<&Till::add>(1), WorkflowNotFoundError);
  CHECK_THROWS_AS(nobody.cancel(), WorkflowNotFoundError);
  CHECK_THROWS_AS(nobody.terminate(), WorkflowNotFoundError);
  CHECK_THROWS_AS((void)nobody.describe(), WorkflowNotFoundError);
  CHECK_THROWS_AS((void)nobody.fetch_history(), WorkflowNotFoundError);
  CHECK_THROWS_AS((void)nobody.result(), WorkflowNotFoundError);

  const auto run = c.start<Till>({.id = "taken", .task_queue = "taken"}, 1);
  CHECK(says(thrown<WorkflowAlreadyStartedError>(
                 [&] { (void)c.start<Till>({.id = "taken", .task_queue = "taken"}, 1); }),
             run.run_id()));
  run.terminate();
}
