import { failure, statusCodes } from './grpc-status.js'
import type { MessageProblem } from './message-reader.js'

const { deadlineExceeded, internal, resourceExhausted, unimplemented } = statusCodes

/** How calls end that no handler answered. */
export const failures = {
  unknownMethod: failure(unimplemented, 'this service does not have this method'),
  badTimeout: failure(internal, 'grpc-timeout cannot be read'),
  deadline: failure(deadlineExceeded, 'the deadline has passed'),
  handler: failure(internal, 'the handler failed'),
  noMessage: failure(internal, 'the call ended without a message'),
  partOfMessage: failure(internal, 'the call ended within a message'),
  secondMessage: failure(internal, 'this method takes one message'),
} as const

export const messageFailures: Readonly<Record<MessageProblem, ReturnType<typeof failure>>> = {
  compressed: failure(unimplemented, 'compressed messages are not read here: send them as they are', [
    ['grpc-accept-encoding', 'identity'],
  ]),
  flags: failure(internal, 'a message has flags that do not exist'),
  tooLarge: failure(resourceExhausted, 'the message is larger than allowed'),
  tooMuchHeld: failure(resourceExhausted, 'too many messages of this connection are unfinished'),
}
