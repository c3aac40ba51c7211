// A farm: a workflow cuts work that only costs CPU into parts, and children do them, one each at a time. Twice the `--children`
// (up to the cores of the machine) is half the time; a part that crashes is done again.
#include <temporal/module.hpp>
#include <temporal/workflow.hpp>
#include <vector>

using namespace std::chrono_literals;
namespace workflow = temporal::workflow;

int count_primes(int from, int to) {
  int primes = 0;
  for (int n = from < 2 ? 2 : from; n < to; ++n) {
    bool prime = true;
    for (int d = 2; prime && d <= n / d; ++d) prime = n % d != 0;
    primes += prime;
  }
  return primes;
}

struct CountPrimes {
  temporal::Task<int> run(int limit, int parts) {
    std::vector<workflow::Future<int>> counts;
    for (int part = 0; part < parts; ++part) {
      const int from = limit / parts * part;
      const int to = part + 1 == parts ? limit : limit / parts * (part + 1);
      counts.push_back(
          workflow::execute_activity<count_primes>({.start_to_close_timeout = 60s}, from, to));
    }
    int primes = 0;
    for (auto& count : counts) primes += co_await count;
    co_return primes;
  }
};

void farm(temporal::Module& m) {
  m.activity<count_primes>();
  m.workflow<CountPrimes>();
}
TEMPORAL_EXPORT_MODULE(farm);
