export type InTime<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly late: boolean; readonly error: unknown }

/** The value, or that it failed, or that it was not there within `ms`. Never rejects. */
export function inTime<T>(pending: Promise<T>, ms: number): Promise<InTime<T>> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve({ ok: false, late: true, error: undefined }), ms)
    pending.then(
      value => {
        clearTimeout(timer)
        resolve({ ok: true, value })
      },
      error => {
        clearTimeout(timer)
        resolve({ ok: false, late: false, error })
      },
    )
  })
}
