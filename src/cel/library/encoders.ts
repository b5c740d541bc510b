import { Failure, type Result } from '../values/value.js'
import { isBytes, isText, outOfBudget, textUnits, unary } from './implement.js'
import type { CallContext, Library } from './library.js'

const notBase64 = new Failure('base64.decode() needs text in standard base64')

/** Line ends are skipped, as in Go; padding may be left out, but not be wrong. */
function decode(text: string, context: CallContext): Result {
  if (!context.charge(textUnits(text.length))) return outOfBudget
  const digits = text.replace(/[\r\n]+/g, '')
  const padding = digits.endsWith('==') ? 2 : digits.endsWith('=') ? 1 : 0
  const rest = digits.length % 4
  if (padding > 0 ? rest !== 0 : rest === 1) return notBase64
  if (/[^A-Za-z0-9+/]/.test(digits.slice(0, digits.length - padding))) return notBase64
  return new Uint8Array(Buffer.from(digits, 'base64'))
}

function encode(bytes: Uint8Array, context: CallContext): Result {
  if (!context.charge(textUnits(bytes.length))) return outOfBudget
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** The encoders extension of cel-go. Not in Kubernetes. */
export const encoders: Library = {
  name: 'encoders',
  functions: [
    { id: 'base64_decode_string', signature: 'base64.decode(string) -> bytes', call: unary(isText, decode) },
    { id: 'base64_encode_bytes', signature: 'base64.encode(bytes) -> string', call: unary(isBytes, encode) },
  ],
}
