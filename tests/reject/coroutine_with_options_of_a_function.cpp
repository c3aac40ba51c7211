// SPDX-License-Identifier: MIT
// refused: no matching
// refused: function for call to
// refused: CoroutineRegistration
#include <temporal/module.hpp>

boost::asio::awaitable<int> charge(int cents) { co_return cents; }

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.activity<charge>(temporal::ActivityRegistration{.name = "charge"});
#else
  m.activity<charge>(temporal::CoroutineRegistration{.name = "charge"});
#endif
}
