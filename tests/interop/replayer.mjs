// SPDX-License-Identifier: MIT
// TypeScript's replayer as a filter: names of history files in, a line of JSON for each out. {"ok": true}, or false with the
// reason. Run by the node of build/interop; the SDK is found in TEMPORAL_INTEROP.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const home = process.env.TEMPORAL_INTEROP;
const { DefaultLogger, Runtime, Worker } = createRequire(path.join(home, 'package.json'))('@temporalio/worker');

// Its core would log to stdout, which is ours.
Runtime.install({
  logger: new DefaultLogger('ERROR', (entry) => process.stderr.write(`${entry.message}\n`)),
  telemetryOptions: { logging: { filter: 'off', forward: {} } },
});

async function* histories() {
  for await (const file of readline.createInterface({ input: process.stdin }))
    yield { workflowId: path.basename(file, '.json'), history: JSON.parse(await readFile(file, 'utf8')) };
}

const options = {
  workflowsPath: path.join(path.dirname(fileURLToPath(import.meta.url)), 'twin.ts'),
  bundlerOptions: {
    webpackConfigHook: (config) => {
      config.resolve.modules = [path.join(home, 'node_modules'), ...(config.resolve.modules ?? ['node_modules'])];
      return config;
    },
  },
};

for await (const { error } of Worker.runReplayHistories(options, histories()))
  process.stdout.write(`${JSON.stringify(error ? { ok: false, reason: String(error.message) } : { ok: true })}\n`);
