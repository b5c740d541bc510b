import { frame } from '../../../../src/doors/grpc/native/raw-client.fixture.js'
import { Random } from '../../../fuzz/random.js'
import { type Attempt, type Judged, ok, shorter, type Track, wrong } from '../attempt.js'
import { Peer, sendInPieces } from '../peer.js'
import { describeScript, mutateScript, randomScript, type Script } from '../scripts.js'
import type { Stand } from '../stand.js'

const lastPing = 'ffeeddccbbaa9988'

/** How long nothing needs to happen until a script counts as swallowed: half a frame, for example. Milliseconds. */
const silenceMs = 150

/** Sessions with something wrong in them: whatever comes, the server keeps the rules, and the connection ends or goes on. */
export function mutatedTrack(stand: Stand): Track {
  return {
    name: 'mutated',
    weight: 6,
    foreign: false,
    generate(random) {
      const script = randomScript(random)
      mutateScript(script, random)
      return attempt(stand, script, random.int(2 ** 31))
    },
  }
}

function attempt(stand: Stand, script: Script, schedule: number): Attempt {
  return {
    judge: () => judge(stand, script, new Random(schedule, 2)),
    smaller: () => shorter(script).map(less => attempt(stand, less, schedule)),
    describe: () => describeScript(script),
  }
}

async function judge(stand: Stand, script: Script, random: Random): Promise<Judged> {
  const peer = new Peer(stand.address, false)
  await sendInPieces(peer, Buffer.concat([...script, frame(6, 0, 0, lastPing)]), random)
  const settled = () => peer.pings.includes(lastPing) || peer.goAway !== undefined
  const answered = await peer.until(settled, silenceMs)
  const outcome = peer.problem
    ? 'broken'
    : peer.goAway !== undefined
      ? `connection error ${peer.goAway}`
      : peer.closed
        ? 'closed'
        : answered
          ? 'goes on'
          : 'waits for more'
  const closed = await peer.close()
  if (peer.problem !== undefined) return wrong('rules', peer.problem)
  if (!closed) return wrong('close', 'the connection does not end')
  return ok(outcome)
}
