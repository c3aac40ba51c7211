// SPDX-License-Identifier: MIT
// Replays histories with TypeScript's replayer: node judge.js FILE... One line of JSON each: {"file", "accepted", "message"}.
const fs = require('fs');
const path = require('path');
const { bundleWorkflowCode, DefaultLogger, Runtime, Worker } = require('@temporalio/worker');

async function main(files) {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: path.join(__dirname, 'twins.js') });
  for (const file of files) {
    let verdict = { file, accepted: true, message: '' };
    try {
      await Worker.runReplayHistory({ workflowBundle }, JSON.parse(fs.readFileSync(file, 'utf8')));
    } catch (error) {
      verdict = { file, accepted: false, message: String(error.message) };
    }
    console.log(JSON.stringify(verdict));
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
