// A client: starts the hello workflow, waits, prints its result. Arguments: NAME and TASK QUEUE.
#include <cstdlib>
#include <iostream>
#include <temporal/client.hpp>

int main(int argc, char** argv) {
  const char* address = std::getenv("TEMPORAL_ADDRESS");
  const char* name = argc > 1 ? argv[1] : "World";
  const char* queue = argc > 2 ? argv[2] : "hello";
  try {
    auto client = temporal::Client::connect({.address = address ? address : "127.0.0.1:7233"});
    auto handle = client.start<std::string>("SayHello", {.task_queue = queue}, name);
    std::cerr << "started workflow " << handle.id() << "\n";
    std::cout << handle.result() << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
