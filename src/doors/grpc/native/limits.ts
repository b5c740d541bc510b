/** So many at once, and so many per second after that. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** Where a connection or a stream ends. One place, so that they can be seen together; tests set their own. */
export interface Limits {
  /** Field lists, as RFC 9113 §6.5.2 counts; told to the peer. Longer ones: RESOURCE_EXHAUSTED. */
  readonly headerListBytes: number
  /** A header block on the wire. No list within its limit needs more; beyond it nothing is decoded (HPACK bombs, CVE-2016-6581). */
  readonly headerBlockBytes: number
  /** CONTINUATION frames of a block (CVE-2024-27316). Gateways need none for what a list may hold, clients a few. */
  readonly continuations: number
  /** How long a header block, or the preface with its SETTINGS and the answer to ours, may take. Milliseconds. */
  readonly handshakeMs: number
  /**
   * Streams that their peer resets before they were answered: rapid reset (CVE-2023-44487). Streams that end well earn as many.
   * Gateways cancel what takes too long, and where an API server is slow that is everything: the limit is far above what one
   * connection of a gateway asks. What keeps this attack small is another limit: a handler that outlives its stream still counts
   * against the streams that may be open.
   */
  readonly resets: Rate
  /**
   * Streams that end by an error of their peer, and those beyond the limit: errors provoked in order to have us reset (CVE-2025-8671,
   * CVE-2019-9514). Gateways make none.
   */
  readonly errors: Rate
  /** Frames on streams that we have ended before their peer had. Each such stream earns what may have been on its way. */
  readonly late: Rate
  /** SETTINGS frames (CVE-2019-9515). A peer sends one, and rarely another. */
  readonly settings: Rate
  /** PING frames (CVE-2019-9512). Data and requests earn more: some clients measure the line with a ping for what they send. */
  readonly pings: Rate
  /** WINDOW_UPDATE and RST_STREAM frames of streams that are gone; what we send earns more. */
  readonly updates: Rate
  /** PRIORITY frames (CVE-2019-9513), and frames of types that we do not know. */
  readonly ignored: Rate
  /** DATA frames without data, with padding or without, that end nothing (CVE-2019-9518). */
  readonly emptyData: Rate
  /** Bytes of messages that have not ended, or wait for a busy handler, over all streams of a connection; at least one message. */
  readonly heldBytes: number
  /** Bytes that wait to be sent over all streams of a connection; beyond it the connection ends (slow readers, CVE-2019-9511). */
  readonly queuedBytes: number
  /** How long the line may take nothing while we have something for it. Milliseconds. */
  readonly stallMs: number
  /** How long nothing may come until we ask whether anybody is there, with a PING; Infinity: never. Milliseconds. */
  readonly keepAliveMs: number
  /** How long an answer to that may take. Milliseconds. */
  readonly keepAliveAnswerMs: number
  /**
   * The window of the connection. Twice what Node reads of a socket in one turn of the event loop (32 times 64 KiB): what we say of it
   * may wait until that is over, and what comes must not. Bytes.
   */
  readonly connectionWindow: number
  /** The window of a stream grows to this while a message comes that needs it. Bytes. */
  readonly messageWindow: number
}

export const defaultLimits: Limits = {
  headerListBytes: 64 * 1024,
  headerBlockBytes: 128 * 1024,
  continuations: 16,
  handshakeMs: 10_000,
  resets: { burst: 5000, perSecond: 2500 },
  errors: { burst: 200, perSecond: 100 },
  late: { burst: 2000, perSecond: 1000 },
  settings: { burst: 50, perSecond: 10 },
  pings: { burst: 200, perSecond: 50 },
  updates: { burst: 2000, perSecond: 2000 },
  ignored: { burst: 500, perSecond: 200 },
  emptyData: { burst: 100, perSecond: 10 },
  heldBytes: 128 * 1024 * 1024,
  queuedBytes: 64 * 1024 * 1024,
  stallMs: 30_000,
  keepAliveMs: 60_000,
  keepAliveAnswerMs: 20_000,
  connectionWindow: 4 * 1024 * 1024,
  messageWindow: 1024 * 1024,
}
