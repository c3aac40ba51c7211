// SPDX-License-Identifier: MIT
// The workflows of tests/examples/hello.cpp, errand.cpp, household.cpp, talks.cpp and tests/histories/workflows.cpp once more, for
// TypeScript's replayer: what ours recorded must fit the commands that these issue. Dice has no twin: each SDK rolls dice of its own.
// Those of tests/e2e/modules have files of their own.
import {
  ActivityCancellationType, ActivityFailure, ApplicationFailure, CancellationScope, condition, continueAsNew,
  defineQuery, defineSignal, defineUpdate, deprecatePatch, getExternalWorkflowHandle, isCancellation, patched,
  proxyActivities, setHandler, sleep, startChild, upsertMemo, upsertSearchAttributes,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';

export * from './twin_families';
export * from './twin_locals';

type Greeter = (name: string) => Promise<string>;

const quick = proxyActivities<{
  say_hello: Greeter;
  greet: Greeter;
  decline: () => Promise<number>;
  await_file: (file: string) => Promise<void>;
}>({ startToCloseTimeout: '10s' });

const vain = proxyActivities<{ say_hello: Greeter }>({
  startToCloseTimeout: '10s',
  taskQueue: 'nobody-there',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

const held = proxyActivities<{ hold: () => Promise<void> }>({
  startToCloseTimeout: '1m',
  heartbeatTimeout: '2s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export async function SayHello(name: string): Promise<string> {
  return await quick.say_hello(name);
}

export async function Errand(name: string): Promise<string> {
  let next = '';
  setHandler(defineSignal<[string]>('visit'), (visitor) => void (next = visitor));
  const first = await quick.say_hello(name);
  await sleep('100ms');
  await condition(() => next !== '');
  return `${first} ${await quick.say_hello(next)}`;
}

export async function Greeting(name: string): Promise<string> {
  return await quick.greet(name);
}

export async function Declined(): Promise<number> {
  return await quick.decline();
}

export async function Reminder(seconds: number): Promise<string> {
  let note = '';
  setHandler(defineSignal<[string]>('tell'), (told) => void (note = told));
  return (await condition(() => note !== '', seconds * 1000)) ? note : 'nobody came';
}

export async function Trip(): Promise<void> {
  let cancelled: unknown;
  try {
    await sleep('1h');
  } catch (error) {
    cancelled = error;
  }
  await CancellationScope.nonCancellable(() => quick.greet('cleaner'));
  if (cancelled) throw cancelled;
}

export async function Holding(): Promise<string> {
  let letGo = false;
  setHandler(defineSignal('let_go'), () => void (letGo = true));
  const scope = new CancellationScope();
  const running = scope.run(() => held.hold());
  await condition(() => letGo);
  scope.cancel();
  try {
    await running;
  } catch (error) {
    if (error instanceof ActivityFailure) return isCancellation(error) ? 'let go' : 'lost';
    throw error;
  }
  return 'held to the end';
}

export async function Rounds(round: number): Promise<number> {
  await sleep('10ms');
  if (round < 3) await continueAsNew<typeof Rounds>(round + 1);
  return round;
}

export async function Errands(): Promise<number> {
  const errand = async (i: number): Promise<number> => {
    await sleep(30 - 10 * i);
    return (await quick.greet('x'.repeat(i))).length;
  };
  const lengths = await Promise.all([0, 1, 2].map(errand));
  return lengths.reduce((sum, length) => sum + length, 0);
}

export async function Ledger(): Promise<number> {
  let total = 0;
  let closed = false;
  setHandler(defineUpdate<number, [number]>('add_now'), (n) => (total += n));
  setHandler(defineUpdate<number, [number]>('add'), async (n) => {
    await quick.say_hello(String(n));
    return (total += n);
  }, {
    validator: (n) => {
      if (n < 0) throw new Error('no negative numbers');
    },
  });
  setHandler(defineUpdate<void, [number]>('add_later'), async (n) => {
    await sleep('50ms');
    total += n;
  });
  setHandler(defineUpdate<void>('refuse'), () => {
    throw ApplicationFailure.create({ message: 'not today' });
  });
  setHandler(defineQuery<number>('total'), () => total);
  setHandler(defineSignal('close'), () => void (closed = true));
  await condition(() => closed);
  return total;
}

// CancellationScope.withTimeout would leave its timer running.
export async function InTime(name: string): Promise<string> {
  const timing = new CancellationScope();
  const working = new CancellationScope();
  timing.run(() => sleep('1m')).then(() => working.cancel(), () => undefined);
  const greeting = await working.run(() => quick.say_hello(name));
  timing.cancel();
  return greeting;
}

export async function TooLate(): Promise<string> {
  try {
    await CancellationScope.withTimeout('100ms', () => vain.say_hello('nobody'));
  } catch (error) {
    if (isCancellation(error)) return 'late';
    throw error;
  }
  return 'in time';
}

export async function Race(name: string): Promise<string> {
  const timing = new CancellationScope();
  const timer = timing.run(() => sleep('1h')).catch(() => 'nobody');
  const first = await Promise.race([quick.say_hello(name), timer]);
  timing.cancel();
  return String(first);
}

export async function Shielded(): Promise<string> {
  let paid = false;
  setHandler(defineSignal<[string]>('pay'), async (file) => {
    await CancellationScope.nonCancellable(() => quick.await_file(file));
    paid = true;
  });
  try {
    await sleep('1h');
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  await CancellationScope.nonCancellable(() => condition(() => paid));
  return 'paid';
}

export async function Household(name: string): Promise<string> {
  const eat = defineSignal<[string]>('eat');
  if (patched('allowance')) upsertMemo({ allowance: 5 });
  upsertSearchAttributes([{ key: defineSearchAttributeKey('HouseholdName', 'KEYWORD'), value: name }]);
  const first = await startChild('Kid', { workflowId: `${name}-first` });
  await first.signal(eat, 'bread');
  let story: string = await first.result();
  const scope = new CancellationScope();
  const second = await scope.run(() => startChild('Kid', { workflowId: `${name}-second` }));
  scope.cancel();
  try {
    await second.result();
  } catch (error) {
    story += ', none for the second';
  }
  const nobody = getExternalWorkflowHandle(`${name}-nobody`);
  try {
    await nobody.signal(eat, 'cake');
  } catch (error) {
    story += ', no third';
  }
  try {
    await nobody.cancel();
  } catch (error) {
    story += ' at all';
  }
  deprecatePatch('curfew');
  upsertMemo({ allowance: null });
  return story;
}

export async function Drops(how: 'try' | 'wait' | 'abandon'): Promise<string> {
  const { linger } = proxyActivities<{ linger: () => Promise<void> }>({
    startToCloseTimeout: '1m',
    heartbeatTimeout: '2s',
    cancellationType: {
      try: ActivityCancellationType.TRY_CANCEL,
      wait: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      abandon: ActivityCancellationType.ABANDON,
    }[how],
  });
  let stop = false;
  setHandler(defineSignal('stop'), () => void (stop = true));
  const scope = new CancellationScope();
  const lingering = scope.run(() => linger());
  await condition(() => stop);
  scope.cancel();
  try {
    await lingering;
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  await sleep(10);
  return 'dropped';
}
