import type { Seeds } from '../seeds.js'
import { createCheckRequestTrack } from './check-request.js'
import { createDecisionTrack } from './decision.js'
import { createJsonTrack } from './json.js'
import { createMessageTrack } from './message.js'
import { createTextTracks } from './text.js'
import type { Track } from './track.js'

export function createTracks(seeds: Seeds): readonly Track[] {
  return [
    createMessageTrack(seeds),
    createJsonTrack(seeds),
    ...createTextTracks(seeds),
    createCheckRequestTrack(),
    createDecisionTrack(),
  ]
}
