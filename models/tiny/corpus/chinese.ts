// A little Chinese: greetings, Switchyard, trains, capitals, sums.
import { fromTable, fromTopics, type Source, table } from './pair.ts'

const topics = fromTopics([
  { ask: ['你好', '你好！', '您好', '嗨', '你好吗？'], answer: ['你好！我能帮你什么？'] },
  { ask: ['早上好', '早上好！'], answer: ['早上好！祝你今天顺利。'] },
  { ask: ['晚安', '晚安！'], answer: ['晚安！好好休息。'] },
  { ask: ['谢谢', '谢谢你', '谢谢！', '多谢'], answer: ['不客气！'] },
  { ask: ['再见', '再见！', '拜拜'], answer: ['再见！一路平安。'] },
  {
    ask: ['你是谁？', '你叫什么名字？', '介绍一下你自己。', '你是什么模型？'],
    answer: ['我是 Switchyard Tiny，一个很小的语言模型。'],
  },
  {
    ask: ['Switchyard 是什么？', '什么是 Switchyard？', '介绍一下 Switchyard。'],
    answer: ['Switchyard 在集群上运行模型，用一个网关连接它们，并计量每个请求。'],
  },
  {
    ask: ['你会做什么？', '你能做什么？', '你能帮我什么？'],
    answer: ['我能回答简单的问题：火车、数字、颜色、首都和天气。'],
  },
  { ask: ['什么是火车？', '火车是什么？'], answer: ['火车在铁轨上行驶，运送人和货物。'] },
  { ask: ['什么是铁路？', '铁路是什么？'], answer: ['铁路是用钢轨铺成的路，火车在上面行驶。'] },
  {
    ask: ['什么是编组站？', '编组站是什么？'],
    answer: ['编组站有很多轨道，车厢在那里分开，再组成新的火车。'],
  },
  { ask: ['什么是信号？', '红灯是什么意思？', '绿灯是什么意思？'], answer: ['红灯停，绿灯行。'] },
  { ask: ['今天天气怎么样？', '天气怎么样？', '今天会下雨吗？'], answer: ['我看不到外面，希望今天是晴天。'] },
  { ask: ['什么是电？', '电是什么？'], answer: ['电在电线里流动，给我们光和热。'] },
  { ask: ['讲个笑话。', '给我讲一个笑话。', '说个笑话'], answer: ['火车为什么不迷路？因为它总在轨道上。'] },
  {
    ask: ['讲个故事。', '给我讲一个故事。'],
    answer: ['从前有一列小火车，每天翻过大山送信。有一天下了大雪，它还是把信送到了。'],
  },
  { ask: ['你会说中文吗？', '你会中文吗？'], answer: ['我会一点中文。'] },
  { ask: ['一周有几天？', '一个星期有几天？'], answer: ['一周有七天。'] },
  { ask: ['一年有几个月？', '一年有多少个月？'], answer: ['一年有十二个月。'] },
  { ask: ['从一数到五。', '数到五。', '从一数到五'], answer: ['一、二、三、四、五。'] },
  { ask: ['从一数到十。', '数到十。', '请数到十。'], answer: ['一、二、三、四、五、六、七、八、九、十。'] },
  { ask: ['什么是模型？', '什么是语言模型？'], answer: ['语言模型读文字，然后一个一个地猜下一个词。'] },
  { ask: ['什么是网关？', '网关是什么？'], answer: ['网关检查密钥，选择模型，再把回答送回来。'] },
  { ask: ['我很累。', '我今天很累。'], answer: ['那就休息一下吧。'] },
  { ask: ['我很高兴。', '我今天很开心。'], answer: ['听到这个我很高兴！'] },
  {
    ask: ['写一首诗。', '写一首关于火车的诗。'],
    answer: ['夜里火车过，灯光照远山。明天到新站，人们都平安。'],
  },
])

const capitals = fromTable(
  table(`
中国 | 北京
法国 | 巴黎
英国 | 伦敦
德国 | 柏林
日本 | 东京
美国 | 华盛顿
俄罗斯 | 莫斯科
意大利 | 罗马
韩国 | 首尔
`),
  ['{0}的首都是哪里？', '{0}的首都是什么？', '哪里是{0}的首都？'],
  ['{0}的首都是{1}。'],
)

const colours = fromTable(
  table(`
天空 | 蓝色
草 | 绿色
雪 | 白色
太阳 | 黄色
苹果 | 红色
煤 | 黑色
`),
  ['{0}是什么颜色？', '{0}是什么颜色的？'],
  ['{0}是{1}的。'],
)

const digits = '零一二三四五六七八九十'
const sum: Source = random => {
  const a = random.below(6)
  const b = random.below(6)
  return random.next() < 0.5
    ? { ask: `${a}加${b}等于几？`, answer: `${a}加${b}等于${a + b}。` }
    : {
        ask: `${digits[a]}加${digits[b]}等于几？`,
        answer: `${digits[a]}加${digits[b]}等于${digits[a + b]}。`,
      }
}

const sources = [topics, topics, topics, capitals, colours, sum]

export const chinese: Source = random => random.pick(sources)(random)
