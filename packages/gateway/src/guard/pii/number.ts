// Numbers of people and their accounts, each with the check that its issuer has defined.
import {
  dot,
  hyphen,
  isAlnum,
  isDigit,
  isGap,
  isLetter,
  more,
  none,
  plus,
  type Reads,
  space,
  type View,
} from './text.ts'

/** A digit stands before: the number began earlier, or is the end of a fraction. */
function insideNumber(text: View, start: number): boolean {
  const before = text.at(start - 1)
  return isDigit(before) || (before === dot && isDigit(text.at(start - 2)))
}

const longestCard = 19

/**
 * 13 to 19 digits, in groups or not, that begin as cards of the large networks do, with Luhn's sum (ISO/IEC 7812-1).
 * The sum doubles every second digit from the last but one on: both of the two sums grow until the end is known.
 */
export const bankCard: Reads = (text, start) => {
  const first = text.at(start)
  if (first < 0x32 || first > 0x36 || isAlnum(text.at(start - 1)) || insideNumber(text, start)) return none
  let count = 0
  let doubledFirst = 0
  let doubledSecond = 0
  let best = none
  for (let at = start; ; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (!isDigit(unit) || count === longestCard) return best
    const digit = unit - 0x30
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2
    doubledFirst += count % 2 === 0 ? doubled : digit
    doubledSecond += count % 2 === 0 ? digit : doubled
    count++
    const next = text.at(at + 1)
    if (next === more) return more
    if (count >= 13 && !isAlnum(next) && (count % 2 === 0 ? doubledFirst : doubledSecond) % 10 === 0)
      best = at + 1
    if (isGap(next)) {
      const after = text.at(at + 2)
      if (after === more) return more
      if (isDigit(after)) at++
    }
  }
}

const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83'
    .split(' ')
    .map(Number),
)
const residentWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const residentChecks = '10x98765432'
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function isDate(year: number, month: number, day: number): boolean {
  if (year < 1850 || year > 2199 || day < 1 || day > (monthDays[month - 1] ?? 0)) return false
  return month !== 2 || day !== 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))
}

/** GB 11643: a region, a birthday, and a check character by ISO 7064 MOD 11-2. */
export const residentId: Reads = (text, start) => {
  if (insideNumber(text, start)) return none
  let sum = 0
  for (let index = 0; index < 17; index++) {
    const unit = text.at(start + index)
    if (unit === more) return more
    if (!isDigit(unit)) return none
    sum += (unit - 0x30) * (residentWeights[index] ?? 0)
  }
  const check = text.at(start + 17)
  const after = text.at(start + 18)
  if (check === more || after === more) return more
  const number = (from: number, to: number): number => {
    let value = 0
    for (let index = from; index < to; index++) value = value * 10 + text.at(start + index) - 0x30
    return value
  }
  if (isAlnum(after) || check !== residentChecks.charCodeAt(sum % 11) || !provinces.has(number(0, 2)))
    return none
  return isDate(number(6, 10), number(10, 12), number(12, 14)) ? start + 18 : none
}

/** E or G with digits, as the passports of China have: no check digit exists. */
export const cnPassport: Reads = (text, start) => {
  const first = text.at(start)
  if ((first !== 0x65 && first !== 0x67) || isAlnum(text.at(start - 1))) return none
  for (let index = 1; index < 9; index++) {
    const unit = text.at(start + index)
    if (unit === more) return more
    if (!isDigit(unit) && !(index === 1 && first === 0x65 && isLetter(unit))) return none
  }
  const after = text.at(start + 9)
  if (after === more) return more
  return isAlnum(after) ? none : start + 9
}

/** Four numbers up to 255 without leading zeros. */
export const ipv4: Reads = (text, start) => {
  const before = text.at(start - 1)
  if (isAlnum(before) || before === dot) return none
  let at = start
  for (let part = 0; part < 4; part++) {
    let value = 0
    let count = 0
    for (; isDigit(text.at(at)) && count < 4; at++, count++) value = value * 10 + text.at(at) - 0x30
    const next = text.at(at)
    if (next === more && count < 4) return more
    if (count === 0 || value > 255 || (count > 1 && text.at(at - count) === 0x30)) return none
    if (part === 3) {
      if (next !== dot) return isAlnum(next) ? none : at
      const after = text.at(at + 1)
      return after === more ? more : isDigit(after) ? none : at
    }
    if (next !== dot) return none
    at++
  }
  return none
}

/** ddd-dd-dddd, without the numbers that the Social Security Administration never gives. */
export const usSsn: Reads = (text, start) => {
  const before = text.at(start - 1)
  if (isAlnum(before) || before === hyphen || insideNumber(text, start)) return none
  const gap = text.at(start + 3)
  let area = 0
  let group = 0
  let serial = 0
  for (let index = 0; index < 11; index++) {
    const unit = text.at(start + index)
    if (unit === more) return more
    if (index === 3 || index === 6) {
      if (unit !== gap || !isGap(unit)) return none
      continue
    }
    if (!isDigit(unit)) return none
    if (index < 3) area = area * 10 + unit - 0x30
    else if (index < 6) group = group * 10 + unit - 0x30
    else serial = serial * 10 + unit - 0x30
  }
  const after = text.at(start + 11)
  if (after === more) return more
  if (isAlnum(after) || after === hyphen) return none
  return area === 0 || area === 666 || area >= 900 || group === 0 || serial === 0 ? none : start + 11
}

