// What a document says, in English and Chinese.

import type { ServiceTier } from '@switchyard/kinds'
import type { InvoiceLanguage } from '@switchyard/runtime'

export type Language = InvoiceLanguage

const english = {
  invoice: 'Invoice',
  credit_note: 'Credit note',
  number: 'Number',
  issued: 'Date of issue',
  due: 'Due',
  period: 'Billing period',
  workspace: 'Account',
  seller: 'From',
  buyer: 'To',
  taxNumber: 'Tax number',
  bank: 'Pay to',
  description: 'Description',
  project: 'Project',
  quantity: 'Quantity',
  price: 'Price',
  net: 'Net',
  tax: 'Tax',
  total: 'Total',
  gross: 'Total with tax',
  payable: 'To pay',
  returned: 'Given back',
  untaxed: 'not taxed',
  correction: 'Correction of an earlier period',
  corrects: 'of line',
  fee: 'Fee',
  discount: 'Discount',
  minimum: 'Up to the minimum of the period',
  cap: 'Above the most of the period',
  residue: 'Rounding',
  step: 'step',
  tier: 'tier',
  region: 'region',
  credit: 'Credit',
  service: 'Service period',
  inclusive: 'Prices hold the tax: net and tax of each line are split from it.',
  exclusive: 'Prices are before tax.',
  words: 'In words',
  times: 'Times are of',
  evidence: 'Usage events',
  cutoff: 'up to batch',
  digest: 'SHA-256 of the lines',
}
export type Word = keyof typeof english

const chinese: Readonly<Record<Word, string>> = {
  invoice: '账单',
  credit_note: '红字账单',
  number: '编号',
  issued: '开具日期',
  due: '付款期限',
  period: '计费周期',
  workspace: '账户',
  seller: '销售方',
  buyer: '购买方',
  taxNumber: '纳税人识别号',
  bank: '收款账户',
  description: '项目名称',
  project: '所属项目',
  quantity: '数量',
  price: '单价',
  net: '金额（不含税）',
  tax: '税额',
  total: '合计',
  gross: '价税合计',
  payable: '应付金额',
  returned: '退还金额',
  untaxed: '不征税',
  correction: '以前周期的更正',
  corrects: '更正的行',
  fee: '固定费用',
  discount: '折扣',
  minimum: '补足最低消费',
  cap: '超过封顶的部分',
  residue: '尾差',
  step: '阶梯',
  tier: '服务等级',
  region: '区域',
  credit: '抵扣',
  service: '服务期间',
  inclusive: '单价含税，每行的不含税金额与税额由含税金额分离。',
  exclusive: '单价不含税。',
  words: '大写',
  times: '时区',
  evidence: '用量记录',
  cutoff: '截至批次',
  digest: '明细行 SHA-256',
}

export const wordsOf: Readonly<Record<Language, Readonly<Record<Word, string>>>> = {
  en: english,
  zh: chinese,
}

/** By the beginning of a unit's name: what is counted. */
const counted: readonly (readonly [beginning: string, en: string, zh: string])[] = [
  ['tok.', 'Tokens', '个 token'],
  ['img.out.count', 'Images', '张'],
  ['img.out.px', 'Pixels', '像素'],
  ['audio.', 'Milliseconds', '毫秒'],
  ['video.', 'Milliseconds', '毫秒'],
  ['gpu.ms', 'GPU milliseconds', 'GPU 毫秒'],
  ['char.', 'Characters', '字符'],
  ['doc.', 'Documents', '篇'],
  ['req', 'Requests', '次'],
]

/** What a unit counts; the unit itself where that has no word. */
export function unitWords(unit: string, language: Language): string {
  const row = counted.find(([beginning]) => unit.startsWith(beginning))
  return row?.[language === 'en' ? 1 : 2] ?? unit
}

const classes: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  'tok.in.uncached': ['input tokens', '输入'],
  'tok.in.cache_read': ['cached input tokens', '缓存命中输入'],
  'tok.in.cache_write_5m': ['tokens written to the cache (5 min)', '缓存写入（5 分钟）'],
  'tok.in.cache_write_1h': ['tokens written to the cache (1 h)', '缓存写入（1 小时）'],
  'tok.in.image': ['image input tokens', '图像输入'],
  'tok.in.audio': ['audio input tokens', '音频输入'],
  'tok.in.video': ['video input tokens', '视频输入'],
  'tok.in.cache_read_audio': ['cached audio input tokens', '缓存命中音频输入'],
  'tok.out.text': ['output tokens', '输出'],
  'tok.out.reasoning': ['reasoning tokens', '推理输出'],
  'tok.out.audio': ['audio output tokens', '音频输出'],
  'tok.out.image': ['image output tokens', '图像输出'],
  'img.out.count': ['images', '生成图像'],
  'img.out.px': ['pixels', '生成像素'],
  'audio.in.ms': ['sound in', '音频输入时长'],
  'char.in': ['characters', '输入字符'],
  req: ['requests', '请求'],
  'doc.ranked': ['ranked documents', '排序文档'],
}

const tiers: Readonly<Record<ServiceTier, string>> = {
  standard: '标准',
  batch: '批量',
  priority: '优先',
  cache: '缓存',
}

/** As it is called; in English by its name. */
export const tierWords = (tier: ServiceTier, language: Language): string =>
  language === 'en' ? tier : tiers[tier]

/** Such as `output tokens`; the unit itself where it has no word. */
export const classWords = (unit: string, language: Language): string =>
  classes[unit]?.[language === 'en' ? 0 : 1] ?? unit
