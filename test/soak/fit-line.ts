export interface Line {
  /** Of y per x. */
  readonly slope: number
  /** Standard error of the slope: what is less than three of it is noise. */
  readonly error: number
}

/** Least squares. At least three points with different x, or the slope is 0 and its error is infinite. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = points.length
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (n < 3 || spread === 0) return { slope: 0, error: Number.POSITIVE_INFINITY }
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(rest / (n - 2) / spread) }
}
