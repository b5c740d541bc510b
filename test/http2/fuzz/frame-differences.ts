import type { FrameOutcome } from './tracks/frames.js'

/** Where node:http2 (nghttp2) and we answer a frame that is out of place in different ways, each for a reason. */
export interface FrameDifference {
  readonly deviations: readonly string[]
  readonly states: readonly string[]
  readonly ours: FrameOutcome
  readonly node: FrameOutcome
  readonly why: string
}

const onStream = [
  'DATA of nothing',
  'DATA',
  'DATA that ends',
  'DATA with padding',
  'HEADERS of nothing',
  'HEADERS that end',
  'HEADERS that do not end',
  'HEADERS that depend on themselves',
  'trailers that end',
  'trailers that do not end',
]
const malformedData = ['DATA with too much padding', 'DATA with padding of nothing']
const present = ['open', 'in a message', 'half-closed', 'reset by the client', 'ended']
const everywhere = ['idle', ...present]

export const frameDifferences: readonly FrameDifference[] = [
  {
    deviations: [...onStream, ...malformedData],
    states: ['ended'],
    ours: 'connection error',
    node: 'accepted',
    why: 'RFC 9113 §5.1: more on a stream that both have ended is a connection error STREAM_CLOSED; nghttp2 has forgotten the stream and ignores it',
  },
  {
    deviations: onStream,
    states: ['reset by the client'],
    ours: 'stream error',
    node: 'accepted',
    why: 'RFC 9113 §5.1: who has sent RST_STREAM must not send more; nghttp2 ignores it',
  },
  {
    deviations: malformedData,
    states: ['reset by the client'],
    ours: 'connection error',
    node: 'accepted',
    why: 'RFC 9113 §4.2, §6.1: a malformed frame is malformed wherever it is; nghttp2 does not look at DATA that it ignores',
  },
  {
    deviations: onStream,
    states: ['half-closed'],
    ours: 'stream error',
    node: 'connection error',
    why: 'RFC 9113 §5.1: more behind END_STREAM is a stream error STREAM_CLOSED; nghttp2 ends the connection, which is allowed (§5.4.2)',
  },
  {
    deviations: ['HEADERS on an older stream'],
    states: present,
    ours: 'connection error',
    node: 'accepted',
    why: 'RFC 9113 §5.1.1: ids must grow; nghttp2 takes it for a stream that it has forgotten',
  },
  {
    deviations: ['PING that was not asked for', 'SETTINGS acknowledged once too often'],
    states: everywhere,
    ours: 'accepted',
    node: 'connection error',
    why: 'the RFC does not forbid it, and it is counted; Node ends the connection',
  },
  {
    deviations: ['PRIORITY of a wrong length', 'PRIORITY of itself'],
    states: present,
    ours: 'stream error',
    node: 'connection error',
    why: 'RFC 9113 §6.3, RFC 7540 §5.3.1: stream errors; nghttp2 ends the connection, which is allowed (§5.4.2)',
  },
  {
    deviations: ['HEADERS that depend on themselves'],
    states: ['idle'],
    ours: 'stream error',
    node: 'connection error',
    why: 'RFC 7540 §5.3.1: a stream error; Node ends the connection',
  },
  {
    deviations: ['WINDOW_UPDATE of nothing', 'WINDOW_UPDATE that is too much'],
    states: ['open', 'in a message', 'half-closed'],
    ours: 'stream error',
    node: 'connection error',
    why: 'RFC 9113 §6.9, §6.9.1: stream errors; Node ends the connection as well',
  },
]
