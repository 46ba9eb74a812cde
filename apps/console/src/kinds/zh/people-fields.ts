// Fields of workspaces, people, their keys and who vouches for them.

export const peopleFields: Readonly<Record<string, string>> = {
  'Registered name.': '注册名称。',
  'Tax number: 纳税人识别号, VAT number.': '税号：纳税人识别号、增值税号（VAT）等。',
  'Lines of its address.': '地址，每项一行。',
  'Where invoices are paid to.': '账单的收款账户。',
  'Time zone of the year that a number is of.': '编号所属年度采用的时区。',
  'What numbers of invoices; the name in capitals and a dash when absent begin with, before the year.':
    '账单编号在年份之前的前缀；未填写时为大写的名称加短横线。',
  'What numbers of credit notes; that of invoices and CN- when absent begin with, before the year.':
    '贷项通知单编号在年份之前的前缀；未填写时为账单前缀加 CN-。',
  'Refuse every request of this workspace at the gateway.': '在网关拒绝该工作区的所有请求。',
  'IANA time zone of its billing periods.': '计费周期采用的 IANA 时区。',
  'ISO 4217 code.': 'ISO 4217 货币代码。',
  'Most that all its keys may call together.': '该工作区全部密钥合计的调用上限。',
  'Rate of requests.': '请求速率。',
  'Requests per minute.': '每分钟请求数。',
  'Requests per second.': '每秒请求数。',
  'How many may come at once; the rate of one minute or second when absent.':
    '可同时到达的突发量；未填写时等于每分钟或每秒的速率。',
  'Rate of input tokens, cached ones included.': '输入 token 速率，包含命中缓存的 token。',
  'Tokens per minute.': '每分钟 token 数。',
  'Rate of output tokens, reasoning included.': '输出 token 速率，包含推理（思考）词元。',
  'Rate of input and output tokens together.': '输入与输出 token 合计的速率。',
  'Requests that may run at once.': '可同时处理的请求数。',
  'What calls may cost in a period, by the price books.': '按价格表计算，一个周期内调用费用的上限。',
  'Most of one hour, as text.': '每小时上限，以文本填写。',
  'Most of one day.': '每天上限。',
  'Most of one week, from Monday.': '每周上限，从星期一开始。',
  'Most of one calendar month.': '每个自然月上限。',
  'ISO 4217 code: requests are priced by the sale books in it.':
    'ISO 4217 货币代码：请求按该币种的售价表计价。',
  'IANA time zone in which the periods begin; that of the workspace when absent, else UTC.':
    '周期起始采用的 IANA 时区；未填写时采用工作区的时区，否则为 UTC。',
  'The same limits for single models, beside those for all; a trailing * is a wildcard.':
    '针对单个模型的相同限制，与总限制同时生效；末尾的 * 为通配符。',
  'How calls are paid.': '调用的付费方式。',
  'none: calls draw on no balance; prepaid: on what was paid in; postpaid: on credit.':
    'none：不使用余额；prepaid：从预付余额扣费；postpaid：按信用额度后付费。',
  'Most that may be owed at once, as text, in the currency of the workspace; postpaid only.':
    '允许的最高欠款，以文本填写，币种同工作区；仅用于 postpaid。',
  'Projects with an account of their own, which pays for them in place of the workspace.':
    '拥有独立账户的项目，由项目代替工作区付费。',
  'Whether it pays before or after it calls.': '该项目预付费还是后付费。',
  'What calls pay that do not end well.': '未正常结束的调用如何收费。',
  'When the caller leaves before the end: input and what was produced, the input alone, or nothing.':
    '调用方提前断开时：收取输入和已生成的内容、仅收取输入，或不收费。',
  'When an upstream fails, or our time is over, after the first byte.': '首字节之后上游失败或超时的情形。',
  'When a guardrail ends the answer.': '回答被护栏终止的情形。',
  'When the gateway itself is lost: what it had last written down.':
    '网关自身丢失的情形：按其最后记录的用量收费。',
  'Monthly invoices; none when absent.': '月度账单；未填写时不出账单。',
  'LegalEntity that issues its invoices.': '开具账单的法律主体。',
  'Whom invoices are made out to.': '账单抬头（付款方）。',
  'The first that is for a model is its tax; fees and what is no model take the first for all.':
    '第一个适用于该模型的税率即为其税率；固定费用等不属于模型的项目，采用第一个适用于全部模型的税率。',
  'In a hundred, as text: "13".': '百分比，以文本填写，例如 "13"。',
  'Public model names, or starts of them and a `*`; all when absent.':
    '公开模型名，或前缀加 `*`；未填写时表示全部。',
  'Prices of the books hold the tax: it is split off (价税分离).': '价格表中的价格含税，开票时价税分离。',
  'The first that is for a model is taken off its usage.': '第一个适用于该模型的折扣从其用量费用中扣减。',
  'Hours after the end of a month in which late usage still counts for it.':
    '月末之后的小时数，其间到达的用量仍计入该月。',
  'Days from the issue to the date of payment.': '从开具到付款到期的天数。',
  'automatic: once the grace is over; manual: when somebody issues it.':
    'automatic：宽限期结束后自动开具；manual：由人员手动开具。',
  'While balances cannot be read, whoever is on credit is refused, or let in.':
    '余额暂时无法读取时，对信用付费的调用方拒绝（closed）或放行（open）。',
  'With onStoreLoss open: most that one gateway lets in meanwhile, as text.':
    'onStoreLoss 为 open 时，单个网关在此期间最多放行的金额，以文本填写。',
  'IP addresses that requests may come from.': '允许请求来源的 IP 地址。',
  'Ranges that callers must come from; any when absent, none when empty.':
    '调用方必须来自的地址段；未填写表示不限，为空表示全部不允许。',
  'Ranges that are refused, whatever allow says.': '拒绝的地址段，优先于 allow。',
  'People to tell about limits and bills.': '限额和账单相关通知的联系人。',
  'Refuse every key of this project at the gateway.': '在网关拒绝该项目的所有密钥。',
  'Unique; case does not matter.': '唯一，不区分大小写。',
  'Write-only; kept as an argon2id hash.': '仅可写入；以 argon2id 哈希保存。',
  'Refuse sign-in and every key that this person owns.': '拒绝该人员登录，并拒绝其名下的所有密钥。',
  'Language of the console.': '控制台语言。',
  'How identity providers know the person.': '身份提供方对该人员的标识。',
  'Too many wrong passwords: no sign-in before. Told when it is read, as is the phase Locked; selectors and watches do not see it.':
    '密码错误次数过多，在此时间之前不能登录。与状态“已锁定”一样在读取时计算，选择器和监听看不到。',
  'Refuse every key of this account.': '拒绝该账号的所有密钥。',
  'Of any of its keys, as an ApiKey tells it.': '其任一密钥的最近使用时间，含义与 API 密钥的相同。',
  'Permissions such as endpoint:read; `endpoint:*`, `*:read` and `*` are allowed.':
    '权限，例如 endpoint:read；可使用 `endpoint:*`、`*:read` 和 `*`。',
  'Who is granted. A ServiceAccount is one of the same workspace; a Group is `PROVIDER/NAME`, as an IdentityProvider says it.':
    '被授予者。ServiceAccount 须在同一工作区；Group 写作 `PROVIDER/NAME`，名称以身份提供方所给为准。',
  'Role of the same workspace, or platform/NAME.': '同一工作区的角色，或 platform/NAME。',
  'The grant ends then.': '授权到此时间结束。',
  'Whose rights the key carries. A ServiceAccount is one of the same workspace.':
    '密钥沿用谁的权限。ServiceAccount 须在同一工作区。',
  'Permissions that the key keeps of its owner’s.': '密钥从所有者权限中保留的部分。',
  'Public model names it may call, `*` as wildcard; absent means any, empty means none.':
    '可调用的公开模型名，`*` 为通配符；未填写表示不限，为空表示都不允许。',
  'Most that may be called with it.': '使用该密钥的调用上限。',
  'Refused from then on.': '从此时间起拒绝。',
  'Refused while true.': '为 true 时拒绝。',
  'To the minute, and told a minute later at most; when it is read, and not by a watch.':
    '精确到分钟，最多延迟一分钟；在读取时计算，监听看不到。',
  'How it is sent. bearer: as the provider takes its keys, `Authorization: Bearer` unless its row says otherwise; header, query: under `name`; basic: with `username`; custom: `headers` alone.':
    '发送方式。bearer：按提供商接受密钥的方式，目录未另行说明时为 `Authorization: Bearer`；header、query：以 `name` 为名；basic：配合 `username`；custom：仅使用 `headers`。',
  'Header or query parameter that carries the value, for the types header and query.':
    '承载该值的请求头或查询参数名，用于 header 和 query 类型。',
  'User name, for the type basic.': '用户名，用于 basic 类型。',
  'Write-only: the key, token or password.': '仅可写入：密钥、令牌或密码。',
  'Write-only: further headers with secret values.': '仅可写入：其他含机密值的请求头。',
  'Workspaces that may use this platform document.': '可使用此平台级对象的工作区。',
  'Of the value (of the headers, where there is no value): first 16 hex digits of its HMAC-SHA-256 under a key of this installation. The same value has the same one here, and another one elsewhere.':
    '该值（没有值时为请求头）的指纹：以本安装的密钥计算 HMAC-SHA-256，取前 16 位十六进制数。相同的值在本安装内指纹相同，在其他安装中不同。',
  'Secret fields that hold something.': '已填写内容的机密字段。',
  'When a secret field was written last.': '机密字段最近一次写入的时间。',
  'The `iss` of its tokens, to the letter.': '令牌中的 `iss`，须逐字一致。',
  'One of these must be in `aud`: tokens that were made for others do not pass.':
    '`aud` 中必须包含其中之一：签发给其他对象的令牌不予通过。',
  'How its tokens may be signed; those that start with HS need a credential.':
    '令牌可用的签名算法；以 HS 开头的算法需要凭据。',
  'https address of its public keys (JWKS), which are read again in the background.':
    '其公钥（JWKS）的 https 地址，在后台定期重新读取。',
  'Its public keys themselves, as a JSON Web Key Set.': '其公钥本身，JSON Web Key Set 格式。',
  'Credential of the platform whose value it signs with by HMAC: at least 32 bytes.':
    '平台凭据，其值用于 HMAC 签名，至少 32 字节。',
  'Private ranges that jwksUri may be dialled in.': 'jwksUri 允许连接的私有地址段。',
  'Certificates (PEM) that vouch for jwksUri, in place of the public ones.':
    '为 jwksUri 作证的证书（PEM），代替公共证书。',
  'What of a token says who calls.': '令牌中说明调用方身份的内容。',
  'The workspace that is called in, and that pays.': '所调用并付费的工作区。',
  'Member of the token, or the path to it where it stands within others.': '令牌的成员名，或嵌套时的路径。',
  'What the values of the issuer mean here; one that is not listed means nothing.':
    '签发方的取值在此对应的含义；未列出的取值没有含义。',
  'The same for every token.': '所有令牌取同一个值。',
  'The project; the whole workspace when absent.': '项目；未填写时为整个工作区。',
  'The roles, one or a list.': '角色，可为一个或一组。',
  'Who calls; `sub` when absent.': '调用方；未填写时取 `sub`。',
  'What each role may do: a token needs one of them. Any model for any token when absent.':
    '各角色允许的操作：令牌须具有其中之一。未填写时，任何令牌可调用任何模型。',
  'Public model names that it may call, `*` as wildcard; any when absent, none when empty.':
    '可调用的公开模型名，`*` 为通配符；未填写表示不限，为空表示都不允许。',
  'Its address, to the letter as it says it itself; the rest is discovered there.':
    '其地址，须与其自称逐字一致，其余信息由此自动发现。',
  'How Switchyard is registered there.': 'Switchyard 在该处注册的客户端标识。',
  'Credential of the platform whose value is the client secret; a public client when absent.':
    '平台凭据，其值为客户端密钥；未填写时为公开客户端。',
  'What is asked for; some providers tell groups for a scope of their own.':
    '请求的范围；部分提供方需要专门的范围才返回用户组。',
  'Where the token, or else the userinfo, says them; a list is the path into it.':
    '令牌或 userinfo 中相应信息的位置；列表表示嵌套路径。',
  'Domains of e-mail that the provider may speak for: only a verified address in one of them links an account that stands, or makes one.':
    '该提供方可代表的电子邮箱域名：只有域名在其中且已验证的地址，才会关联已有账户或创建账户。',
  'Whether who signs in without an account gets one.': '没有账户的人员登录时是否自动创建账户。',
  'What each group holds; who is in it is taken over at each sign-in.':
    '各用户组拥有的权限；成员关系在每次登录时同步。',
  'Role of the platform.': '平台级角色。',
  'Where it is held; everywhere when absent.': '生效的工作区；未填写时在所有工作区生效。',
  'Private ranges that the provider may be dialled in.': '该提供方允许连接的私有地址段。',
  'Certificates (PEM) that vouch for it, in place of the public ones.':
    '为其作证的证书（PEM），代替公共证书。',
}
