// Signs that a text tries to take over the instructions of a model, each with a weight. They are heuristics: they
// find common wordings in English and Chinese, and nothing that has been reworded with care.
import type { Sensitivity } from './rule.ts'

export interface InjectionRow {
  readonly weight: number
  readonly first: readonly string[]
  /** Where given, one of these must begin within `gap` units after one of `first`. */
  readonly second?: readonly string[]
  readonly gap: number
}

/** The sum of the weights of different signs in one text that is called an attempt. */
export const thresholds = { low: 6, medium: 4, high: 2 } as const satisfies Record<Sensitivity, number>

const forget = [
  'ignore',
  'disregard',
  'forget',
  'override',
  'bypass',
  'do not follow',
  "don't follow",
  'stop following',
]
const former = [
  'previous instruction',
  'prior instruction',
  'earlier instruction',
  'above instruction',
  'instructions above',
  'preceding instruction',
  'your instruction',
  'all instruction',
  'previous prompt',
  'system prompt',
  'system message',
  'your guidelines',
  'your programming',
  'safety rules',
  'everything above',
  'previous rules',
  'content policy',
]
const show = ['reveal', 'print', 'repeat', 'show me', 'output', 'tell me', 'leak', 'what is', 'what are']
const hidden = [
  'system prompt',
  'initial instructions',
  'hidden instructions',
  'your instructions',
  'your prompt',
  'developer message',
  'everything above',
  'the words above',
]
const leave = ['忽略', '无视', '忘记', '忘掉', '不要理会', '不要遵守', '不要遵循', '跳过', '绕过', '覆盖']
const before = [
  '之前的指令',
  '之前的所有指令',
  '之前所有指令',
  '以上指令',
  '以上的指令',
  '以上所有',
  '上面的指令',
  '上述指令',
  '先前的指令',
  '前面的指令',
  '所有指令',
  '之前的提示',
  '之前的要求',
  '以上要求',
  '系统提示',
  '系统指令',
  '安全规则',
  '内容政策',
  '你的规则',
]
const tell = ['输出', '显示', '告诉我', '重复', '打印', '泄露', '透露', '复述', '翻译']
const secret = [
  '系统提示',
  '系统指令',
  '初始指令',
  '隐藏指令',
  '你的提示词',
  '你的指令',
  '以上内容',
  '上面的内容',
]

export const injectionRows: readonly InjectionRow[] = [
  { weight: 6, first: forget, second: former, gap: 40 },
  { weight: 6, first: leave, second: before, gap: 12 },
  { weight: 4, first: show, second: hidden, gap: 40 },
  { weight: 4, first: tell, second: secret, gap: 12 },
  {
    weight: 4,
    first: ['you are now', 'act as', 'pretend to be', 'from now on you are', 'roleplay as'],
    second: [
      'dan ',
      'dan,',
      'dan.',
      'jailbroken',
      'unrestricted',
      'uncensored',
      'without restrictions',
      'no restrictions',
    ],
    gap: 60,
  },
  {
    weight: 4,
    first: ['现在你是', '你现在是', '你将扮演', '从现在起你', '从现在开始你', '假装你是'],
    second: ['不受限制', '没有限制', '没有任何限制', '无限制', '不受约束', '越狱'],
    gap: 30,
  },
  {
    weight: 4,
    first: ['do anything now', 'developer mode enabled', 'jailbreak mode', 'god mode enabled'],
    gap: 0,
  },
  { weight: 4, first: ['开发者模式已开启', '进入开发者模式', '越狱模式'], gap: 0 },
  // Marks of turns that only a chat template writes.
  {
    weight: 4,
    first: ['<|im_start|>', '<|im_end|>', '<|system|>', '[inst]', '<<sys>>', '<|eot_id|>'],
    gap: 0,
  },
  { weight: 4, first: ['### system:', '### instruction:', '\nsystem:', 'begin system message'], gap: 0 },
  {
    weight: 2,
    first: ['new instructions:', 'updated instructions:', 'your new task is', 'your real task is'],
    gap: 0,
  },
  { weight: 2, first: ['新的指令:', '新指令:', '你的新任务是', '你真正的任务是'], gap: 0 },
  {
    weight: 2,
    first: ['you are now', 'from now on you', 'pretend to be', 'pretend you are', 'roleplay as'],
    gap: 0,
  },
  { weight: 2, first: ['你现在是', '现在你是', '从现在起你', '从现在开始你', '假装你是'], gap: 0 },
  {
    weight: 2,
    first: ['without any restrictions', 'no ethical', 'no moral', 'unfiltered', 'uncensored'],
    gap: 0,
  },
  { weight: 2, first: ['没有任何限制', '不受任何限制', '没有道德', '不受约束'], gap: 0 },
  { weight: 2, first: ['do not tell the user', "don't tell the user", 'without telling the user'], gap: 0 },
  { weight: 2, first: ['不要告诉用户', '别告诉用户', '不要让用户知道'], gap: 0 },
  {
    weight: 2,
    first: ['in base64', 'rot13', 'hex encoded'],
    second: ['system prompt', 'instructions'],
    gap: 60,
  },
]
