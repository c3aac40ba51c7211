// SPDX-License-Identifier: MIT
// A shared object, but no module: it exports nothing that a worker could call.
int nothing_to_serve() { return 0; }
