// What the model library says.
import { type Shape, teach } from '../words/index.ts'

const en = {
  title: 'Model library',
  doc: 'Every model that you may see: what it is, what its file says of itself, and where it serves.',
  tasks: {
    chat: 'Chat',
    completion: 'Completion',
    embedding: 'Embeddings',
    rerank: 'Reranking',
    transcription: 'Transcription',
    speech: 'Speech',
    image: 'Images',
    other: 'Other',
  },
  parametersOf: '{{number}} parameters',
  contextOf: '{{tokens}} tokens of context',
  model: 'Model',
  task: 'Task',
  parameters: 'Parameters',
  size: 'Size',
  context: 'Context',
  license: 'License',
  source: 'Source',
  serves: 'Serves as',
  nowhere: 'Not deployed',
  deploy: 'Deploy',
  deployNeeds: 'It needs the permission endpoint:create.',
  notReady: 'Its file has not been read well yet.',
  search: 'Search models',
  allTasks: 'All tasks',
  none: 'There is no model here yet.',
  noneDoc: 'A model is a file below the folder of a model registry.',
  register: 'Open models',
  noneFound: 'Nothing matches.',
  count_one: '{{count}} model',
  count_other: '{{count}} models',
  csv: 'CSV',
  format: 'Format',
  architecture: 'Architecture',
  quantisation: 'Quantisation',
  platform: 'platform',
} as const

const zh: Shape<typeof en> = {
  title: '模型库',
  doc: '您可见的全部模型：模型信息、文件自述的参数，以及部署位置。',
  tasks: {
    chat: '对话',
    completion: '文本补全',
    embedding: '向量嵌入',
    rerank: '重排序',
    transcription: '语音转写',
    speech: '语音合成',
    image: '图像生成',
    other: '其他',
  },
  parametersOf: '参数量 {{number}}',
  contextOf: '上下文 {{tokens}} token',
  model: '模型',
  task: '任务',
  parameters: '参数量',
  size: '大小',
  context: '上下文',
  license: '许可证',
  source: '来源',
  serves: '部署为',
  nowhere: '未部署',
  deploy: '部署',
  deployNeeds: '需要权限 endpoint:create。',
  notReady: '模型文件尚未成功读取。',
  search: '搜索模型',
  allTasks: '全部任务',
  none: '这里还没有模型。',
  noneDoc: '模型是模型仓库目录中的一个文件。',
  register: '查看模型对象',
  noneFound: '没有匹配的结果。',
  count_one: '{{count}} 个模型',
  count_other: '{{count}} 个模型',
  csv: 'CSV',
  format: '格式',
  architecture: '架构',
  quantisation: '量化',
  platform: '平台',
}

declare module '../words/index.ts' {
  interface Rooms {
    readonly library: typeof en
  }
}

teach('library', en, zh)
