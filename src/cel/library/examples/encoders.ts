import { examples } from './function-example.js'

export const encodersExamples = examples([
  ['base64.encode(bytes) -> string', 'Bytes as standard base64 with padding.', "base64.encode(b'hello')", "'aGVsbG8='"],
  [
    'base64.decode(string) -> bytes',
    'Bytes of standard base64, with or without padding.',
    "base64.decode('aGVsbG8')",
    "b'hello'",
  ],
])
