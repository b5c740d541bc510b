import { extAuthzService } from '../../../src/doors/ext-authz/ext-authz-door.js'
import { Http2Connection } from '../http2-connection.js'
import { closedLoop, openLoop } from '../load.js'
import { Http1Connection } from './http1-connection.js'
import type { LoadOrder } from './load-process.js'

// A load generator in a process of its own, so that nothing of the benchmark's work is in the latencies: it takes one order
// after the other from its parent, and answers each with the result.
process.on('message', async (order: LoadOrder) => {
  const body = Buffer.from(order.message, 'base64')
  const connections = await Promise.all(
    Array.from({ length: order.connections }, () =>
      order.protocol === 'grpc'
        ? Http2Connection.open(order.port, `/${extAuthzService}/Check`)
        : Http1Connection.open(order.port, Buffer.from(order.expected, 'base64')),
    ),
  )
  const traffic = { next: () => body, expectedCode: 0 }
  const result =
    order.perSecond === undefined
      ? await closedLoop(connections, 1, traffic, order)
      : await openLoop(connections, order.perSecond, traffic, order)
  for (const connection of connections) connection.close()
  const wrongAnswers = connections.flatMap(one => (one instanceof Http1Connection ? [one.wrongAnswer] : []))
  process.send?.({ ...result, wrongAnswer: wrongAnswers.find(answer => answer !== '') ?? '' })
})
process.on('disconnect', () => process.exit())
