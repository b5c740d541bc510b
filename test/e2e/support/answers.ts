import { z } from 'zod'
import type { RawAnswer } from '../../../src/demo/raw-post.js'

const ErrorAnswer = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]).optional(),
  error: z.object({
    code: z.number(),
    message: z.string(),
    data: z.looseObject({ reason: z.string(), decisionId: z.string().optional() }),
  }),
})

const ResultAnswer = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]),
  result: z.looseObject({
    isError: z.boolean().optional(),
    content: z.array(z.looseObject({ text: z.string().optional() })).optional(),
  }),
})

/** The JSON-RPC error that a body holds. Throws when it holds something else. */
export function errorOf({ body }: Pick<RawAnswer, 'body'>): z.infer<typeof ErrorAnswer>['error'] {
  return ErrorAnswer.parse(JSON.parse(body)).error
}

/** The JSON-RPC result that a body holds, plain or as the only event of a stream. Throws when it holds something else. */
export function resultOf({ body }: Pick<RawAnswer, 'body'>): z.infer<typeof ResultAnswer>['result'] {
  const event = body.split('\n').find(line => line.startsWith('data: '))
  return ResultAnswer.parse(JSON.parse(event?.slice('data: '.length) ?? body)).result
}

/** Our header that names the decision. Throws when it is not there, or twice. */
export function decisionIdOf({ headers }: Pick<RawAnswer, 'headers'>): string {
  return z.uuid().parse(headers['x-mcp-authz-decision-id'])
}
