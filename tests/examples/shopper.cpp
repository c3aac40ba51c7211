// Fills a cart and pays. Arguments: the cart's ID and the TASK QUEUE of a worker that serves shop.cpp.
#include <cstdlib>
#include <iostream>
#include <temporal/client.hpp>

#include "shop.hpp"

int main(int argc, char** argv) {
  const char* address = std::getenv("TEMPORAL_ADDRESS");
  const char* id = argc > 1 ? argv[1] : "cart-42";
  const char* queue = argc > 2 ? argv[2] : "shop";
  try {
    auto client = temporal::Client::connect({.address = address ? address : "127.0.0.1:7233"});
    auto cart = client.start<Cart>({.id = id, .task_queue = queue});
    int total = cart.update<&Cart::add>(Item{"tea", 2});  // waits for what the handler returns
    try {
      cart.update<&Cart::add>(Item{"milk", 0});
    } catch (const temporal::UpdateFailedError& refused) {
      std::cout << "no milk: " << refused.cause()->message() << "\n";
    }
    std::cout << total << " item, the cart says " << cart.query<&Cart::total_items>() << "\n";
    cart.signal<&Cart::check_out>();
    std::cout << cart.result() << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
