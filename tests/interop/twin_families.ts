// SPDX-License-Identifier: MIT
// Workflows of tests/e2e/modules/families.cpp for TypeScript's replayer.
import {
  CancellationScope, ChildWorkflowCancellationType, condition, defineSignal, executeChild, getExternalWorkflowHandle,
  isCancellation, setHandler, startChild,
} from '@temporalio/workflow';

interface Plan {
  id: string;
  what?: string;
  on_cancel?: 'wait_completed' | 'wait_requested' | 'try_cancel' | 'abandon';
}

const go = defineSignal<[string]>('go');

const WAYS = {
  wait_completed: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  wait_requested: ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
  try_cancel: ChildWorkflowCancellationType.TRY_CANCEL,
  abandon: ChildWorkflowCancellationType.ABANDON,
};

function child(plan: Plan) {
  return { workflowId: plan.id, args: [plan.what ?? 'echo'], cancellationType: WAYS[plan.on_cancel ?? 'wait_completed'] };
}

export async function Execute(plan: Plan): Promise<string> {
  return await executeChild('Kid', child(plan));
}

export async function CancelKid(plan: Plan): Promise<string> {
  let left = false;
  setHandler(defineSignal('leave'), () => void (left = true));
  const scope = new CancellationScope();
  let outcome: string;
  try {
    const kid = await scope.run(() => startChild('Kid', child(plan)));
    scope.cancel();
    outcome = await kid.result();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    outcome = 'cancelled';
  }
  await condition(() => left);
  return outcome;
}

export async function SignalKid(plan: Plan): Promise<string> {
  const kid = await startChild('Kid', child({ ...plan, what: 'wait for more' }));
  await kid.signal(go, 'early ');
  await kid.signal(go, 'late');
  return await kid.result();
}

export async function SignalOther(id: string, word: string): Promise<string> {
  await getExternalWorkflowHandle(id).signal(go, word);
  return 'signalled';
}

export async function CancelOther(id: string): Promise<string> {
  await getExternalWorkflowHandle(id).cancel();
  return 'asked';
}
