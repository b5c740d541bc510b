export const trackNames = [
  'message',
  'json',
  'content-type',
  'name-header',
  'uri',
  'target',
  'check-request',
  'decision',
] as const
export type TrackName = (typeof trackNames)[number]

export type HeaderList = readonly (readonly [name: string, value: string])[]

/** What one iteration tries. What the bytes are depends on the track: a body, a header value, a message of the gateway. */
export interface FuzzInput {
  readonly track: TrackName
  /** Only messages have headers. */
  readonly headers: HeaderList
  readonly bytes: Uint8Array
}

/** What came of an input. */
export interface Judged {
  /** A reason code, or what stands for an acceptance. */
  readonly outcome: string
  /** The oracles that were asked. */
  readonly asked: readonly string[]
  readonly disagreement: Disagreement | undefined
}

export interface Disagreement {
  readonly oracle: string
  readonly detail: string
}
