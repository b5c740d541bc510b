import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envoy } from '../../gen/wire.js'
import { caseRequest } from './support/case-request.js'
import { type CheckForm, checkForms, checkRequest, survivesAsText } from './support/check-request.js'
import { type LoadedCase, loadCorpus } from './support/load-corpus.js'
import { type CorpusCheck, startCorpusCheck } from './support/start-corpus-check.js'

let corpus: CorpusCheck
beforeAll(async () => {
  corpus = await startCorpusCheck()
})
afterAll(() => corpus.stop())

/** What Envoy makes of the answer; a status code of 0, or none, lets the request pass. */
async function ask(one: LoadedCase, form: CheckForm) {
  const bytes = await corpus.check(checkRequest(one, corpus.place, form))
  const { status, okResponse, deniedResponse, dynamicMetadata } = envoy.service.auth.v3.CheckResponse.decode(bytes)
  return {
    passes: (status?.code ?? 0) === 0,
    reason: dynamicMetadata?.fields?.reason?.stringValue ?? undefined,
    httpStatus: deniedResponse?.status?.code,
    body: deniedResponse?.body ?? '',
    set: new Map(okResponse?.headers?.map(({ header, append }) => [header?.key, append?.value])),
    removed: new Set(okResponse?.headersToRemove),
  }
}

/**
 * The reasons that are right in this form. A text body that Envoy had to change cannot be known, nor can a header that
 * matters if it holds the "!" by which joined headers show any byte that is not UTF-8. Repeats joined by a comma can be
 * refused for another reason than repeats apart.
 */
function otherReasons(one: LoadedCase, form: CheckForm): readonly string[] {
  const { headers, body } = caseRequest(one, corpus.place)
  const reasons: string[] = []
  if (form.body === 'text' && !survivesAsText(body)) reasons.push('framing.body_incomplete')
  if (form.headers === 'joined') {
    const names = headers.map(([name]) => name.toLowerCase())
    if (new Set(names).size < names.length) reasons.push('framing.content_type', 'message.header_mismatch')
    if (headers.some(([, value]) => !isAscii(value) || value.includes('!'))) reasons.push('framing.header_invalid')
  }
  return reasons
}

/**
 * Joined, a comma that belongs to the grammar looks like a second value, and a target that is not ASCII like another one.
 * That is why Envoy must be told to encode raw headers.
 */
function isLostInJoining(one: LoadedCase, form: CheckForm): boolean {
  if (form.headers === 'raw') return false
  const { headers, target, authority } = caseRequest(one, corpus.place)
  const lists = headers.filter(([name]) => /^(?:last-event-id|mcp-param-x)$/i.test(name))
  return lists.length > 1 || !isAscii(target) || !isAscii(authority)
}

function isAscii(text: string): boolean {
  return text.length === Buffer.byteLength(text)
}

const cases = loadCorpus().filter(one => one.request !== undefined)

describe.each(checkForms)('headers $headers, body as $body', form => {
  describe.each([...new Set(cases.map(one => one.file))])('%s', file => {
    it.each(cases.filter(one => one.file === file).map(one => [one.name, one] as const))('%s', async (_name, one) => {
      const answer = await ask(one, form)
      if (isLostInJoining(one, form)) return
      const others = otherReasons(one, form)
      if ('deny' in one.expect) {
        expect([one.expect.deny, ...others]).toContain(answer.reason)
        expect(answer.passes).toBe(false)
        expect(answer.httpStatus).toBeGreaterThanOrEqual(200)
        if (answer.body !== '') expect(answer.body).toContain(answer.reason)
        if (one.expect.status !== undefined && answer.reason === one.expect.deny)
          expect(answer.httpStatus).toBe(one.expect.status)
        return
      }
      if (!answer.passes && others.includes(answer.reason ?? '')) return
      expect({ passes: answer.passes, reason: answer.reason }).toEqual({ passes: true, reason: undefined })
      for (const name of ('allow' in one.expect ? one.expect.cleaned : undefined) ?? []) {
        const overwritten = answer.set.has(name) && answer.set.get(name) !== true
        expect({ name, cleaned: overwritten || answer.removed.has(name) }).toEqual({ name, cleaned: true })
      }
    })
  })
})
