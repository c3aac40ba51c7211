#include <temporal/activity.hpp>
#include <temporal/module.hpp>

namespace activity = temporal::activity;

// Runs in a child process; what it counts is read at the worker's /metrics.
int render(activity::Context& ctx, int pages) {
  for (int page = 0; page < pages; ++page)
    ctx.metrics().counter("pages_rendered", 1, {{"format", "pdf"}});
  return pages;
}

void pages(temporal::Module& m) { m.activity<render>(); }
TEMPORAL_EXPORT_MODULE(pages);
