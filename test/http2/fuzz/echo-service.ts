import type {
  BidiStream,
  CallContext,
  GrpcService,
  ServerStream,
  UnaryHandler,
} from '../../../src/doors/grpc/grpc-transport.js'

export const paths = {
  unary: '/fuzz.Echo/Unary',
  later: '/fuzz.Echo/Later',
  metadata: '/fuzz.Echo/Metadata',
  split: '/fuzz.Echo/Split',
  talk: '/fuzz.Echo/Talk',
  talkLater: '/fuzz.Echo/TalkLater',
} as const

const later = () => new Promise<void>(resolve => setImmediate(resolve))

/** What `Split` answers: pieces of a third, and what is left. */
export function splitMessage(message: Buffer): Buffer[] {
  const size = Math.max(1, Math.floor(message.length / 3))
  const pieces: Buffer[] = []
  for (let at = 0; at < message.length; at += size) pieces.push(message.subarray(at, at + size))
  return pieces
}

/** What `Metadata` answers: the first value of each key that the message names, a line for each. */
export function metadataAnswer(message: Buffer, metadata: (name: string) => string | undefined): Buffer {
  const names = message.toString('latin1').split('\n')
  return Buffer.from(names.map(name => metadata(name) ?? '(none)').join('\n'), 'latin1')
}

async function talkLater(stream: BidiStream, message: Buffer): Promise<void> {
  await later()
  await stream.send(message)
}

/** Every kind of method; each says what it hears, so that it is known to the octet what comes back. */
export const echoService: GrpcService = {
  unary: new Map<string, UnaryHandler>([
    [paths.unary, message => message],
    [paths.later, message => later().then(() => message)],
    [paths.metadata, (message, context: CallContext) => metadataAnswer(message, name => context.metadata(name))],
  ]),
  serverStreams: new Map([
    [
      paths.split,
      (message: Buffer, _context: CallContext, stream: ServerStream) => {
        for (const piece of splitMessage(message)) stream.send(piece)
        stream.end()
      },
    ],
  ]),
  bidiStreams: new Map([
    [
      paths.talk,
      (stream: BidiStream) => ({
        onMessage: (message: Buffer) => stream.send(message),
        onEnd: () => stream.end(),
      }),
    ],
    [
      paths.talkLater,
      (stream: BidiStream) => ({
        onMessage: (message: Buffer) => talkLater(stream, message),
        onEnd: () => stream.end(),
      }),
    ],
  ]),
}
