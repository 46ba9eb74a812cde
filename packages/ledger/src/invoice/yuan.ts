// 金额大写: amounts in the Chinese capital figures that stand beside the digits, where one stroke changes nothing.
import { formatMinor } from './minor.ts'

const figures = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖']
const places = ['', '拾', '佰', '仟']
/** Digits below a counting word, the largest first. */
const counts = [
  [8, '亿'],
  [4, '万'],
] as const

/**
 * By the rules of 中国人民银行 (《支付结算办法》附一): of zeros in the middle one 零 is written; 整 ends what has no 分, and
 * stands after no 分; 零 stands for 角 that are missing before 分, and between 元 that end in 0 and 角. `amount` in 10^-12
 * of a yuan, whole 分.
 */
export function yuanInWords(amount: bigint): string {
  const [yuan = '0', cents = '00'] = formatMinor(amount < 0n ? -amount : amount, 'CNY').split('.')
  const [jiao = '0', fen = '0'] = cents
  const whole = integer(yuan)
  const gap = whole !== '' && (jiao === '0' ? fen !== '0' : yuan.endsWith('0'))
  const text = [
    whole && `${whole}元`,
    gap ? '零' : '',
    jiao === '0' ? '' : `${figure(jiao)}角`,
    fen === '0' ? '整' : `${figure(fen)}分`,
  ].join('')
  return `${amount < 0n ? '负' : ''}${text === '整' ? '零元整' : text}`
}

const figure = (digit: string) => figures['0123456789'.indexOf(digit)] ?? ''

/** '' of zero. */
function integer(digits: string): string {
  const some = digits.replace(/^0+/, '')
  for (const [length, word] of counts) {
    if (some.length <= length) continue
    const below = some.slice(-length)
    const rest = integer(below)
    return `${integer(some.slice(0, -length))}${word}${rest !== '' && below.startsWith('0') ? '零' : ''}${rest}`
  }
  return some
    .replaceAll(/\d/g, (digit, index: number) =>
      digit === '0' ? '0' : `${figure(digit)}${places[some.length - 1 - index]}`,
    )
    .replace(/0+$/, '')
    .replaceAll(/0+/g, '零')
}
