import type { Child } from './child-process.js'

/** An MCP server that runs as a child process. */
export interface McpServer {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** `http://127.0.0.1:<port>/mcp` */
  readonly url: string
  readonly child: Child
  stop(): Promise<void>
}

/** Waits until a program is ready; one that never is is stopped before the error goes on. Default time-out as `Child`. */
export async function readyOrStopped(
  child: Child,
  isReady: () => boolean | Promise<boolean>,
  timeoutMs?: number,
): Promise<void> {
  try {
    await child.waitUntilReady(isReady, timeoutMs)
  } catch (cause) {
    await child.stop()
    throw cause
  }
}
