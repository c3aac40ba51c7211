// A worker as a program of your own: hello.cpp is linked in, the flags are temporal-supervisor's.
#include <temporal/worker.hpp>

void hello(temporal::Module& m);

int main(int argc, char** argv) { return temporal::run_worker(argc, argv, {hello}); }
