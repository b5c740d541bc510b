/** What the reference servers answer without asking or telling the client anything in between. */

/** One red pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const image = { type: 'image', data: png, mimeType: 'image/png' } as const

/** A WAV file of one sample, 8 bits, mono, 8 kHz. */
const wav = Buffer.concat([
  Buffer.from('RIFF\x25\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0', 'latin1'),
  Buffer.from('401f0000401f000001000800', 'hex'),
  Buffer.from('data\x01\0\0\0\x80', 'latin1'),
]).toString('base64')

export function text(value: string) {
  return { type: 'text' as const, text: value }
}

function textResource(uri: string, mimeType: string, value: string) {
  return { type: 'resource' as const, resource: { uri, mimeType, text: value } }
}

/** Undefined: it is none of the plain tools. */
export function plainToolResult(name: string) {
  switch (name) {
    case 'test_simple_text':
    case 'test_header_argument':
    case 'json_schema_2020_12_tool':
      return { content: [text('A plain text.')] }
    case 'test_image_content':
      return { content: [image] }
    case 'test_audio_content':
      return { content: [{ type: 'audio' as const, data: wav, mimeType: 'audio/wav' }] }
    case 'test_embedded_resource':
      return { content: [textResource('test://embedded-resource', 'text/plain', 'The content of a resource.')] }
    case 'test_multiple_content_types': {
      const resource = textResource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')
      return { content: [text('Three types:'), image, resource] }
    }
    case 'test_error_handling':
      return { content: [text('This tool fails, always.')], isError: true }
    default:
      return undefined
  }
}

/** Undefined: there is no such prompt. */
export function promptResult(name: string, args: Readonly<Record<string, string>> = {}) {
  const says = (...contents: (ReturnType<typeof text> | typeof image | ReturnType<typeof textResource>)[]) => ({
    messages: contents.map(content => ({ role: 'user' as const, content })),
  })
  switch (name) {
    case 'test_simple_prompt':
      return says(text('A plain prompt.'))
    case 'test_prompt_with_arguments':
      return says(text(`First: ${args.arg1}. Second: ${args.arg2}.`))
    case 'test_prompt_with_embedded_resource':
      return says(
        textResource(args.resourceUri ?? '', 'text/plain', 'The content of a resource.'),
        text('Read the resource.'),
      )
    case 'test_prompt_with_image':
      return says(image, text('Look at the image.'))
    default:
      return undefined
  }
}

/** Undefined: there is no such resource. */
export function resourceResult(uri: string) {
  if (uri === 'test://static-text' || uri === 'test://watched-resource')
    return { contents: [{ uri, mimeType: 'text/plain', text: 'The content of a resource.' }] }
  if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: png }] }
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? []
  if (id === undefined) return undefined
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, data: `Data of ${id}` }) }] }
}
