// SPDX-License-Identifier: MIT
// refused: a catch-all takes the name and the raw arguments: (std::string, temporal::Payloads)
#include <string>
#include <temporal/module.hpp>

struct Cart {
  temporal::Task<> run() { co_return; }
  void add(int) {}
  void any(std::string, temporal::Payloads) {}
};

void shop(temporal::Module& m) {
#ifdef REFUSED
  m.workflow<Cart>().dynamic_signal<&Cart::add>();
#else
  m.workflow<Cart>().dynamic_signal<&Cart::any>();
#endif
}
