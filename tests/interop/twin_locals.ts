// SPDX-License-Identifier: MIT
// Workflows of tests/e2e/modules/locals.cpp for TypeScript's replayer. A side effect of ours is, in history, a local activity.
import {
  ActivityCancellationType, ApplicationFailure, CancellationScope, condition, defineSignal, defineUpdate, isCancellation,
  proxyLocalActivities, setHandler, sleep,
} from '@temporalio/workflow';

interface Activities {
  in_child: () => Promise<string>;
  on_thread: () => Promise<string>;
  on_loop: () => Promise<string>;
  nothing: () => Promise<void>;
  nobody: () => Promise<string | null>;
  echo: (text: string) => Promise<string>;
  side_effect: () => Promise<number>;
  slow: (ms: number) => Promise<string>;
  flaky: (n: number) => Promise<number>;
  refuses: () => Promise<void>;
}

const local = proxyLocalActivities<Activities>({ startToCloseTimeout: '10s' });

export async function Homes(): Promise<string[]> {
  return [await local.in_child(), await local.on_thread(), await local.on_loop()];
}

export async function Kinds(): Promise<string> {
  await local.nothing();
  const none = await local.nobody();
  const sides = await Promise.all([local.echo('side'), local.echo('by side')]);
  return `${sides.join(' ')} ${none === null ? 'none' : 'some'}${await local.side_effect()}`;
}

export async function Raced(activityMs: number, timerMs: number): Promise<string> {
  return await Promise.race([local.slow(activityMs).then(() => 'activity'), sleep(timerMs).then(() => 'timer')]);
}

export async function Flaky(n: number, thresholdMs: number): Promise<number> {
  const { flaky } = proxyLocalActivities<Activities>({
    startToCloseTimeout: '10s', retry: { initialInterval: '20ms' }, localRetryThreshold: thresholdMs,
  });
  return await flaky(n);
}

// What a local activity throws comes as it is here; ours wraps it as that of a remote one.
export async function Fails(): Promise<string> {
  try {
    await local.refuses();
  } catch (error) {
    if (error instanceof ApplicationFailure) return error.message;
    throw error;
  }
  return 'no failure';
}

export async function Long(ms: number): Promise<string> {
  let poked = 0;
  setHandler(defineSignal('poke'), () => void poked++);
  setHandler(defineUpdate<number, [number]>('add'), (n) => (poked += n));
  return `${await local.slow(ms)}, ${poked} pokes`;
}

export async function Cancels(how: 'try' | 'wait' | 'abandon'): Promise<string> {
  const { slow } = proxyLocalActivities<Activities>({
    startToCloseTimeout: '60s',
    cancellationType: {
      try: ActivityCancellationType.TRY_CANCEL,
      wait: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      abandon: ActivityCancellationType.ABANDON,
    }[how],
  });
  let stop = false;
  setHandler(defineSignal('stop'), () => void (stop = true));
  const scope = new CancellationScope();
  const running = scope.run(() => slow(3000));
  await condition(() => stop);
  scope.cancel();
  let ended = 'returned';
  try {
    await running;
  } catch (error) {
    ended = isCancellation(error) ? 'cancelled' : 'failed';
  }
  await sleep(1);
  return ended;
}
