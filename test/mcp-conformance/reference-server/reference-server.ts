/** An MCP server that has what the conformance scenarios look for, at `/mcp` of its origin. */
export interface ReferenceServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  stop(): Promise<void>
}
