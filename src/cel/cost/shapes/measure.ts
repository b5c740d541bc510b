import { dearestNumber } from '../../library/string-format.js'
import { fullTens } from '../range.js'

/**
 * What can be said of all parts of a value together: units that comparing it takes beyond the first, units that showing it in
 * a text takes, characters of such a text, and elements of lists in lists.
 */
export type Measure = 'comparing' | 'showing' | 'shown' | 'elements'

/** What has a largest measure: a part of a list or map, which is asked only where there is one. */
export interface Measured {
  most(measure: Measure): number
}

export function measureScalar(measure: Measure): number {
  switch (measure) {
    case 'comparing':
    case 'elements':
      return 0
    case 'showing':
      return dearestNumber.shown
    case 'shown':
      // The longest double has 309 digits before the point, and six behind it.
      return 330
  }
}

export function measureText(size: number, measure: Measure): number {
  switch (measure) {
    case 'comparing':
      return Math.floor(size / 64)
    case 'showing':
      return fullTens(2 * size)
    case 'shown':
      return 10 * size + 3
    case 'elements':
      return 0
  }
}

export function measureList(size: number, items: Measured, measure: Measure): number {
  const within = size === 0 ? 0 : size * items.most(measure)
  switch (measure) {
    case 'comparing':
      return 1 + fullTens(size) + within
    case 'showing':
    case 'elements':
      return size + within
    case 'shown':
      return 2 + 2 * size + within
  }
}

export function measureMap(size: number, keys: Measured, values: Measured, measure: Measure): number {
  const within = size === 0 ? 0 : size * (keys.most(measure) + values.most(measure))
  switch (measure) {
    case 'comparing':
      return 1 + size + within
    case 'showing':
      return size * (1 + Math.ceil(Math.log2(size + 1))) + within
    case 'shown':
      return 2 + 5 * size + within
    case 'elements':
      return 0
  }
}
