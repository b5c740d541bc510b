import { add, type CostRange, fullTens, upTo, zero } from '../range.js'
import { listOf, mapOf, textOf } from '../shapes/plain-shapes.js'
import { scalar } from '../shapes/shape.js'
import type { Operands } from './operands.js'
import { costs, nominal, type Priced, type PriceTable, parsed, shortText, traversed } from './pricing.js'

/** Two addresses, of which the first is a network: four bytes or sixteen. */
const within: CostRange = { min: 0, max: 4 }
const around: CostRange = { min: 1, max: 7 }

/** URLs, addresses and networks. */
export const networkCosts: PriceTable = [
  [['string_to_url', 'string_to_ip', 'string_to_cidr'], parsed],
  [['is_url_string', 'is_ip', 'is_cidr'], o => ({ cost: traversed(o.text(0)), shape: scalar })],
  [['ip_is_canonical'], o => ({ cost: traversed(o.text(0), 2), shape: scalar })],
  [['url_get_scheme', 'url_get_host', 'url_get_hostname', 'url_get_port', 'url_get_escaped_path'], partOfUrl],
  [
    ['url_get_query'],
    o => {
      const part = () => textOf(upTo(3 * o.text(0).max))
      return { cost: reading(o), shape: mapOf(upTo(o.text(0).max), part, () => listOf(upTo(o.text(0).max), part)) }
    },
  ],
  [
    [
      ...['ip_family', 'ip_is_unspecified', 'ip_is_loopback', 'ip_is_link_local_multicast', 'ip_is_link_local_unicast'],
      ...['ip_is_global_unicast', 'cidr_prefix_length'],
    ],
    nominal,
  ],
  [['ip_to_string', 'cidr_to_string', 'cidr_ip', 'cidr_masked'], () => costs(zero, shortText)],
  [['cidr_contains_ip_ip'], () => ({ cost: { min: 1, max: 4 }, shape: scalar })],
  [['cidr_contains_ip_string'], o => ({ cost: add(within, traversed(o.text(1))), shape: scalar })],
  [['cidr_contains_cidr'], () => ({ cost: around, shape: scalar })],
  [['cidr_contains_cidr_string'], o => ({ cost: add(around, traversed(o.text(1))), shape: scalar })],
]

/** What an accessor of a URL reads, which may be written longer than it was. */
function reading(o: Operands): CostRange {
  return { min: 1, max: 1 + fullTens(3 * o.text(0).max) }
}

function partOfUrl(o: Operands): Priced {
  return { cost: reading(o), shape: textOf(upTo(3 * o.text(0).max)) }
}
