import assert from 'node:assert/strict';

/** The error that `promise` fails with; it must be of this `kind`. */
export async function failure(promise, kind) {
  const error = await promise.then(
    () => assert.fail('this should have failed'),
    (caught) => caught,
  );
  assert.ok(error instanceof kind, `${error}`);
  return error;
}
