import { type ErrorCode, errorCodes, maxWindow, readUint32, settingIds } from './http2-codes.js'

/** What a peer may say of itself that changes what we do. */
export type PeerSettings =
  | { readonly ok: true; readonly headerTableSize?: number; readonly initialWindowSize?: number }
  | { readonly ok: false; readonly code: ErrorCode }

/**
 * Reads the payload of SETTINGS (RFC 9113 §6.5.2); of values said twice the last one counts. Frames of ours are never larger than the least
 * MAX_FRAME_SIZE, and our fields are few: those two are only checked.
 */
export function readSettings(payload: Uint8Array, start: number, end: number): PeerSettings {
  let headerTableSize: number | undefined
  let initialWindowSize: number | undefined
  for (let at = start; at + 6 <= end; at += 6) {
    const id = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0)
    const value = readUint32(payload, at + 2)
    switch (id) {
      case settingIds.headerTableSize:
        headerTableSize = Math.min(value, headerTableSize ?? value)
        break
      case settingIds.enablePush:
        if (value > 1) return { ok: false, code: errorCodes.protocolError }
        break
      case settingIds.initialWindowSize:
        if (value > maxWindow) return { ok: false, code: errorCodes.flowControlError }
        initialWindowSize = value
        break
      case settingIds.maxFrameSize:
        if (value < 16_384 || value > 16_777_215) return { ok: false, code: errorCodes.protocolError }
        break
      default:
      // §6.5.2: what we do not know is ignored.
    }
  }
  return {
    ok: true,
    ...(headerTableSize !== undefined && { headerTableSize }),
    ...(initialWindowSize !== undefined && { initialWindowSize }),
  }
}
