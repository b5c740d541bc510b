import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a session is bound to. What is unknown is undefined, which is not the same as empty. */
export interface SessionBinding {
  readonly server: string
  /** Of the verified token, or of whatever else vouches for the subject. */
  readonly issuer: string | undefined
  readonly subject: string | undefined
  /** The software that acts for the subject, by a name that is its own across issuers. */
  readonly agent: string | undefined
}

export interface SessionKey {
  /** Names the key in every tag: 1 to 16 letters, digits, "_" and "-". No secret. */
  readonly id: string
  /** At least 32 random bytes. */
  readonly secret: Uint8Array
}

export type TaggedSession =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly problem: 'malformed' }

export type UntaggedSession =
  | { readonly ok: true; readonly id: string }
  | {
      readonly ok: false
      /**
       * malformed: no tag of ours; also an id from before ids were tagged. unknown_key: a tag of a key that is no longer, or
       * not yet, here. foreign: the session of somebody else, or a forged or altered one.
       */
      readonly problem: 'malformed' | 'foreign' | 'unknown_key'
    }

/** What readSessionId takes at most, and so what clients may be given. */
export const maxSessionIdLength = 4096

/** Sets the tags of sessions, what vouches for them, and whatever else the same keys may sign apart. */
const tagContext = 'mcp-authz session tag 1'
const voucherContext = 'mcp-authz session voucher 1'
const macBytes = 24
/** 24 bytes are 32 characters of base64url with no bit to spare, so that there is one way to write a tag. */
const tagPattern = /^([\x21-\x7e]+)~([A-Za-z0-9_-]{1,16})~([A-Za-z0-9_-]{32})$/
const idPattern = /^[\x21-\x7e]+$/
const voucherPattern = /^([A-Za-z0-9_-]{1,16})~([A-Za-z0-9_-]{32})$/
const keyIdPattern = /^[A-Za-z0-9_-]{1,16}$/
const minSecretBytes = 32

/** The keys of session tags. All of them open tags, the first one makes them. */
export class SessionKeys {
  #keys: KeyTable

  /** Throws on bad keys, which is for the start of the program. */
  constructor(keys: readonly SessionKey[]) {
    this.#keys = tableOf(keys)
  }

  get signing(): SessionKey {
    return this.#keys.signing
  }

  find(id: string): SessionKey | undefined {
    return this.#keys.byId.get(id)
  }

  /**
   * To rotate: add the new key behind the old one everywhere, then put it first, then, when no session is left that the old
   * one tagged, remove that. Throws on bad keys, and keeps those that are there.
   */
  replace(keys: readonly SessionKey[]): void {
    this.#keys = tableOf(keys)
  }
}

interface KeyTable {
  readonly signing: SessionKey
  readonly byId: ReadonlyMap<string, SessionKey>
}

function tableOf(keys: readonly SessionKey[]): KeyTable {
  const [signing] = keys
  if (signing === undefined) throw new RangeError('session tags need a key')
  const byId = new Map<string, SessionKey>()
  for (const key of keys) {
    if (!keyIdPattern.test(key.id))
      throw new RangeError('the id of a session key has 1 to 16 letters, digits, "_" and "-"')
    if (key.secret.length < minSecretBytes) throw new RangeError(`the session key ${key.id} has less than 32 bytes`)
    if (byId.has(key.id)) throw new RangeError(`there are two session keys ${key.id}`)
    byId.set(key.id, key)
  }
  return { signing, byId }
}

/**
 * The session id that the client sees: the server's own, `~`, the id of the key, `~`, and a keyed tag over the id and whom
 * it is for. Whoever has the key can check it, so replicas share nothing else (specification 2025-11-25, security best
 * practices: a session is bound to a user). Fails if the server's id is no session id (visible ASCII) or so long that the
 * result would have more than 4096 characters: then the client must not be given any.
 */
export function tagSession(id: string, binding: SessionBinding, keys: SessionKeys): TaggedSession {
  if (id.length > maxSessionIdLength || !idPattern.test(id)) return { ok: false, problem: 'malformed' }
  const key = keys.signing
  const value = `${id}~${key.id}~${mac(tagContext, id, binding, key).toString('base64url')}`
  return value.length > maxSessionIdLength ? { ok: false, problem: 'malformed' } : { ok: true, value }
}

/**
 * The server's own session id, if the tag says that it is for this binding. The id may itself look like one with a tag: only
 * the last is looked at. Takes the same time wherever tags differ.
 */
export function untagSession(value: string, binding: SessionBinding, keys: SessionKeys): UntaggedSession {
  const [, id, keyId, tag] = value.length > maxSessionIdLength ? [] : (tagPattern.exec(value) ?? [])
  if (id === undefined || keyId === undefined || tag === undefined) return { ok: false, problem: 'malformed' }
  const key = keys.find(keyId)
  if (key === undefined) return { ok: false, problem: 'unknown_key' }
  const isOurs = timingSafeEqual(mac(tagContext, id, binding, key), Buffer.from(tag, 'base64url'))
  return isOurs ? { ok: true, id } : { ok: false, problem: 'foreign' }
}

/**
 * What the one who opened a tag gives to the next of us, who sees the server's own id and cannot tell that there was a tag:
 * the id of the key, `~`, and a keyed hash over id and binding. A client cannot make it, not even from its tag.
 */
export function vouchForSession(id: string, binding: SessionBinding, keys: SessionKeys): string {
  const key = keys.signing
  return `${key.id}~${mac(voucherContext, id, binding, key).toString('base64url')}`
}

/** Whether somebody with one of these keys found this id to be the session of this caller. */
export function isVouchedFor(id: string, voucher: string, binding: SessionBinding, keys: SessionKeys): boolean {
  const [, keyId = '', hash = ''] = voucherPattern.exec(voucher) ?? []
  const key = keys.find(keyId)
  if (key === undefined) return false
  return timingSafeEqual(mac(voucherContext, id, binding, key), Buffer.from(hash, 'base64url'))
}

/** HMAC-SHA-256, cut to 192 bits (RFC 2104, section 5). */
function mac(context: string, id: string, { server, issuer, subject, agent }: SessionBinding, key: SessionKey): Buffer {
  const parts: Buffer[] = []
  for (const field of [context, key.id, id, server, issuer, subject, agent]) {
    // With its length before each field, no two bindings make the same bytes. UTF-16, because UTF-8 has one replacement for
    // all halves of surrogate pairs.
    const bytes = Buffer.from(field ?? '', 'utf16le')
    const head = Buffer.alloc(5)
    head.writeUInt8(field === undefined ? 0 : 1)
    head.writeUInt32BE(bytes.length, 1)
    parts.push(head, bytes)
  }
  return createHmac('sha256', key.secret).update(Buffer.concat(parts)).digest().subarray(0, macBytes)
}
