// SPDX-License-Identifier: MIT
// refused: a Task<> is workflow code: an activity is a plain function (a child process or a thread) or an asio::awaitable<> (a loop thread)
#include <temporal/module.hpp>

#ifdef REFUSED
temporal::Task<int> charge(int cents) { co_return cents; }
#else
boost::asio::awaitable<int> charge(int cents) { co_return cents; }
#endif

void shop(temporal::Module& m) { m.activity<charge>(); }
