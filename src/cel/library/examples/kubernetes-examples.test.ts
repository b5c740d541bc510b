import { describe, expect, it } from 'vitest'
import { parseSignature } from '../../types/parse-signature.js'
import type { AuthorizerHost } from '../authorization.js'
import { authzLibrary, authzSelectorsLibrary } from '../authz.js'
import { cidrLibrary } from '../cidr.js'
import { formatLibrary } from '../format.js'
import { ipLibrary } from '../ip.js'
import { jsonPatchLibrary } from '../jsonpatch.js'
import { valueOrError } from '../kubernetes-libraries.fixture.js'
import { quantityLibrary } from '../quantity.js'
import { semverLibrary } from '../semver.js'
import { urlLibrary } from '../url.js'
import { authzExamples } from './authz.js'
import { formatExamples } from './format.js'
import { jsonPatchExamples } from './jsonpatch.js'
import { networkExamples } from './network.js'
import { quantityExamples } from './quantity.js'
import { semverExamples } from './semver.js'
import { urlExamples } from './url.js'

const host: AuthorizerHost = {
  check: ({ verb }) => ({
    allowed: verb === 'get',
    reason: 'get only',
    error: verb === 'fail' ? 'no answer' : undefined,
  }),
}

describe.each([
  ['quantity', [quantityLibrary], quantityExamples],
  ['network', [ipLibrary, cidrLibrary], networkExamples],
  ['url', [urlLibrary], urlExamples],
  ['semver', [semverLibrary], semverExamples],
  ['format', [formatLibrary], formatExamples],
  ['jsonpatch', [jsonPatchLibrary], jsonPatchExamples],
  ['authz', [authzLibrary, authzSelectorsLibrary], authzExamples],
] as const)('examples of %s', (_, libraries, table) => {
  const signatures = libraries.flatMap(({ functions }) => functions.map(({ signature }) => signature))

  it.each(table)('$example', ({ signature, says, example, result }) => {
    expect(signatures).toContain(signature)
    expect(says).toMatch(/\.$/)
    expect(valueOrError(example, { host })).toEqual(result === 'error' ? 'error' : valueOrError(result, { host }))
    // The example is of this function.
    expect(example).toContain(`${parseSignature('', signature).name}(`)
  })

  it('leave no overload out', () => {
    expect(table.map(({ signature }) => signature).sort()).toEqual([...signatures].sort())
  })
})
