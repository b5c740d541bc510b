import { type LegacySse, readSseSession } from './legacy-sse.js'

/** Longer ones no client has to follow, and no server has been seen to make. */
const maxEndpoint = 2048
/** Visible ASCII: clients drop line feeds and tabs from URLs, and what they see would not be what is read here. */
const uriCharacters = /^[\x21-\x7e]+$/

/**
 * The data of an `endpoint` event (HTTP+SSE, 2024-11-05), where a client is told to send its messages, with what `edit` makes
 * of the session in its query. All other bytes stay. undefined where the session cannot be told in one way only, where there
 * is none, or where `edit` gives none or one that no message could name: then the client must not get the event.
 */
export function editEndpoint(
  data: Uint8Array,
  sse: LegacySse,
  edit: (id: string) => string | undefined,
): Uint8Array | undefined {
  if (data.length > maxEndpoint) return undefined
  const uri = Buffer.from(data).toString('latin1')
  // A fragment is sent to nobody, but where it begins is read in different ways.
  if (!uriCharacters.test(uri) || uri.includes('#')) return undefined
  const question = uri.indexOf('?')
  const query = question < 0 ? undefined : uri.slice(question + 1)
  const read = readSseSession({ query }, sse)
  const id = read.ok && read.id !== undefined ? edit(read.id) : undefined
  if (query === undefined || id === undefined) return undefined
  const edited = withSession(query, sse, id)
  return edited === undefined ? undefined : Buffer.from(uri.slice(0, question + 1) + edited, 'latin1')
}

/**
 * The query of a message with another session, such as the server's own where the client names a tagged one. undefined where
 * {@link readSseSession} refuses the query as it was, or as it would be.
 */
export function withSession(query: string | undefined, sse: LegacySse, id: string): string | undefined {
  if (query === undefined || !readSseSession({ query }, sse).ok) return undefined
  const start = `${sse.session}=`
  const edited = query
    .split('&')
    .map(pair => (pair.startsWith(start) ? start + id : pair))
    .join('&')
  const read = readSseSession({ query: edited }, sse)
  return read.ok && read.id === id ? edited : undefined
}
