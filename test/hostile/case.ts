import { z } from 'zod'

/**
 * One hostile (or merely odd) request. The files in corpus/ hold arrays of these and nothing else, so that other projects
 * can read them without us; README.md describes the format.
 */
const text = z.string().min(1)

/** A body as text (sent as UTF-8), as bytes, or put together from repeated pieces where it would be too long to write. */
const body = z.union([
  z.string(),
  z.strictObject({ base64: z.string() }),
  z.strictObject({ repeat: z.array(z.tuple([z.string(), z.int().min(0).max(5_000_000)])).min(1) }),
])

const request = z.strictObject({
  /** Default POST. */
  method: text.optional(),
  /** Raw, sent as it is. Default: the endpoint of the server. */
  path: z.string().optional(),
  /** Raw, behind the "?". */
  query: z.string().optional(),
  /** Default: that of the endpoint. */
  authority: z.string().optional(),
  /**
   * Sent beside the defaults, in this order; a name may repeat. `{token}` stands for a valid token. Defaults are
   * content-type (of a POST), accept and authorization (a valid bearer token). Each character of a value is one byte.
   */
  headers: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Names of defaults that are not sent. A default that `headers` names too is replaced. */
  without: z.array(text).optional(),
  body: body.optional(),
})

const denied = z.strictObject({
  deny: z.string().regex(/^[a-z]+\.[a-z_]+$/),
  /** HTTP status. Default: not compared. */
  status: z.int().optional(),
})
const allowed = z.strictObject({
  allow: z.literal(true),
  /** What every server that takes the message must have read. Absent: only that it arrived. */
  read: z
    .strictObject({ method: text, name: text.optional(), arguments: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  /** Headers that must not arrive with the value that the client sent. */
  cleaned: z.array(text).optional(),
})
/** The gateway itself answers, with one of these statuses (0: it closes or resets), and nobody is asked. */
const stopped = z.strictObject({ gateway: z.array(z.int()).min(1) })
const expectation = z.union([denied, allowed, stopped])
const number = z.int().min(0)
const version = z.templateLiteral([number, '.', number, '.', number])
/** What comes of it, over HTTP/1.1 and HTTP/2, where the gateway is older than a fix. */
const unfixed = z.strictObject({
  /** CVE, advisory or issue. */
  source: text,
  /** Of each line that was fixed, the first version with the fix; later lines have it as well. */
  fixedIn: z.tuple([version], version),
  expect: expectation,
})

export const hostileCase = z
  .strictObject({
    /** Kebab-case, unique over all files. */
    name: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
    /** Who would read it differently, or what would happen; one sentence. */
    why: text,
    /** CVE, advisory, issue, or section of a specification. */
    source: text,
    /** Which Server of the corpus' own policies it is sent to. Default `open`: every tool is given to everybody known. */
    server: text.optional(),
    request: request.optional(),
    /** Instead of `request`: a whole HTTP/1.1 request, with `{host}` and `{token}`; sent as it is, through Envoy only. */
    raw: z.string().optional(),
    /** What we say when the request reaches us as it is written. */
    expect: expectation,
    /** Where a gateway changes the request or answers on its own, what comes of it there. */
    envoy: z
      .strictObject({ http1: expectation.optional(), http2: expectation.optional(), unfixed: unfixed.optional() })
      .optional(),
    /** Absent: over both. */
    over: z
      .array(z.enum(['http1', 'http2']))
      .min(1)
      .optional(),
  })
  .refine(one => (one.request === undefined) !== (one.raw === undefined), 'needs one of request and raw')

export type HostileCase = z.output<typeof hostileCase>
export type HostileBody = z.output<typeof body>
export type Expectation = z.output<typeof expectation>