/** Length of an account number by country, from the SWIFT registry. */
const ibanLengths: Readonly<Record<string, number>> = Object.fromEntries(
  `ad24 ae23 al28 at20 az28 ba20 be16 bg22 bh22 br29 by28 ch21 cr22 cy28 cz24 de22 dk18 do28 ee20 eg29 es24 fi18
  fo18 fr27 gb22 ge22 gi23 gl18 gr27 gt28 hr21 hu28 ie22 il23 iq23 is26 it27 jo30 kw30 kz20 lb28 lc32 li21 lt20
  lu20 lv21 ly25 mc27 md24 me22 mk19 mr27 mt31 mu30 nl18 no15 pk24 pl28 ps29 pt25 qa29 ro24 rs22 sa24 sc31 se24
  si19 sk24 sm27 st25 sv28 tl23 tn24 tr26 ua29 va22 vg24 xk20`
    .split(/\s+/)
    .map(row => [row.slice(0, 2), Number(row.slice(2))]),
)

/** ISO 13616: the country's length, and a remainder of 1 when it is divided by 97. */
export const iban: Reads = (text, start) => {
  const first = text.at(start)
  const second = text.at(start + 1)
  if (!isLetter(first) || isAlnum(text.at(start - 1))) return none
  if (second === more) return more
  const length = ibanLengths[String.fromCharCode(first, second)]
  if (length === undefined) return none
  let head = 0
  let remainder = 0
  let at = start
  for (let count = 0; count < length; count++) {
    if (count > 0 && text.at(at) === space) at++
    const unit = text.at(at++)
    if (unit === more) return more
    if (!isAlnum(unit) || ((count === 2 || count === 3) && !isDigit(unit))) return none
    const value = isDigit(unit) ? unit - 0x30 : unit - 0x57
    // The first four stand last in the sum.
    if (count < 4) head = (head * (value > 9 ? 100 : 10) + value) % 97
    else remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  const after = text.at(at)
  if (after === more) return more
  // Two letters and two digits are six digits.
  return !isAlnum(after) && (remainder * (1_000_000 % 97) + head) % 97 === 1 ? at : none
}

/** E.164 with its plus sign: 8 to 15 digits, in groups or not. */
const international: Reads = (text, start) => {
  const before = text.at(start - 1)
  if (isAlnum(before) || before === plus) return none
  let count = 0
  let gaps = 0
  let end = none
  for (let at = start + 1; ; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (isDigit(unit)) {
      if (count === 0 && unit === 0x30) return none
      if (count === 15) return none
      count++
      gaps = 0
      end = at + 1
    } else if (isGap(unit) || unit === dot || unit === 0x28 || unit === 0x29) {
      if (count === 0 || ++gaps > 2) break
    } else if (isLetter(unit) && gaps === 0) return none
    else break
  }
  return count >= 8 ? end : none
}

/** The North American form `(ddd) ddd-dddd` or `ddd-ddd-dddd`, whose area and exchange begin with 2 to 9. */
const american: Reads = (text, start) => {
  const before = text.at(start - 1)
  if (isAlnum(before) || before === hyphen || before === plus || insideNumber(text, start)) return none
  const bracket = text.at(start) === 0x28
  let at = bracket ? start + 1 : start
  for (let count = 0; count < 10; count++) {
    if (count === 3 && bracket) {
      const close = text.at(at)
      if (close === more) return more
      if (close !== 0x29) return none
      at++
      const gap = text.at(at)
      if (gap === more) return more
      if (gap === space) at++
    } else if (count === 3 || count === 6) {
      const gap = text.at(at++)
      if (gap === more) return more
      if (!isGap(gap) && gap !== dot) return none
    }
    const unit = text.at(at++)
    if (unit === more) return more
    if (!isDigit(unit) || ((count === 0 || count === 3) && unit < 0x32)) return none
  }
  const after = text.at(at)
  if (after === more) return more
  return isAlnum(after) || after === hyphen ? none : at
}

export const phone: Reads = (text, start) => (text.at(start) === plus ? international : american)(text, start)

/** A mobile number of mainland China, 1[3-9] and nine digits, with or without its country. */
export const cnPhone: Reads = (text, start) => {
  if (insideNumber(text, start)) return none
  let at = start
  const prefix =
    text.at(at) === plus ? '+86' : text.at(at) === 0x38 ? '86' : text.at(at) === 0x30 ? '0086' : ''
  for (let index = 0; index < prefix.length; index++) {
    const unit = text.at(at++)
    if (unit === more) return more
    if (unit !== prefix.charCodeAt(index)) return none
  }
  for (let count = 0; count < 11; count++) {
    if (count === 3 || count === 7 || (count === 0 && prefix !== '')) {
      const gap = text.at(at)
      if (gap === more) return more
      if (isGap(gap)) at++
    }
    const unit = text.at(at++)
    if (unit === more) return more
    if (!isDigit(unit) || (count === 0 && unit !== 0x31) || (count === 1 && unit < 0x33)) return none
  }
  const after = text.at(at)
  if (after === more) return more
  return isDigit(after) ? none : at
}
