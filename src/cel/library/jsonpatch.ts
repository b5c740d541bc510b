import { isText } from './implement.js'
import type { Library } from './library.js'
import { priced1, traversal } from './priced.js'

/** `kubernetes.jsonpatch` (KEP-3962): a key as one step of a JSON Pointer (RFC 6901 §3). */
export const jsonPatchLibrary: Library = {
  name: 'kubernetes.jsonpatch',
  functions: [
    {
      id: 'string_jsonpatch_escapeKey_string',
      signature: 'jsonpatch.escapeKey(string) -> string',
      call: priced1(isText, key => key.replaceAll('~', '~0').replaceAll('/', '~1'), traversal),
    },
  ],
}
