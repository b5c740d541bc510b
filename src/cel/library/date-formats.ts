/** RFC 3339 full-date: `2006-01-02`, a day that exists. */
export function checkDate(text: string): boolean {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/**
 * A date, a `T`, and a time with a zone, in either case, as kube-openapi `IsDateTime`: it takes any character for the decimal
 * point, knows no leap second, and does not look behind a second `t`.
 */
export function checkDateTime(text: string): boolean {
  const [date, time] = text.split(/[tT]/, 2)
  if (date === undefined || time === undefined || !checkDate(date)) return false
  const match = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[^\n][0-9]+)?(?:[zZ]|[+-][0-9]{2}:[0-9]{2})$/u.exec(time)
  if (match === null) return false
  return Number(match[1]) <= 23 && Number(match[2]) <= 59 && Number(match[3]) <= 59
}
