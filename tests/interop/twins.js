// SPDX-License-Identifier: MIT
// tests/examples/hello.cpp and errand.cpp in another language: what those record, these must be able to replay.
const { condition, defineSignal, proxyActivities, setHandler, sleep } = require('@temporalio/workflow');

const { say_hello } = proxyActivities({ startToCloseTimeout: '10s' });
const visit = defineSignal('visit');

exports.SayHello = async function SayHello(name) {
  return await say_hello(name);
};

exports.Errand = async function Errand(name) {
  let next = '';
  setHandler(visit, (named) => {
    next = named;
  });
  const first = await say_hello(name);
  await sleep(100);
  await condition(() => next !== '');
  const second = await say_hello(next);
  return `${first} ${second}`;
};
