/**
 * What a handler may know of the call beside its bytes. It is the call itself in some transports: hand it on as a whole, its
 * methods do not work on their own.
 */
export interface CallContext {
  /** Milliseconds since the epoch at which the caller stops waiting; undefined when it did not say. */
  readonly deadline: number | undefined
  /** Address of the peer of this connection (the gateway, not its client); "" on unix sockets and once it has gone. */
  readonly peer: string
  /** True once the caller gave up or went away; an answer is then thrown away. */
  cancelled(): boolean
  /** First value of an ASCII metadata key; undefined when absent. Read on demand, because most calls need none. */
  metadata(name: string): string | undefined
}

/**
 * Answers one call. Bytes in and bytes out, so that the codec, and above all the answer to bytes that do not decode,
 * stays with the door. Must not throw or reject: what escapes becomes a gRPC error, which some gateways let pass.
 */
export type UnaryHandler = (message: Buffer, context: CallContext) => Uint8Array | Promise<Uint8Array>

/** The answering side of a server stream. */
export interface ServerStream {
  send(message: Uint8Array): void
  end(): void
  /** Called once, when the caller has gone or the stream has ended. */
  onClose(listener: () => void): void
}

export type ServerStreamHandler = (message: Buffer, context: CallContext, stream: ServerStream) => void

/** The answering side of a stream in both directions. */
export interface BidiStream {
  /**
   * Hands a message over, in order. A promise says that much is waiting to leave: settle it before you send more. It
   * resolves when there is room again, and when the stream closes; it never rejects. Messages after the end are dropped.
   */
  send(message: Uint8Array): undefined | Promise<void>
  /** Ends the stream with status OK behind what was sent. What the caller still says is not handed over. */
  end(): void
  /** Called once, when the caller has gone, for whatever reason, or the stream has ended. Gateways go by cancelling. */
  onClose(listener: () => void): void
}

/** What hears the caller of a stream. Must not throw or reject, as {@link UnaryHandler}. */
export interface BidiReceiver {
  /** One at a time and in order: the next message waits until a promise is settled, and so, in the end, does the caller. */
  onMessage(message: Buffer): undefined | Promise<void>
  /** The caller says no more, and may still listen. */
  onEnd(): void
}

export type BidiStreamHandler = (stream: BidiStream, context: CallContext) => BidiReceiver

/** Methods by full path, e.g. `/envoy.service.auth.v3.Authorization/Check`. */
export interface GrpcService {
  readonly unary: ReadonlyMap<string, UnaryHandler>
  readonly serverStreams?: ReadonlyMap<string, ServerStreamHandler>
  readonly bidiStreams?: ReadonlyMap<string, BidiStreamHandler>
}

export type BoundAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** gRPC as the doors see it, so that the library beneath can be replaced. */
export interface GrpcTransport {
  /** Opens the listener. Rejects when the address, a socket file or a certificate cannot be used. */
  start(): Promise<BoundAddress>
  /**
   * Stops accepting, tells peers to go elsewhere and waits for calls in flight, streams in both directions among them.
   * Resolves to the number of calls that were cut off after `limitMs`.
   */
  drain(limitMs: number): Promise<number>
  /** Ends everything at once. Safe to call at any time, also twice. */
  stop(): Promise<void>
}
