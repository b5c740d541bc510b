import { setTimeout as sleep } from 'node:timers/promises'
import { text } from './plain-results.js'

/** The way to the client in the midst of a call, whichever SDK it goes through. */
export interface Talk {
  readonly progressToken: string | number | undefined
  log(message: string): Promise<void>
  progress(progressToken: string | number, progress: number): Promise<void>
  sample(prompt: string): Promise<unknown>
  elicit(message: string, properties: Readonly<Record<string, object>>): Promise<unknown>
  /** Ends the stream of this call; its answer comes when the client reads on (SEP-1699). Undefined: cannot be done. */
  readonly closeStream: (() => void) | undefined
}

const pauseMs = 50

/** SEP-1034. */
const defaults = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}

const options = ['option1', 'option2', 'option3']
const titled = ['First', 'Second', 'Third'].map((title, index) => ({ const: `value${index + 1}`, title }))

/** SEP-1330. */
const choices = {
  untitledSingle: { type: 'string', enum: options },
  titledSingle: { type: 'string', oneOf: titled },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
  titledMulti: { type: 'array', items: { anyOf: titled } },
}

/** Undefined: it is none of the tools that talk. */
export async function talkingToolResult(name: string, args: Readonly<Record<string, unknown>>, talk: Talk) {
  const told = (answer: unknown) => ({ content: [text(`The client said ${JSON.stringify(answer)}`)] })
  switch (name) {
    case 'test_tool_with_logging':
      for (const message of ['started', 'processing', 'completed']) {
        await talk.log(message)
        await sleep(pauseMs)
      }
      return { content: [text('Logged.')] }
    case 'test_tool_with_progress':
      for (const progress of [0, 50, 100]) {
        if (talk.progressToken !== undefined) await talk.progress(talk.progressToken, progress)
        await sleep(pauseMs)
      }
      return { content: [text('Progressed.')] }
    case 'test_sampling':
      return told(await talk.sample(String(args.prompt)))
    case 'test_elicitation':
      return told(await talk.elicit(String(args.message), { username: { type: 'string' }, email: { type: 'string' } }))
    case 'test_elicitation_sep1034_defaults':
      return told(await talk.elicit('Look through these values', defaults))
    case 'test_elicitation_sep1330_enums':
      return told(await talk.elicit('Choose', choices))
    case 'test_reconnection':
      talk.closeStream?.()
      await sleep(pauseMs)
      return { content: [text('Answered after the stream was closed.')] }
    default:
      return undefined
  }
}
