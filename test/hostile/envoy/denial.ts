import type { WireAnswer } from './wire-request.js'

/** The reason code that one of our answers names, whatever its form; undefined where it names none. */
export function reasonOf({ body, headers }: WireAnswer): string | undefined {
  const grpc = headers.get('grpc-message')
  const text = grpc === undefined ? body : percentDecoded(grpc)
  const named = [...text.matchAll(/"reason":"([a-z]+\.[a-z_]+)"|Reason: ([a-z]+\.[a-z_]+)[.,]/g)]
  const reasons = named.map(([, inData, inText]) => inData ?? inText)
  // A batch is refused as a whole: one element for a reason of its own, the others because of it.
  return text.startsWith('[') ? (reasons.find(reason => reason !== 'message.batch') ?? reasons[0]) : reasons[0]
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
