import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  isSpecType,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { text } from './plain-results.js'

type Request = Parameters<typeof inputRequired>[0]['inputRequests']
type Answer = InputRequiredResult | { content: ReturnType<typeof text>[] }

function askText(message: string, property: string) {
  const requestedSchema = { type: 'object' as const, properties: { [property]: { type: 'string' as const } } }
  return inputRequired.elicit({ message, requestedSchema: { ...requestedSchema, required: [property] } })
}

const askName = askText('What is your name?', 'name')
const askRoots = inputRequired.listRoots()
const askModel = (prompt: string) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 })
const askConfirmation = inputRequired.elicit({
  message: 'Please confirm',
  requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
})

/** Answers with `says` when every one of `requests` has an answer of its kind; else asks for all of them, once more. */
function askFor(requests: NonNullable<Request>, { mcpReq }: ServerContext, says: string): Answer {
  const answered = Object.keys(requests).every(key => inputResponse(mcpReq.inputResponses, key).kind !== 'missing')
  return answered ? { content: [text(says)] } : inputRequired({ inputRequests: requests })
}

/** Whether the client says in this request that it can do that. */
export function declares({ mcpReq }: ServerContext, capability: 'sampling' | 'elicitation'): boolean {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {}
  const capabilities = envelope[CLIENT_CAPABILITIES_META_KEY]
  return isSpecType.ClientCapabilities(capabilities) && capabilities[capability] !== undefined
}

/** Tools of 2026-07-28 whose first answer asks for more (SEP-2322). Undefined: it is none of them. */
export async function askingToolResult(
  name: string,
  context: ServerContext,
  states: RequestStateCodec<string>,
): Promise<Answer | undefined> {
  const { mcpReq } = context
  const state = mcpReq.requestState<string>()
  const done = (says: string) => ({ content: [text(says)] })
  switch (name) {
    case 'test_streaming_elicitation':
    case 'test_input_required_result_elicitation':
      return askFor({ user_name: askName }, context, 'Hello!')
    case 'test_input_required_result_sampling':
      return askFor({ capital_question: askModel('What is the capital of France?') }, context, 'Thank you.')
    case 'test_input_required_result_list_roots':
      return askFor({ client_roots: askRoots }, context, 'Thank you.')
    case 'test_input_required_result_request_state':
    case 'test_input_required_result_tampered_state':
      if (state === 'confirm' && acceptedContent(mcpReq.inputResponses, 'confirm')) return done('state-ok')
      return inputRequired({
        inputRequests: { confirm: askConfirmation },
        requestState: await states.mint('confirm', context),
      })
    case 'test_input_required_result_multiple_inputs': {
      const inputRequests = { user_name: askName, greeting: askModel('Greet'), client_roots: askRoots }
      const answer = askFor(inputRequests, context, 'Thank you.')
      return 'content' in answer ? answer : { ...answer, requestState: await states.mint('three', context) }
    }
    case 'test_input_required_result_multi_round':
      if (state === 'second' && acceptedContent(mcpReq.inputResponses, 'step2')) return done('Thank you.')
      if (state === 'first' && acceptedContent(mcpReq.inputResponses, 'step1')) {
        const step2 = askText('What is your favorite color?', 'color')
        return inputRequired({ inputRequests: { step2 }, requestState: await states.mint('second', context) })
      }
      return inputRequired({
        inputRequests: { step1: askName },
        requestState: await states.mint('first', context),
      })
    case 'test_input_required_result_capabilities': {
      const inputRequests = {
        ...(declares(context, 'sampling') && { greeting: askModel('Greet') }),
        ...(declares(context, 'elicitation') && { user_name: askName }),
      }
      return askFor(inputRequests, context, 'Thank you.')
    }
    default:
      return undefined
  }
}

/** A prompt that asks for its context first. */
export function askingPromptResult({ mcpReq }: ServerContext) {
  const context = acceptedContent(mcpReq.inputResponses, 'user_context')
  if (context === undefined)
    return inputRequired({ inputRequests: { user_context: askText('What is the context?', 'context') } })
  return { messages: [{ role: 'user' as const, content: text(`Context: ${JSON.stringify(context)}`) }] }
}
