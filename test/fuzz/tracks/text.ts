import { inboundRequest } from '../../../src/protocol/inbound-request.fixture.js'
import type { FuzzInput, TrackName } from '../fuzz-input.js'
import { mutateText } from '../mutate-bytes.js'
import { judgeContentType, judgeNameHeader, judgeTarget, judgeUri } from '../oracles/text-oracles.js'
import type { Random } from '../random.js'
import type { Seeds } from '../seeds.js'
import { judgeBy, type Track } from './track.js'

/** Values of one line each, as UTF-8 in the input. */
export function createTextTracks(seeds: Seeds): readonly Track[] {
  return [contentTypes(seeds), nameHeaders(seeds), uris(seeds), targets(seeds)]
}

function contentTypes({ contentTypes: values }: Seeds): Track {
  const pieces = [
    ...[';', '; ', ' ', '\t', ',', '"', '\\"', '=', '/', 'charset', 'charset=utf-8', 'charset=utf-16', 'a="b"'],
    ...['application/json', 'x="', 'UTF-8', "utf-8''", '\u0000', '\u017f', "charset='utf-16'"],
  ]
  return {
    name: 'content-type',
    weight: 2,
    generate: mutated('content-type', values, pieces),
    judge: ({ bytes }, subject) => {
      const value = textOf(bytes)
      const read = subject.parseContentType(value)
      const isJson = subject.isJsonContentType(value)
      return judgeBy(isJson ? 'json' : read === undefined ? 'refused' : 'other', [
        ['content-type', () => judgeContentType(value, read, isJson)],
      ])
    },
  }
}

function nameHeaders({ nameHeaders: values }: Seeds): Track {
  const pieces = ['=?base64?', '?=', '=', '==', 'Zg', '/w', '+', '-_', ' ', '\t', '\r\n', '4pi6', 'é', '=?BASE64?']
  return {
    name: 'name-header',
    weight: 2,
    generate: mutated('name-header', values, pieces),
    judge: ({ bytes }, subject) => {
      const value = textOf(bytes)
      const read = subject.decodeNameHeader(value)
      return judgeBy(read === undefined ? 'refused' : 'read', [['name-header', () => judgeNameHeader(value, read)]])
    },
  }
}

const urlPieces = [
  ...['/', '//', '.', '..', '/../', ';', '%2e', '%2E', '%2F', '%00', '%', '%C3%A9', '%20', '?', '&', '=', '#', '@'],
  ...['\\', ':', ':80', ':443', '0x7f', '1', '127.1', 'xn--', '[::1]', 'A', 'é', '\t', '\n', ' ', '|', '{', '}', "'"],
  ...['access_token=', 'access%5Ftoken', 'C|', 'file:', 'https://', '-', '_', '^', '`', '"', '<', '~', '!', '$', '*'],
]

function uris({ uris: values }: Seeds): Track {
  return {
    name: 'uri',
    weight: 2,
    generate: mutated('uri', values, urlPieces),
    judge: ({ bytes }, subject) => {
      const uri = textOf(bytes)
      const accepted = subject.refuseUri(uri) === undefined
      return judgeBy(accepted ? 'accepted' : 'refused', [['uri', () => judgeUri(uri, accepted)]])
    },
  }
}

function targets({ targets: values }: Seeds): Track {
  return {
    name: 'target',
    weight: 2,
    generate: mutated('target', values, urlPieces),
    judge: ({ bytes }, subject) => {
      const target = textOf(bytes)
      const question = target.indexOf('?')
      const path = question < 0 ? target : target.slice(0, question)
      const query = question < 0 ? undefined : target.slice(question + 1)
      const fixture = inboundRequest({ path, text: '{}' })
      const failure = subject.checkFraming({ ...fixture, query })
      return judgeBy(failure?.reason ?? 'accepted', [
        ['target', () => (failure === undefined ? judgeTarget(path, query) : undefined)],
      ])
    },
  }
}

function mutated(track: TrackName, values: readonly string[], pieces: readonly string[]) {
  return (random: Random): FuzzInput => {
    let text = random.pick(values)
    for (let i = random.few(6); i > 0; i--) text = mutateText(text, random, pieces)
    return { track, headers: [], bytes: Buffer.from(text, 'utf8') }
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
