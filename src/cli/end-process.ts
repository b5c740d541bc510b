/** What the end of a process needs of it. */
export interface EndingProcess {
  readonly stdout: { readonly writableLength: number }
  readonly stderr: { readonly writableLength: number }
  exit(): unknown
}

/**
 * Ends a process that is done but does not end by itself, such as by a request to a collector that never answers. As long
 * as something is still being written, it waits. Its exit code stays.
 * @param graceMs time to end by itself, in milliseconds. Default 250
 */
export function endProcess(ending: EndingProcess, graceMs = 250): void {
  const timer = setTimeout(() => {
    if (ending.stdout.writableLength + ending.stderr.writableLength === 0) ending.exit()
    else timer.refresh()
  }, graceMs)
  // It does not keep the process itself.
  timer.unref()
}
