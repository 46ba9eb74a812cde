// Fields of what the gateway does: providers, routes, guardrails and servers of tools.

export const gatewayFields: Readonly<Record<string, string>> = {
  'Row of the catalog: what it speaks and where it is.': '目录中的条目：所用协议和地址。',
  'Where its API begins, such as https://api.example.com/v1; that of the type when absent.':
    'API 的起始地址，例如 https://api.example.com/v1；未填写时采用该类型的地址。',
  'Where it answers from, such as eu-west-1: prices may go by it. Not known when absent.':
    '服务所在区域，例如 eu-west-1，价格可能据此区分；未填写表示未知。',
  'Credential of the same workspace, or platform/NAME; none when absent.':
    '同一工作区的凭据，或 platform/NAME；未填写时不使用。',
  'Models that it serves. Routes may name others too: they pass as they are named.':
    '提供的模型。路由也可引用其他模型，名称原样传递。',
  'Name that routes use.': '路由使用的名称。',
  "The provider's own name; the same when absent.": '提供商自己的名称；未填写时相同。',
  'Most output tokens of one answer.': '单次回答的最大输出 token 数。',
  'Tokens of input and output together.': '输入与输出合计的 token 数。',
  'Most that is sent to it, from all callers together.': '所有调用方合计发往该提供商的上限。',
  'Private ranges that it may be dialled in; needs provider:private on the platform.':
    '允许连接的私有地址段；需要平台权限 provider:private。',
  'Further headers of every request, not secret.': '每个请求附加的非机密请求头。',
  'What it looks for.': '检查的内容。',
  'What is looked at: what callers ask, what models answer, or both.': '检查的对象：请求、回答，或两者。',
  'block: refuse; redact: put a placeholder in its place; flag: let it pass and record it.':
    'block：拒绝；redact：以占位符替换；flag：放行并记录。',
  'When the check itself fails or takes too long. closed: refuse; open: let it pass and record it.':
    '检查本身失败或超时的情形。closed：拒绝；open：放行并记录。',
  'Words and phrases; width, case and invisible characters make no difference.':
    '词语和短语；不区分全角半角、大小写和不可见字符。',
  'Regular expressions; each may take 50 ms of a request.': '正则表达式；每个在一次请求中最多用时 50 毫秒。',
  'Personal data to look for; numbers with check digits are checked.':
    '要查找的个人信息；带校验位的号码会进行校验。',
  'How little is needed to call a text an attempt to take over the instructions.':
    '将文本判定为提示词注入的灵敏度。',
  'JSON Schema 2020-12 that the answer must fit.': '回答必须符合的 JSON Schema（2020-12）。',
  'https address that is asked.': '要询问的 https 地址。',
  'Credential that it is asked with.': '询问时使用的凭据。',
  'Milliseconds that it has to answer.': '响应时限，单位毫秒。',
  'Where it takes messages, such as https://mcp.example.com/mcp. Of several equal ones each session stays on one.':
    '接收消息的地址，例如 https://mcp.example.com/mcp。有多个等价地址时，每个会话固定使用其一。',
  "Credential that is sent in place of the caller's, of the same workspace or platform/NAME; none when absent.":
    '代替调用方凭据发送的凭据，取自同一工作区或 platform/NAME；未填写时不使用。',
  'Tools that callers see and may call; a single trailing * stands for any rest. Every tool when absent, none when empty.':
    '调用方可见并可调用的工具；末尾单个 * 表示任意后缀。未填写表示全部，为空表示都不允许。',
  'Who may call it: a key that is named, or of a project that is; any key when absent.':
    '允许的调用方：指定的密钥，或属于指定项目的密钥；未填写时不限。',
  'Projects whose keys may call it.': '其密钥可以调用的项目。',
  'Names of the API keys that may call it.': '可以调用的 API 密钥名称。',
  'How long each part may take; a caller may ask for less of the whole.':
    '各阶段的时限；调用方可将总时限设得更短。',
  'Until an answer begins, in ms; 300,000 when absent.': '到回答开始为止，单位毫秒；未填写时为 300,000。',
  'Between two bytes of an answer, in ms; 300,000 when absent.':
    '回答的两个字节之间，单位毫秒；未填写时为 300,000。',
  'For a whole call, in ms; 600,000 when absent.': '整个调用，单位毫秒；未填写时为 600,000。',
  'For a stream of what the server says by itself, in ms; 3,600,000 when absent. Clients open it again.':
    '服务器主动推送的流，单位毫秒；未填写时为 3,600,000。客户端会重新打开。',
  'Public model names. A single trailing * stands for any rest; an exact name wins over it.':
    '公开模型名。末尾单个 * 表示任意后缀；完全匹配的名称优先。',
  'Which requests it is for; every one when absent. All of it must hold.':
    '适用的请求；未填写时适用于所有请求。须满足全部条件。',
  'Headers that a request must carry, each with its value or the start of one and a *.':
    '请求必须携带的请求头，填写其值，或前缀加 *。',
  "Members of the request's metadata, likewise.": '请求 metadata 的成员，规则相同。',
  'Tags of x-switchyard-tags that must all be there.': 'x-switchyard-tags 中必须全部包含的标签。',
  'Of routes with one name the highest that matches is taken.': '同名路由中，采用匹配且优先级最高的一条。',
  'Tried in this order: the next when no target of one can answer.':
    '按此顺序尝试：某一层没有可响应的目标时进入下一层。',
  'weighted: by weight; least_load: fewest running; latency: fastest first token; cost: cheapest; prefix: where the start of the prompt is cached; session: the same target for one session.':
    'weighted：按权重；least_load：运行请求最少；latency：首 token 最快；cost：成本最低；prefix：提示词前缀已缓存处；session：同一会话固定目标。',
  'Upstreams of this tier.': '该层的上游。',
  'Endpoint of the same workspace.': '同一工作区的推理端点。',
  'Provider of the same workspace, or platform/NAME.': '同一工作区的外部提供商，或 platform/NAME。',
  "Model of the provider; the name that was asked for when absent. An endpoint's is its own.":
    '提供商的模型；未填写时采用请求的名称。端点使用其自身的模型。',
  'Share of the requests; 0 gets none.': '分配请求的份额；0 表示不分配。',
  'Where a refusal of the upstream leads.': '上游拒绝后的去向。',
  'Route for requests that are too long for this one, instead of the refusal.':
    '请求超出本路由上下文长度时，改由此路由处理，而不直接拒绝。',
  "Route for requests that an upstream's content filter refuses.": '上游内容过滤拒绝请求时，改由此路由处理。',
  'Attempts before the first byte has left; never after it.': '首字节发出之前的尝试次数；之后不再重试。',
  'Attempts in all, the first included.': '总尝试次数，含首次。',
  'A second copy elsewhere when the first content is late; the first to answer wins.':
    '首个内容迟迟未到时，向其他目标发出第二份请求；先响应者生效。',
  'Most requests that may have a second copy, in %.': '可发出第二份请求的最高比例，单位 %。',
  'A copy of some requests, whose answer is thrown away.': '复制部分请求，丢弃其回答。',
  'Where the copy goes.': '副本请求的去向。',
  'Share of the requests that is copied, in %.': '复制请求的比例，单位 %。',
  'How long each part may take; a caller may ask for less.': '各阶段的时限；调用方可设得更短。',
  'Until the first content, in ms; 60,000 when absent.': '到首个内容为止，单位毫秒；未填写时为 60,000。',
  'Between two bytes, in ms; 60,000 when absent.': '两个字节之间，单位毫秒；未填写时为 60,000。',
  'Between two pieces of content, in ms; 300,000 when absent.':
    '两段内容之间，单位毫秒；未填写时为 300,000。',
  'For all attempts together, in ms; 600,000 when absent.': '所有尝试合计，单位毫秒；未填写时为 600,000。',
  'Send status and headers of a stream after so many ms without content; when absent only with the first content. Nothing is retried after them.':
    '没有内容达到该毫秒数后，先发送流的状态和响应头；未填写时随首个内容发送。发送之后不再重试。',
  'Refuse what an upstream of another dialect cannot say, instead of dropping it with a warning.':
    '上游协议无法表达的内容予以拒绝，而不是附警告丢弃。',
  'Which model name an answer carries.': '回答中携带的模型名。',
  'upstream: tell callers in a header which upstream answered.':
    'upstream：在响应头中告知调用方由哪个上游作答。',
  'Keep responses of the Responses API here where the upstream cannot, so that a later request can go on from one.':
    '上游不支持时，在此保存 Responses API 的响应，以便后续请求接续。',
  'Fetch images by https for upstreams that take no addresses: 10 MiB and 5 s each.':
    '为不接受地址的上游通过 https 获取图片：每张 10 MiB、5 秒。',
  'Largest request body in bytes, where that is less than what the gateway takes.':
    '请求体的最大字节数，在小于网关上限时生效。',
  'Answer equal requests from memory; off when absent.': '对相同的请求从内存作答；未填写时关闭。',
  'exact: the same bytes; semantic: a last turn that means the same.':
    'exact：字节完全相同；semantic：最后一轮含义相同。',
  'How long an answer is used.': '回答的有效时间。',
  'Who shares answers with whom.': '哪些调用方之间共享回答。',
  'How a kept stream is given: at once, or at the pace at which it was made.':
    '缓存的流如何返回：一次性返回，或按生成时的节奏返回。',
  'Least cosine similarity, for semantic.': '最低余弦相似度，用于 semantic。',
  'Route that embeds the last turn, for semantic.': '用于计算最后一轮向量的路由，用于 semantic。',
  'Guardrails in their order, of the same workspace or platform/NAME.':
    '按顺序执行的护栏，取自同一工作区或 platform/NAME。',
}
