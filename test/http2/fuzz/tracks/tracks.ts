import type { Track } from '../attempt.js'
import type { Stand } from '../stand.js'
import { framesTrack } from './frames.js'
import { hpackTrack } from './hpack.js'
import { mutatedTrack } from './mutated.js'
import { nodeClientTrack } from './node-client.js'
import { structuredTrack } from './structured.js'

export async function createTracks(stand: Stand): Promise<Track[]> {
  return [
    structuredTrack(stand),
    mutatedTrack(stand),
    await hpackTrack(),
    nodeClientTrack(stand),
    await framesTrack(stand),
  ]
}
