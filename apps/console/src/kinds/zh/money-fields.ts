// Fields of price books and budgets.

export const moneyFields: Readonly<Record<string, string>> = {
  'sale: what callers are charged; cost: what upstreams charge us.':
    'sale：向调用方收取的价格；cost：上游向我方收取的价格。',
  'ISO 4217 code of its prices.': '价格的 ISO 4217 货币代码。',
  'Holds for requests that are admitted from then on.': '适用于从此时间起准入的请求。',
  'Holds no longer from then on; never ends when absent.': '从此时间起不再适用；未填写时永不失效。',
  'on_write: each change is a version that holds; on_request: a draft until it is published.':
    'on_write：每次更改即为生效版本；on_request：发布之前为草稿。',
  'How a line of an invoice is rounded to what the currency can be paid in.':
    '账单明细如何舍入到该币种的最小支付单位。',
  'Prices. The most exact one that fits is taken.': '价格。采用最精确匹配的一条。',
  'Model that it is for: of a sale its public name, of a cost the name that the upstream knows. The start of names and a `*`, or `*` alone, are others.':
    '适用的模型：售价填写公开名称，成本填写上游的名称。也可填写前缀加 `*`，或单独的 `*`。',
  'Provider that asks it, WORKSPACE/NAME or platform/NAME; cost only.':
    '收费的提供商，WORKSPACE/NAME 或 platform/NAME；仅用于成本。',
  'Endpoint that costs it, WORKSPACE/NAME; cost only.': '产生成本的端点，WORKSPACE/NAME；仅用于成本。',
  'Only for requests that were taken so; answers of the cache are free without one.':
    '仅适用于以此方式处理的请求；缓存作答在没有对应价格时免费。',
  'Only for requests with so many tokens in.': '仅适用于输入 token 数在此范围的请求。',
  'Tokens in, at least.': '输入 token 数下限（含）。',
  'Tokens in, below.': '输入 token 数上限（不含）。',
  'Only for requests that were served there.': '仅适用于在该区域处理的请求。',
  'Only for callers of this workspace.': '仅适用于该工作区的调用方。',
  'What is counted; `tok.in.*` and `tok.out.*` are every class of a direction without its own rate.':
    '计量项；`tok.in.*` 和 `tok.out.*` 表示该方向上没有单独定价的所有类别。',
  'per_unit (when absent); graduated and volume by `steps` of a period; package for each one that is begun.':
    'per_unit（未填写时）：按量；graduated 和 volume：按周期内的 `steps` 阶梯；package：按开始使用的每一份。',
  'Price of `per` units, as text; "0" is free.': '`per` 个单位的价格，以文本填写；"0" 为免费。',
  'So many units cost the price.': '该价格对应的单位数。',
  'Of graduated and volume, from the first unit of a period on.':
    'graduated 和 volume 的阶梯，从周期内第一个单位开始。',
  'Units of a period up to which it holds, that one included; the last step has none.':
    '该阶梯适用到的周期内单位数（含）；最后一个阶梯不填写。',
  'Price of `per` units.': '`per` 个单位的价格。',
  'Asked once, when the step is reached.': '达到该阶梯时收取一次。',
  'Asked for each period, whatever was used.': '每个周期收取的固定费用，与用量无关。',
  'What an invoice calls it.': '账单上的名称。',
  'Asked once for each period of a workspace.': '每个工作区每个周期收取一次。',
  'Only of this workspace.': '仅适用于该工作区。',
  'A workspace pays at least so much for a period.': '工作区每个周期的最低消费。',
  'A workspace pays at most so much for a period.': '工作区每个周期的最高消费。',
  'Newest that was published.': '最近发布的版本。',
  'Of its canonical form (RFC 8785), in hex.': '其规范形式（RFC 8785）的摘要，十六进制。',
  'Generation of the document that it was published from.': '发布时所依据的文档代次。',
  'Of one period, as text, in the currency of the workspace.': '一个周期的金额，以文本填写，币种同工作区。',
  'In the time zone of the workspace.': '采用工作区的时区。',
  'Only of this project.': '仅计该项目。',
  'Only of the API key of this name.': '仅计该名称的 API 密钥。',
  'Only of this public model name.': '仅计该公开模型名。',
  'In a hundred of the amount: each is told once in a period.':
    '金额的百分比：每个阈值在一个周期内告警一次。',
  'Tell, once in a period, when it will be above the amount if it goes on as it has.':
    '按当前趋势将超出金额时告警，每个周期一次。',
  'In the period that runs, as text.': '当前周期的金额，以文本表示。',
  'At the end of it; null until a tenth of it is over.': '周期结束时的预测值；周期过去十分之一之前为空。',
  'What was told in this period: thresholds, and forecast.': '本周期内已告警的内容：阈值和预测。',
}
